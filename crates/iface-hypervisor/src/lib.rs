#![doc = include_str!("../README.md")]
#![no_std]
#![expect(unsafe_code, reason = "a hypercall can do anything to the domain's memory")]

use core::ptr::NonNull;

pub use xen_abi::{Call, Errno, Frame, PAGE_SIZE, Port, ShutdownReason};

/// The page by which a domain talks to the store of its host, and the channel that signals for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StorePage {
    /// The page (`xenstore_domain_interface` of `io/xs_wire.h`), mapped for reading and writing.
    pub page: NonNull<u8>,
    /// The channel, which Xen opened.
    pub port: Port,
}

/// Calls of a domain to its hypervisor.
///
/// # Safety
/// An implementor answers for what it returns: frames are those of the pages asked for, and the memory it maps is valid
/// for reads and writes, and nobody else's.
pub unsafe trait Hypervisor: Copy + 'static {
    /// Makes hypercall `call`.
    ///
    /// # Errors
    /// What Xen returned, where that is negative.
    ///
    /// # Safety
    /// The arguments are those that the call takes (Xen's public headers), and what Xen does for them leaves memory that
    /// Rust knows of as Rust knows it.
    unsafe fn call(&self, call: Call, arguments: [usize; 4]) -> Result<usize, Errno>;

    /// The frame of the page of ordinary memory at `page`, which is page-aligned.
    fn frame(&self, page: NonNull<u8>) -> Frame;

    /// Maps the first `frames` frames of the domain's grant table (`grant_table.h`, version 1: 512 entries of 8 bytes each)
    /// one behind the other, for as long as the image runs. Called once.
    ///
    /// # Errors
    /// What Xen returned: it gives as many frames as `max_grant_frames` of the domain's configuration says, 64 by default.
    fn map_grant_table(&self, frames: usize) -> Result<NonNull<u8>, Errno>;

    /// The page that the domain shares with the store of its host; `None` where the domain was built without.
    fn store(&self) -> Option<StorePage>;

    /// Has the domain's end tell its host `reason` in place of a status, unless the image panics.
    fn end_for(&self, reason: ShutdownReason);

    /// Ends the domain, after what was written to its console is out. Its host restarts it or not, as `reason` and the
    /// domain's configuration (`on_poweroff`, `on_reboot`, …) say.
    fn shut_down(&self, reason: ShutdownReason) -> !;
}
