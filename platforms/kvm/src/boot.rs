//! How the image was entered.

// Absolute 32-bit addresses, which a test program of the host has none of.
#[cfg(not(test))]
mod entry;

use bare_x86_64::physical::Machine;
use bare_x86_64::{BootError, Found};

/// The registers that the loader left.
#[derive(Debug)]
pub struct Boot {
    eax: u32,
    ebx: u32,
}

impl Boot {
    /// What [`entry!`](crate::entry) passes on.
    ///
    /// # Safety
    /// Called once, with the registers as the boot protocol left them.
    #[doc(hidden)]
    pub const unsafe fn new(eax: u32, ebx: u32) -> Self {
        Self { eax, ebx }
    }

    /// Reads what the loader left, by the protocol it follows.
    pub(crate) fn found(&self) -> Result<Found, BootError> {
        // SAFETY: memory goes to the allocator later, and what is found is kept from it then.
        Found::read(&unsafe { Machine::new() }, self.eax, self.ebx)
    }
}
