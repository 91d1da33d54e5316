//! Threads of control: what a call preserves is kept on the thread's own stack, and the stack pointer here.
//!
//! System V Application Binary Interface, AMD64 Architecture Processor Supplement, section 3.2.1: a function preserves
//! `rbx`, `rbp`, `rsp`, `r12` to `r15`, the control bits of `MXCSR` and the x87 control word.

use core::arch::naked_asm;
use core::cell::Cell;
use core::mem::MaybeUninit;

use iface_arch::{Arch, Entry};

/// The architecture of the image.
#[derive(Clone, Copy, Debug)]
pub struct X86_64;

/// The stack pointer of a suspended thread; 0 while it runs.
#[derive(Debug)]
pub struct Context {
    stack_pointer: Cell<usize>,
}

/// `MXCSR` after reset: every exception masked, round to nearest (Intel SDM volume 1, section 10.2.3).
const MXCSR_DEFAULT: usize = 0x1f80;
/// The x87 control word after `FNINIT`: every exception masked, 64-bit precision (volume 1, section 8.1.5).
const X87_DEFAULT: usize = 0x037f;

/// What a suspended thread has on its stack, lowest address first.
const FRAME: usize = 8;

impl Arch for X86_64 {
    type Context = Context;

    const NAME: &'static str = "x86_64";

    fn running(&self) -> Context {
        Context { stack_pointer: Cell::new(0) }
    }

    fn context(&self, stack: &'static mut [MaybeUninit<u8>], entry: Entry, argument: usize) -> Context {
        let top = stack.as_mut_ptr_range().end as usize & !15;
        let frame = top - FRAME * size_of::<usize>();
        assert!(
            frame >= stack.as_ptr() as usize,
            "a stack of {} bytes is too small for a thread",
            stack.len()
        );
        let words: [usize; FRAME] = [
            MXCSR_DEFAULT | X87_DEFAULT << 32,
            0,              // r15
            0,              // r14
            argument,       // r13
            entry as usize, // r12
            0,              // rbp, where backtraces end
            0,              // rbx
            begin as *const () as usize,
        ];
        // SAFETY: `frame` is 16-byte aligned, and `FRAME` words from there lie in `stack`, which is ours alone.
        unsafe { (frame as *mut [usize; FRAME]).write(words) };
        Context { stack_pointer: Cell::new(frame) }
    }

    fn switch(&self, from: &Context, to: &Context) {
        let resume = to.stack_pointer.replace(0);
        assert_ne!(resume, 0, "switched to a thread that is not suspended");
        // SAFETY: `resume` is what `context` or an earlier `switch` left, and is used once, as it is 0 in `to` now. What
        // is suspended here is stored in `from` alone. The image has one processor.
        unsafe { exchange(from.stack_pointer.as_ptr(), resume) };
    }
}

/// Suspends the running thread, leaves its stack pointer in `from`, and resumes the one suspended at `resume`.
///
/// # Safety
/// `resume` is the stack pointer of a suspended thread, and not used again.
#[unsafe(naked)]
unsafe extern "sysv64" fn exchange(from: *mut usize, resume: usize) {
    naked_asm!(
        "push rbx",
        "push rbp",
        "push r12",
        "push r13",
        "push r14",
        "push r15",
        "sub rsp, 8",
        "stmxcsr [rsp]",
        "fnstcw [rsp + 4]",
        "mov [rdi], rsp",
        "mov rsp, rsi",
        "ldmxcsr [rsp]",
        "fldcw [rsp + 4]",
        "add rsp, 8",
        "pop r15",
        "pop r14",
        "pop r13",
        "pop r12",
        "pop rbp",
        "pop rbx",
        "ret",
    )
}

/// Where a new thread begins: [`Arch::context`] left the entry in `r12` and its argument in `r13`.
#[unsafe(naked)]
extern "sysv64" fn begin() {
    naked_asm!("mov rdi, r13", "call r12", "ud2")
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::boxed::Box;
    use std::cell::RefCell;
    use std::vec::Vec;

    use super::*;

    struct Pair {
        main: Context,
        other: RefCell<Option<Context>>,
        trace: RefCell<Vec<&'static str>>,
    }

    fn stack() -> &'static mut [MaybeUninit<u8>] {
        Box::leak(Box::new([MaybeUninit::uninit(); 65536]))
    }

    extern "C" fn other(argument: usize) -> ! {
        // SAFETY: the test passes the address of a `Pair` that it leaked.
        let pair = unsafe { &*(argument as *const Pair) };
        for step in ["one", "two"] {
            pair.trace.borrow_mut().push(step);
            let own = pair.other.borrow();
            X86_64.switch(own.as_ref().unwrap(), &pair.main);
        }
        unreachable!("nobody resumes it a third time");
    }

    fn pair() -> &'static Pair {
        let pair = Box::leak(Box::new(Pair {
            main: X86_64.running(),
            other: RefCell::new(None),
            trace: RefCell::default(),
        }));
        let argument = core::ptr::from_ref(pair) as usize;
        *pair.other.borrow_mut() = Some(X86_64.context(stack(), other, argument));
        pair
    }

    #[test]
    fn threads_take_turns() {
        let pair = pair();
        for step in ["main one", "main two"] {
            pair.trace.borrow_mut().push(step);
            let other = pair.other.borrow();
            X86_64.switch(&pair.main, other.as_ref().unwrap());
        }
        assert_eq!(*pair.trace.borrow(), ["main one", "one", "main two", "two"]);
    }

    #[test]
    #[should_panic(expected = "not suspended")]
    fn a_running_thread_is_not_resumed() {
        X86_64.switch(&X86_64.running(), &X86_64.running());
    }

    #[test]
    #[should_panic(expected = "too small")]
    fn a_tiny_stack_is_refused() {
        let tiny: &'static mut [MaybeUninit<u8>] = Box::leak(Box::new([MaybeUninit::uninit(); 63]));
        X86_64.context(tiny, other, 0);
    }
}
