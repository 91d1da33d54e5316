//! The process: all that its system calls share.

use alloc::collections::BTreeSet;
use alloc::rc::Rc;
use core::cell::{Cell, RefCell};

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
use open_file::{Errno, OpenFile};

use crate::Needs;
use crate::descriptors::{Descriptor, Descriptors};
use crate::futex::Futexes;
use crate::limits::Limits;
use crate::locks::Locks;
use crate::memory::Layout;
use crate::paths::Directory;
use crate::shown::Beginning;
use crate::signals::Signals;
use crate::threads::Threads;
use crate::timers::Timers;
use crate::users::Users;

/// What the process stands on: a type for each interface, under one name.
pub(crate) trait World: 'static {
    type AddressSpace: AddressSpace;
    type Allocator: Allocator;
    type Arch: Arch;
    type Clock: Clock;
    type Entropy: Entropy;
    type Platform: Platform;
    type Scheduler: Scheduler;
    type Shutdown: Shutdown;
    type Sockets: Sockets;
    type ThreadPointer: ThreadPointer;
    type Vfs: Vfs;
}

impl<
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
> World for Needs<A, L, R, C, E, P, S, H, N, T, V>
{
    type AddressSpace = A;
    type Allocator = L;
    type Arch = R;
    type Clock = C;
    type Entropy = E;
    type Platform = P;
    type Scheduler = S;
    type Shutdown = H;
    type Sockets = N;
    type ThreadPointer = T;
    type Vfs = V;
}

/// What the process is made of, by the types of a world.
pub(crate) type NeedsOf<W> = Needs<
    <W as World>::AddressSpace,
    <W as World>::Allocator,
    <W as World>::Arch,
    <W as World>::Clock,
    <W as World>::Entropy,
    <W as World>::Platform,
    <W as World>::Scheduler,
    <W as World>::Shutdown,
    <W as World>::Sockets,
    <W as World>::ThreadPointer,
    <W as World>::Vfs,
>;

/// The process.
pub(crate) struct Linux<W: World> {
    pub address_space: W::AddressSpace,
    pub allocator: &'static W::Allocator,
    pub arch: W::Arch,
    pub clock: W::Clock,
    pub entropy: W::Entropy,
    pub platform: W::Platform,
    pub scheduler: W::Scheduler,
    pub shutdown: Option<W::Shutdown>,
    pub sockets: W::Sockets,
    pub vfs: W::Vfs,
    pub descriptors: RefCell<Descriptors>,
    /// Where relative paths begin.
    pub directory: RefCell<Directory>,
    /// Permissions that new files do not get (umask(2)).
    pub mask: Cell<u16>,
    /// The thread's name, with zero bytes behind it.
    pub name: Cell<[u8; 16]>,
    /// Where things are in its memory.
    pub layout: RefCell<Layout>,
    /// Whether it was told that memory is out.
    pub told_of_shortage: Cell<bool>,
    pub futexes: RefCell<Futexes>,
    pub threads: Threads,
    pub signals: Signals,
    pub timers: Timers,
    pub users: RefCell<Users>,
    pub beginning: RefCell<Beginning>,
    pub limits: RefCell<Limits>,
    pub locks: RefCell<Locks>,
    /// How often the program has asked for what was not there since it last gave way.
    pub asked: Cell<u32>,
    /// Calls that the program made and that are not there, each of which is told once.
    pub missed: RefCell<BTreeSet<u32>>,
}

impl<W: World> Linux<W> {
    /// A process with no descriptors, in the root directory.
    pub fn new(needs: NeedsOf<W>) -> Self {
        let Needs {
            address_space,
            allocator,
            arch,
            clock,
            entropy,
            platform,
            scheduler,
            shutdown,
            sockets,
            thread_pointer: _,
            vfs,
        } = needs;
        Self {
            address_space,
            allocator,
            arch,
            clock,
            entropy,
            platform,
            scheduler,
            shutdown,
            sockets,
            vfs,
            descriptors: RefCell::default(),
            directory: RefCell::new(Directory::root(vfs)),
            mask: Cell::new(0o022),
            name: Cell::default(),
            layout: RefCell::new(Layout::new(address_space.window())),
            told_of_shortage: Cell::default(),
            futexes: RefCell::default(),
            threads: Threads::default(),
            signals: Signals::default(),
            timers: Timers::default(),
            users: RefCell::default(),
            beginning: RefCell::default(),
            limits: RefCell::default(),
            locks: RefCell::default(),
            asked: Cell::default(),
            missed: RefCell::default(),
        }
    }

    /// The file behind a descriptor that it is open for. Held while a call works with it, so that closing the descriptor
    /// meanwhile is no harm.
    pub fn file(&self, descriptor: Descriptor) -> Result<Rc<dyn OpenFile>, Errno> {
        self.descriptors.borrow().get_open(descriptor).map(|entry| Rc::clone(entry.file()))
    }

    /// The file behind a descriptor, which may hold it alone (open(2), `O_PATH`).
    pub fn held_file(&self, descriptor: Descriptor) -> Result<Rc<dyn OpenFile>, Errno> {
        self.descriptors.borrow().get(descriptor).map(|entry| Rc::clone(entry.file()))
    }
}
