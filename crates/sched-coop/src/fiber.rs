//! A thread of control with the stack that it owns.

use alloc::boxed::Box;
use core::{mem::MaybeUninit, ptr, ptr::NonNull};

use iface_arch::Arch;
use iface_memory::Stack;

/// What a new thread of control does.
pub(crate) trait Main: 'static {
    /// Runs on the new thread's stack.
    fn run(&'static self) -> !;
}

/// A thread of control. Dropping it leaks what it holds; [`into_stack`](Fiber::into_stack) is the way to end it.
#[derive(Debug)]
pub(crate) struct Fiber<A: Arch> {
    /// On the heap, so that it stays where it is while the thread is suspended.
    context: NonNull<A::Context>,
    stack: Option<NonNull<[MaybeUninit<u8>]>>,
}

impl<A: Arch> Fiber<A> {
    /// The thread of control that calls this.
    pub(crate) fn adopt(arch: A) -> Self {
        Self { context: leak(arch.running()), stack: None }
    }

    /// A thread of control that runs `main` when it is first switched to.
    pub(crate) fn new<M: Main>(arch: A, stack: Stack, main: &'static M) -> Self {
        let kept = NonNull::from(&mut *stack);
        let context = arch.context(stack, enter::<M>, ptr::from_ref(main).expose_provenance());
        Self { context: leak(context), stack: Some(kept) }
    }

    /// How [`switch`] names it.
    pub(crate) fn context(&self) -> NonNull<A::Context> {
        self.context
    }

    /// Ends it, and gives its stack back.
    ///
    /// # Safety
    /// It does not run, and is never switched to again.
    pub(crate) unsafe fn into_stack(self) -> Option<Stack> {
        // SAFETY: `leak` made it from a box. The one other use is by `switch`, which is over: by the caller's duty the
        // thread has been switched from, and never will be switched to.
        drop(unsafe { Box::from_raw(self.context.as_ptr()) });
        // SAFETY: the stack came in as a unique reference for ever. It was lent to the thread alone, which is gone.
        self.stack.map(|stack| unsafe { &mut *stack.as_ptr() })
    }
}

/// Suspends the running thread into `from` and resumes `to`; returns when something switches to `from`.
///
/// # Safety
/// Both are contexts of fibers. `from` is that of the thread that runs now, and not ended before it is suspended; `to`
/// is suspended.
pub(crate) unsafe fn switch<A: Arch>(arch: A, from: NonNull<A::Context>, to: NonNull<A::Context>) {
    // SAFETY: a fiber's context is only shared until `into_stack`, before which both uses here are over.
    unsafe { arch.switch(from.as_ref(), to.as_ref()) }
}

fn leak<T>(value: T) -> NonNull<T> {
    NonNull::from(Box::leak(Box::new(value)))
}

extern "C" fn enter<M: Main>(argument: usize) -> ! {
    // SAFETY: `Fiber::new` alone passes this function, with the exposed address of a `&'static M`.
    unsafe { &*ptr::with_exposed_provenance::<M>(argument) }.run()
}
