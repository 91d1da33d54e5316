//! How the image was entered.

// Absolute 32-bit addresses, which a test program of the host has none of.
#[cfg(not(test))]
mod entry;

use crate::machine::Machine;
use crate::pv::Pv;
use crate::pvh::Pvh;

/// The way the domain runs, found by which entry Xen took, and the address that it left.
pub struct Boot {
    pub(crate) machine: &'static dyn Machine,
    pub(crate) start_info: u64,
}

impl Boot {
    /// What [`entry!`](crate::entry) passes on from the PVH entry.
    ///
    /// # Safety
    /// Called once, with the address of Xen's start information for PVH.
    #[doc(hidden)]
    pub const unsafe fn pvh(start_info: u32) -> Self {
        Self { machine: &Pvh, start_info: start_info as u64 }
    }

    /// What [`entry!`](crate::entry) passes on from the PV entry.
    ///
    /// # Safety
    /// Called once, with the address of Xen's start information for PV.
    #[doc(hidden)]
    pub const unsafe fn pv(start_info: u64) -> Self {
        Self { machine: &Pv, start_info }
    }
}
