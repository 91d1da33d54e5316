#![doc = include_str!("../README.md")]
#![no_std]

/// The register.
pub trait ThreadPointer: Copy + 'static {
    /// Sets it for the thread that runs. A scheduler that lets another one run sets it again
    /// (`iface_scheduler::Scheduler::set_own`).
    ///
    /// `value` is an address that the processor can have: another, which on x86_64 is one beyond 47 bits, may end the image
    /// with an exception.
    fn set(value: usize);
}
