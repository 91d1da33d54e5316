#![doc = include_str!("../README.md")]
#![no_std]
#![expect(unsafe_code, reason = "process entry, memory maps and signal handlers")]

extern crate alloc;

mod address_space;
#[cfg_attr(target_arch = "x86_64", path = "x86_64.rs")]
mod arch;
mod arguments;
mod clock;
mod console;
mod entropy;
mod events;
mod fault;
mod image;
mod memory;
mod platform;
mod report;
mod shutdown;
mod start;
mod system_call;
mod thread_pointer;

pub use address_space::LinuxAddressSpace;
pub use clock::LinuxClock;
pub use console::LinuxConsole;
pub use entropy::LinuxEntropy;
pub use events::LinuxEvents;
pub use memory::LinuxMemory;
pub use platform::LinuxPlatform;
pub use report::panic;
pub use shutdown::LinuxShutdown;
pub use start::{Boot, InitError, main};
pub use thread_pointer::LinuxThreadPointer;

use iface_allocator::Allocator;
use iface_platform::Platform;

/// Settings, from `libs.linux`.
pub struct Config {
    /// Address space for the heap, in MiB. Pages never touched cost nothing.
    pub heap_mib: u32,
}

/// What it needs.
pub struct Needs<A: 'static> {
    /// Takes the heap.
    pub allocator: &'static A,
}

/// What it provides.
pub struct Provides {
    /// A window of addresses.
    pub address_space: LinuxAddressSpace,
    /// Time of the process and of the day.
    pub clock: LinuxClock,
    /// Standard input and output.
    pub console: LinuxConsole,
    /// The kernel's random numbers.
    pub entropy: LinuxEntropy,
    /// File descriptors that become ready.
    pub events: LinuxEvents,
    /// Stacks.
    pub memory: LinuxMemory,
    /// Arguments, initial image and exit of the process.
    pub platform: LinuxPlatform,
    /// SIGTERM and SIGINT.
    pub shutdown: LinuxShutdown,
    /// The base of `fs`.
    pub thread_pointer: LinuxThreadPointer,
}

/// Gives the allocator its heap, installs the handlers of faults, and reads the arguments.
///
/// # Errors
/// As [`InitError`] says.
pub fn init<A: Allocator>(
    config: &'static Config,
    boot: Boot,
    needs: Needs<A>,
) -> Result<Provides, InitError> {
    let clock = LinuxClock::start();
    let heap_mib = boot.heap_mib().map_err(InitError::Memory)?.unwrap_or(config.heap_mib);
    let heap = memory::heap(heap_mib).map_err(InitError::Heap)?;
    let heap_span = (heap.as_ptr().addr(), heap.len());
    needs.allocator.add(heap);
    fault::install().map_err(InitError::Signals)?;
    let memory = LinuxMemory::new();
    let platform = LinuxPlatform::new(&boot)?;
    let events = LinuxEvents::new(clock);
    Ok(Provides {
        address_space: LinuxAddressSpace::new(heap_span, platform.initrd(), memory),
        clock,
        console: LinuxConsole,
        entropy: LinuxEntropy,
        events,
        memory,
        platform,
        shutdown: LinuxShutdown::new(events),
        thread_pointer: LinuxThreadPointer,
    })
}
