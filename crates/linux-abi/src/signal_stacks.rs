//! The stack that a thread has for handlers of signals (sigaltstack(2)).

use core::cell::Cell;
use core::mem::MaybeUninit;
use core::ptr;
use core::slice;

use iface_address_space::AddressSpace;
use iface_arch::Arch;
use iface_platform::{ExitStatus, Platform};
use linux_raw_sys::general::{MINSIGSTKSZ, SIGSEGV, SS_AUTODISARM, SS_DISABLE, SS_ONSTACK, sigaltstack};
use open_file::Errno;

use crate::linux::{Linux, World};
use crate::signals::ENDED_BY_SIGNAL;
use crate::user::{User, plain};

plain!(sigaltstack);

/// A smaller stack is kept for who asks, and not used: calls that a handler makes run on its stack, as functions do.
const LEAST_USED: usize = 16 * 1024;

/// Where it is; of no bytes, there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct SignalStack {
    start: usize,
    length: usize,
    /// Nobody's while a handler runs (`SS_AUTODISARM`).
    disarms: bool,
}

impl SignalStack {
    /// What a program asks for.
    fn of(asked: sigaltstack) -> Result<Self, Errno> {
        let disarms = asked.ss_flags as u32 & SS_AUTODISARM != 0;
        match asked.ss_flags as u32 & !SS_AUTODISARM {
            SS_DISABLE => Ok(Self { disarms, ..Self::default() }),
            0 | SS_ONSTACK if asked.ss_size < MINSIGSTKSZ.into() => Err(Errno::ENOMEM),
            0 | SS_ONSTACK => {
                Ok(Self { start: asked.ss_sp as usize, length: asked.ss_size as usize, disarms })
            }
            _ => Err(Errno::EINVAL),
        }
    }

    /// What a program is told.
    fn told(self) -> sigaltstack {
        let state = match self.length {
            0 => SS_DISABLE,
            _ if self.is_in_use() => SS_ONSTACK,
            _ => 0,
        };
        let disarms = if self.disarms { SS_AUTODISARM } else { 0 };
        sigaltstack {
            ss_sp: ptr::without_provenance_mut(self.start),
            ss_flags: (state | disarms) as i32,
            ss_size: self.length as _,
        }
    }

    /// Whether the caller runs on it.
    fn is_in_use(self) -> bool {
        let here = 0_u8;
        let here = (&raw const here).addr();
        !self.disarms && here.checked_sub(self.start).is_some_and(|depth| depth < self.length)
    }

    /// What the thread has while a handler runs.
    pub fn during_handler(self) -> Self {
        if self.disarms { Self::default() } else { self }
    }

    /// What a handler finds in its context (`uc_stack`).
    pub fn words(self) -> [u64; 3] {
        [self.start as u64, u64::from(self.told().ss_flags as u32), self.length as u64]
    }
}

/// A call on another stack.
struct Crossing<'a, A: Arch> {
    arch: A,
    call: Cell<Option<&'a mut dyn FnMut()>>,
    /// Where it is made.
    here: A::Context,
    /// Where it is done.
    there: A::Context,
}

/// Runs first on the other stack.
extern "C" fn cross<A: Arch>(crossing: usize) -> ! {
    // SAFETY: it is the address of the one that `call_on` has, which waits until the switch below.
    let crossing = unsafe { &*ptr::with_exposed_provenance::<Crossing<'_, A>>(crossing) };
    crossing.call.take().into_iter().for_each(|call| call());
    crossing.arch.switch(&crossing.there, &crossing.here);
    unreachable!("the stack of a handler that has returned is not resumed");
}

impl<W: World> Linux<W> {
    pub fn set_signal_stack(&self, new: User<sigaltstack>, old: User<sigaltstack>) -> Result<(), Errno> {
        let before = self.thread_signals()?.stack;
        let told = before.told();
        if !new.is_null() {
            let asked = self.load(new)?;
            if before.is_in_use() {
                return Err(Errno::EPERM);
            }
            let stack = SignalStack::of(asked)?;
            self.change_thread_signals(|signals| signals.stack = stack)?;
        }
        self.store_if_asked(old, told)
    }

    /// Makes a call on the stack for handlers: on the one that runs where that is it, or there is none. One that cannot be
    /// written ends the image, as a fault on it does on Linux.
    pub fn call_on(&self, stack: SignalStack, call: &mut dyn FnMut()) {
        if stack.length < LEAST_USED || stack.is_in_use() {
            return call();
        }
        let end = stack.start.checked_add(stack.length);
        if !end.is_some_and(|end| stack.start > 0 && self.address_space.allows(stack.start..end, true)) {
            self.platform.exit(ExitStatus((ENDED_BY_SIGNAL + SIGSEGV) as u8));
        }
        let bytes = ptr::with_exposed_provenance_mut::<MaybeUninit<u8>>(stack.start);
        // SAFETY: the range can be written. The program says that it is for this alone, and it is not in use.
        let bytes = unsafe { slice::from_raw_parts_mut(bytes, stack.length) };
        let (here, there) = (self.arch.running(), self.arch.running());
        let crossing = Crossing { arch: self.arch, call: Cell::new(Some(call)), here, there };
        let address = (&raw const crossing).expose_provenance();
        let begin = self.arch.context(bytes, cross::<W::Arch>, address);
        self.arch.switch(&crossing.here, &begin);
    }
}
