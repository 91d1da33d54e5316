#![doc = include_str!("../README.md")]
#![no_std]
#![expect(unsafe_code, reason = "a program passes addresses, and is called by one")]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod areas;
mod calls;
mod counters;
mod dates;
mod descriptors;
mod epoll;
mod files;
mod futex;
#[cfg(test)]
mod fuzz;
mod identity;
mod limits;
mod links;
mod linux;
mod locks;
mod memory;
mod names;
mod network;
#[cfg(test)]
mod null_call;
#[cfg(test)]
mod page;
mod paths;
mod pending;
mod pipes;
mod poll;
mod posix_timers;
mod range_locks;
mod scheduling;
mod shown;
mod shutdown;
mod signal_files;
mod signal_stacks;
mod signals;
mod splice;
mod start;
#[cfg(test)]
mod tests;
mod threads;
mod time;
mod timers;
mod transfer;
mod user;
mod users;
mod waiting;

use core::convert::Infallible;

use iface_address_space::AddressSpace;
use iface_allocator::Allocator;
use iface_arch::Arch;
use iface_clock::Clock;
use iface_entropy::Entropy;
use iface_platform::Platform;
use iface_scheduler::Scheduler;
use iface_shutdown::Shutdown;
use iface_sockets::Sockets;
use iface_thread_pointer::ThreadPointer;
use iface_vfs::Vfs;

pub use calls::{CALLS, Call, Support};
use linux::Linux;
pub use start::Started;

/// Settings: there are none.
pub struct Config {}

/// What it needs.
pub struct Needs<A, L: 'static, R, C, E, P, S, H, N, T, V> {
    /// Pages for `mmap`.
    pub address_space: A,
    /// How much memory there is.
    pub allocator: &'static L,
    /// The architecture.
    pub arch: R,
    /// Time.
    pub clock: C,
    /// Random bytes.
    pub entropy: E,
    /// How the process ends.
    pub platform: P,
    /// Threads.
    pub scheduler: S,
    /// Who wishes that the process ends.
    pub shutdown: Option<H>,
    /// Sockets.
    pub sockets: N,
    /// The register for thread-local variables.
    pub thread_pointer: T,
    /// Files.
    pub vfs: V,
}

/// What it provides.
pub struct Provides {
    /// Starts a program.
    pub linux_abi: Started,
}

/// Makes the process.
///
/// # Errors
/// None.
pub fn init<
    A: AddressSpace,
    L: Allocator,
    R: Arch,
    C: Clock,
    E: Entropy,
    P: Platform,
    S: Scheduler,
    H: Shutdown,
    N: Sockets,
    T: ThreadPointer,
    V: Vfs,
>(
    _: &'static Config,
    needs: Needs<A, L, R, C, E, P, S, H, N, T, V>,
) -> Result<Provides, Infallible> {
    let linux = Linux::<Needs<A, L, R, C, E, P, S, H, N, T, V>>::new(needs);
    Ok(Provides { linux_abi: start::install(linux) })
}
