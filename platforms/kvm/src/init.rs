//! Starting the machine: exceptions, memory, and what the loader left.

use alloc::string::String;
use core::cell::Cell;
use core::fmt::{self, Display};
use core::mem::MaybeUninit;
use core::ops::Range;

use bare_x86_64::image::boot_stack_guard;
use bare_x86_64::memory::{self, InitrdError};
use bare_x86_64::{BootError, MemoryMap};
use iface_allocator::Allocator;
use iface_arch::Arch;
use iface_platform::CommandLine;
use x86_64::boot::GuardedStack;
use x86_64::paging::{MapError, PAGE_SIZE, emulated};
use x86_64::{SingleCore, exception, interrupts, segments};

use crate::{Boot, Kvm, console, fault};

/// Settings, from `libs.kvm`.
pub struct Config {
    /// The stack that rooms are started on, and the application's `main`, in KiB; whole pages of it.
    pub boot_stack_kib: u32,
}

impl Config {
    /// The boot stack in bytes.
    #[doc(hidden)]
    pub const fn boot_stack_size(&self) -> usize {
        (self.boot_stack_kib as usize * 1024).next_multiple_of(PAGE_SIZE as usize)
    }
}

/// What it needs.
pub struct Needs<A: 'static, R> {
    /// Gets the machine's memory.
    pub allocator: &'static A,
    /// The architecture.
    pub arch: R,
}

/// What it provides.
pub struct Provides {
    /// A window of addresses above all memory.
    pub address_space: Kvm,
    /// kvmclock, or the time-stamp counter.
    pub clock: Kvm,
    /// The first serial port.
    pub console: Kvm,
    /// Memory for devices, which see it at its own address.
    pub dma: Kvm,
    /// Interrupt lines and the timer.
    pub events: Kvm,
    /// Stacks.
    pub memory: Kvm,
    /// Configuration space by ports.
    pub pci: Kvm,
    /// Command line, initrd, exit.
    pub platform: Kvm,
    /// The power button.
    pub shutdown: Kvm,
    /// The base of `fs`.
    pub thread_pointer: Kvm,
}

/// Why the machine is of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InitError {
    /// What the loader left.
    Boot(BootError),
    /// The page tables.
    Map(MapError),
    /// The initrd.
    Initrd(InitrdError),
}

impl Display for InitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Boot(error) => error.fmt(f),
            Self::Map(error) => error.fmt(f),
            Self::Initrd(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for InitError {}

impl From<BootError> for InitError {
    fn from(error: BootError) -> Self {
        Self::Boot(error)
    }
}

impl From<MapError> for InitError {
    fn from(error: MapError) -> Self {
        Self::Map(error)
    }
}

impl From<InitrdError> for InitError {
    fn from(error: InitrdError) -> Self {
        Self::Initrd(error)
    }
}

/// Exceptions run here: the stack that raised one may have no room left.
static EXCEPTION_STACK: GuardedStack<8192> = GuardedStack::new();

/// What is known of the start.
struct Start {
    command_line: Cell<&'static str>,
    initrd: Cell<Option<&'static [u8]>>,
    memory: Cell<Option<MemoryMap>>,
    rsdp: Cell<Option<u64>>,
    tsc: Cell<u64>,
}

// SAFETY: the image runs on one processor, and no handler that returns uses it.
static START: SingleCore<Start> = unsafe {
    SingleCore::new(Start {
        command_line: Cell::new(""),
        initrd: Cell::new(None),
        memory: Cell::new(None),
        rsdp: Cell::new(None),
        tsc: Cell::new(0),
    })
};

/// Starts the machine, and gives its memory to the allocator.
///
/// # Errors
/// As [`InitError`] says.
pub fn init<A: Allocator, R: Arch>(
    _: &'static Config,
    boot: Boot,
    needs: Needs<A, R>,
) -> Result<Provides, InitError> {
    // SAFETY: reading the counter has no effect.
    START.tsc.set(unsafe { x86_64::x86::time::rdtsc() });
    console::init();
    exception::set_handler(fault::exception);
    // SAFETY: the boot code loaded the descriptor table with interrupts off; there is one `Boot`, so this runs once. Two
    // words above the first frame are left free, which a register dump without error code reads.
    unsafe {
        segments::load(EXCEPTION_STACK.top() - 16);
        interrupts::load_exceptions();
    }
    let found = boot.found()?;
    let mut give = |memory: &'static mut [MaybeUninit<u8>]| {
        emulated::widen(memory);
        needs.allocator.add(memory);
    };
    // SAFETY: the loader's memory map is all there is to know where memory is; what was found is kept out, and nothing else
    // is used. Guard pages lie below the stacks.
    let initrd = unsafe {
        memory::hand_over(&found, &mut give)?;
        memory::protect_image(&[boot_stack_guard(), EXCEPTION_STACK.guard()])?;
        memory::hand_over_high(&found, &mut give)?;
        memory::map_initrd(&found)?
    };
    // A loader may leave it in the first page.
    START.command_line.set(String::from(found.command_line).leak());
    START.initrd.set(initrd);
    START.memory.set(Some(found.memory.settled()));
    START.rsdp.set(found.rsdp);
    // SAFETY: what the loader left there was read, and copied where it is needed on.
    unsafe { memory::unmap_first_page()? };
    Ok(Provides {
        address_space: Kvm,
        clock: Kvm,
        console: Kvm,
        dma: Kvm,
        events: Kvm,
        memory: Kvm,
        pci: Kvm,
        platform: Kvm,
        shutdown: Kvm,
        thread_pointer: Kvm,
    })
}

pub(crate) fn command_line() -> CommandLine<'static> {
    CommandLine::new(START.command_line.get())
}

pub(crate) fn initrd() -> Option<&'static [u8]> {
    START.initrd.get()
}

/// Whether any of `range` is memory of the image, so that neither tables nor registers can lie there.
pub(crate) fn is_memory(range: &Range<u64>) -> bool {
    START.memory.get().is_none_or(|memory| memory.holds_any(range))
}

/// Where the ACPI root pointer lies, where the loader said so.
pub(crate) fn rsdp() -> Option<u64> {
    START.rsdp.get()
}

/// The time-stamp counter when the image started.
pub(crate) fn start_tsc() -> u64 {
    START.tsc.get()
}
