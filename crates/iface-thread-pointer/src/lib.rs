#![doc = include_str!("../README.md")]
#![no_std]

/// The register.
pub trait ThreadPointer: Copy + 'static {
    /// Sets it for the thread that runs. A scheduler that lets another one run sets it again
    /// (`iface_scheduler::Scheduler::set_own`).
    fn set(value: usize);
}
