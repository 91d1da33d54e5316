//! Starting the domain: hypercalls, exceptions, console, memory, shared information.

use core::fmt::{self, Display};
use core::mem::MaybeUninit;

use iface_allocator::Allocator;
use iface_arch::Arch;
use x86_64::boot::GuardedStack;
use x86_64::paging::{MapError, PAGE_SIZE};
use xen_abi::Errno;

use crate::pv::StartInfoError;
use crate::{Boot, Xen, machine};

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
}

/// Why the domain is of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InitError {
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

/// Starts the domain, and gives its memory to the allocator.
///
/// # Errors
/// As [`InitError`] says.
pub fn init<A: Allocator, R: Arch>(
    _: &'static Config,
    boot: Boot,
    needs: Needs<A, R>,
) -> Result<Provides, InitError> {
    machine::set(boot.machine);
    boot.machine.begin(boot.start_info)?;
    boot.machine.handle_exceptions();
    let mut give = |memory: &'static mut [MaybeUninit<u8>]| needs.allocator.add(memory);
    boot.machine.set_up_memory(&mut give, &[EXCEPTION_STACK.guard()])?;
    Ok(Provides {
        clock: Xen,
        console: Xen,
        event_channels: Xen,
        events: Xen,
        hypervisor: Xen,
        memory: Xen,
        platform: Xen,
    })
}
