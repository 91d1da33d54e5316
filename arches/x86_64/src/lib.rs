#![doc = include_str!("../README.md")]
#![no_std]
#![expect(
    unsafe_code,
    reason = "page tables, descriptor tables and the context switch are the processor's own"
)]

extern crate alloc;

pub mod apic;
pub mod boot;
mod context;
pub mod cpuid;
pub mod exception;
pub mod interrupts;
pub mod paging;
pub mod segments;
mod single;
pub mod thread_pointer;

use core::convert::Infallible;

pub use context::{Context, X86_64};
pub use single::SingleCore;
/// Port, model-specific and control registers, as the `x86` crate has them.
pub use x86;

/// Settings: there are none.
pub struct Config {}

/// What it needs: nothing.
pub struct Needs {}

/// What it provides.
pub struct Provides {
    /// The context switch.
    pub arch: X86_64,
}

/// Nothing to start: the platform has brought the processor into 64-bit mode.
pub fn init(_: &'static Config, _: Needs) -> Result<Provides, Infallible> {
    Ok(Provides { arch: X86_64 })
}
