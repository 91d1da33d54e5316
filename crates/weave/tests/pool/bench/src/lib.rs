//! A platform.
#![no_std]

use iface_platform::{ExitStatus, Platform, Termination};

/// Settings.
pub struct Config {
    /// Of the stack that it starts on.
    pub boot_stack_kib: u16,
}

/// What the entry found.
pub struct Boot;

/// What it needs.
pub struct Needs<B, H: 'static> {
    /// Rung at the start.
    pub bell: B,
    /// Where it allocates.
    pub heap: &'static H,
}

/// What it provides.
pub struct Provides {
    /// Itself.
    pub platform: Bench,
}

/// The platform.
#[derive(Clone, Copy)]
pub struct Bench;

impl Platform for Bench {
    fn exit(&self, _status: ExitStatus) -> ! {
        loop {}
    }
}

/// Starts it.
pub fn init<B: iface_bell::Bell, H: iface_heap::Heap>(
    _config: &'static Config,
    _boot: Boot,
    needs: Needs<B, H>,
) -> Result<Provides, core::fmt::Error> {
    needs.bell.ring();
    if needs.heap.used() > 0 { Err(core::fmt::Error) } else { Ok(Provides { platform: Bench }) }
}

/// Defines the entry point.
#[macro_export]
macro_rules! entry {
    ($start:path) => {
        /// The entry point.
        pub fn unicore_entry() -> ! {
            $start($crate::Boot)
        }
    };
}

/// Calls the application.
pub fn main<T: Termination>(application: impl FnOnce() -> T) -> T {
    application()
}

/// Ends the image after a panic.
pub fn panic(_info: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}
