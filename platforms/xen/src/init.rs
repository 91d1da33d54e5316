//! Starting the domain: hypercalls, exceptions, console, memory, shared information.

use core::cell::{Cell, UnsafeCell};
use core::fmt::{self, Display};
use core::mem::MaybeUninit;

use bare_x86_64::BootError;
use bare_x86_64::image::boot_stack_guard;
use bare_x86_64::memory::InitrdError;
use iface_allocator::Allocator;
use iface_arch::Arch;
use iface_platform::CommandLine;
use x86_64::SingleCore;
use x86_64::boot::GuardedStack;
use x86_64::paging::{MapError, PAGE_SIZE};
use xen_abi::Errno;

use crate::machine::{SharedPage, Started};
use crate::pv::StartInfoError;
use crate::{Boot, Xen, clock, console, machine, shared_info};

/// Settings, from `libs.xen`.
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
    /// Gets the domain's memory.
    pub allocator: &'static A,
    /// The architecture.
    pub arch: R,
}

/// What it provides.
pub struct Provides {
    /// A window of addresses above all memory.
    pub address_space: Xen,
    /// Time by the page that Xen shares.
    pub clock: Xen,
    /// The console's ring.
    pub console: Xen,
    /// Event channels.
    pub event_channels: Xen,
    /// Waiting for them.
    pub events: Xen,
    /// Hypercalls.
    pub hypervisor: Xen,
    /// Stacks.
    pub memory: Xen,
    /// Command line, initrd, exit.
    pub platform: Xen,
    /// The base of `fs`.
    pub thread_pointer: Xen,
}

/// Why the domain is of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InitError {
    /// The hypervisor is another one.
    NoXen,
    /// What Xen's builder of PVH domains left.
    Boot(BootError),
    /// The initrd of a PVH domain.
    Initrd(InitrdError),
    /// What Xen's builder of PV domains left.
    StartInfo(StartInfoError),
    /// The page tables.
    Map(MapError),
    /// Xen refused something.
    Refused {
        /// What.
        what: &'static str,
        /// What Xen said.
        errno: Errno,
    },
}

impl Display for InitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoXen => f.write_str("the image is for Xen, and this is another hypervisor"),
            Self::Boot(error) => error.fmt(f),
            Self::Initrd(error) => error.fmt(f),
            Self::StartInfo(error) => error.fmt(f),
            Self::Map(error) => error.fmt(f),
            Self::Refused { what, errno } => write!(f, "Xen refused {what}: {errno}"),
        }
    }
}

impl core::error::Error for InitError {}

impl From<StartInfoError> for InitError {
    fn from(error: StartInfoError) -> Self {
        Self::StartInfo(error)
    }
}

impl From<MapError> for InitError {
    fn from(error: MapError) -> Self {
        Self::Map(error)
    }
}

/// Exceptions run here: the stack that raised one may have no room left.
pub(crate) static EXCEPTION_STACK: GuardedStack<8192> = GuardedStack::new();

/// Bytes of memory that the allocator has before the domain's own, for page tables of the console's page: two tables, each of
/// which may take the room of two, and what an allocator keeps for itself.
const FIRST_MEMORY_SIZE: usize = 32768;

/// That memory.
#[repr(C, align(4096))]
struct FirstMemory(UnsafeCell<[MaybeUninit<u8>; FIRST_MEMORY_SIZE]>);

// SAFETY: `init` hands it out, once.
unsafe impl Sync for FirstMemory {}

static FIRST_MEMORY: FirstMemory = FirstMemory(UnsafeCell::new([MaybeUninit::zeroed(); FIRST_MEMORY_SIZE]));

/// What is known of the start.
struct Start {
    started: Cell<Started>,
    store: Cell<Option<SharedPage>>,
}

// SAFETY: the image runs on one processor, and no handler of exceptions uses it.
static START: SingleCore<Start> =
    unsafe { SingleCore::new(Start { started: Cell::new(Started::NOTHING), store: Cell::new(None) }) };

/// Starts the domain, and gives its memory to the allocator.
///
/// # Errors
/// As [`InitError`] says.
pub fn init<A: Allocator, R: Arch>(
    _: &'static Config,
    boot: Boot,
    needs: Needs<A, R>,
) -> Result<Provides, InitError> {
    let start = clock::tsc();
    let machine = boot.machine;
    machine::set(machine);
    machine.begin(boot.start_info)?;
    machine.handle_exceptions();
    shared_info::map()?;
    clock::init(start);
    // SAFETY: there is one `Boot`, so this runs once, and nothing else uses that memory.
    needs.allocator.add(unsafe { &mut *FIRST_MEMORY.0.get() });
    if let Some(page) = machine.console()? {
        console::attach(page);
    }
    let mut give = |memory: &'static mut [MaybeUninit<u8>]| needs.allocator.add(memory);
    START.started.set(machine.set_up_memory(&mut give, &[boot_stack_guard(), EXCEPTION_STACK.guard()])?);
    START.store.set(machine.store()?);
    Ok(Provides {
        address_space: Xen,
        clock: Xen,
        console: Xen,
        event_channels: Xen,
        events: Xen,
        hypervisor: Xen,
        memory: Xen,
        platform: Xen,
        thread_pointer: Xen,
    })
}

pub(crate) fn command_line() -> CommandLine<'static> {
    CommandLine::new(START.started.get().command_line)
}

pub(crate) fn initrd() -> Option<&'static [u8]> {
    START.started.get().initrd
}

/// The page of the store's ring.
pub(crate) fn store() -> Option<SharedPage> {
    START.store.get()
}
