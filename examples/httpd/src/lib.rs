#![doc = include_str!("../README.md")]
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod connection;
mod date;
mod media_type;
mod path;
mod range;
mod request;
mod response;
mod server;
mod site;
#[cfg(test)]
mod tests;
mod text;

use iface_clock::Clock;
use iface_filesystem::FileSystem;
use iface_net_stack::NetStack;
use iface_platform::ExitStatus;

/// Settings, from `app.settings`.
pub struct Config {
    /// TCP port.
    pub port: u16,
    /// How many connections are served at once.
    pub connections: usize,
    /// Seconds that a client may take to its next whole request, or to take a part of an answer, before its connection
    /// is closed.
    pub keep_alive_seconds: u32,
}

/// What it needs.
pub struct Needs<C, F, N> {
    /// Tells how long a connection was idle, and the date.
    pub clock: C,
    /// Where the files are.
    pub filesystem: F,
    /// Where the clients are.
    pub net_stack: N,
}

/// Serves until the image is stopped.
///
/// # Errors
/// When the port cannot be listened on.
pub fn main<C: Clock, F: FileSystem, N: NetStack>(
    config: &'static Config,
    needs: Needs<C, F, N>,
) -> ExitStatus {
    match server::Server::open(config, needs) {
        Ok(mut server) => loop {
            server.turn();
        },
        Err(error) => {
            log::error!("cannot listen on port {}: {error}", config.port);
            ExitStatus::FAILURE
        }
    }
}
