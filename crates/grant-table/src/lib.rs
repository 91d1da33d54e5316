#![doc = include_str!("../README.md")]
#![no_std]
#![expect(unsafe_code, reason = "the table is memory that Xen reads and writes")]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod entry;
mod table;
#[cfg(test)]
mod tests;

use core::fmt::{self, Display};

use iface_hypervisor::{Errno, Hypervisor};

pub use table::Table;

/// Settings of the table.
#[derive(Debug)]
pub struct Config {
    /// Frames of it that are used, 512 entries each.
    pub frames: usize,
}

/// What the table needs.
#[derive(Debug)]
pub struct Needs<H> {
    /// Who maps it.
    pub hypervisor: H,
}

/// What is provided.
#[derive(Debug)]
pub struct Provides<G> {
    /// The table.
    pub grant_table: G,
}

/// Why there is no table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InitError {
    /// Frames that Xen was asked for.
    pub frames: usize,
    /// What it said.
    pub error: Errno,
}

impl Display for InitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { frames, error } = self;
        write!(f, "Xen does not give {frames} frames for the grant table: {error}; ")?;
        f.write_str("choose fewer with libs.grant-table.frames, or raise max_grant_frames of the domain")
    }
}

impl core::error::Error for InitError {}

/// Maps the domain's grant table.
///
/// # Errors
/// As [`InitError`] says.
pub fn init<H: Hypervisor>(
    config: &'static Config,
    needs: Needs<H>,
) -> Result<Provides<&'static Table<H>>, InitError> {
    let frames = config.frames;
    let table = Table::map(needs.hypervisor, frames).map_err(|error| InitError { frames, error })?;
    Ok(Provides { grant_table: table })
}
