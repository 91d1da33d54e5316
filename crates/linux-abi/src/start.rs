//! The door that the C library calls, and the beginning of a program.

use alloc::boxed::Box;
use alloc::ffi::CString;
use alloc::vec::Vec;
use core::mem;
use core::ops::Range;
use core::ptr;
use core::sync::atomic::{AtomicPtr, Ordering};

use iface_entropy::Entropy;
use iface_linux_abi::{LinuxAbi, Program, ThreadLocals};
use iface_vfs::Vfs;
use linux_raw_sys::auxvec::{
    AT_CLKTCK, AT_EGID, AT_EUID, AT_GID, AT_NULL, AT_PAGESZ, AT_PHDR, AT_PHENT, AT_PHNUM, AT_RANDOM,
    AT_SECURE, AT_UID,
};

use crate::linux::{Linux, World};
use crate::shown::Beginning;
use crate::threads::{Clone, Function};
use crate::user::User;

/// Ticks of a second in what `times` counts.
const CLOCK_TICKS: usize = 100;

/// What a process does apart from system calls, whatever it stands on.
pub(crate) trait Process {
    /// Prepares descriptors, and gives 16 random bytes for the program's own use.
    fn begin(&self, beginning: Beginning) -> Result<[u8; 16], &'static str>;

    /// Makes a thread of the program.
    fn clone(&self, clone: Clone) -> isize;

    /// What a thread of the program does.
    fn begin_thread(&self) -> !;

    /// What the thread of the timers does.
    fn run_timers(&self) -> !;

    /// Ends the running thread, and takes its stack away.
    fn exit_thread_and_stack(&self, stack: Range<usize>) -> !;
}

impl<W: World> Process for Linux<W> {
    fn begin(&self, beginning: Beginning) -> Result<[u8; 16], &'static str> {
        self.name_after(&beginning);
        self.beginning.replace(beginning);
        self.open_terminal().map_err(|_| "the terminal could not be opened")?;
        let mut random = [0; 16];
        self.entropy.fill(&mut random).map_err(|_| "there are no random bytes")?;
        self.adopt_thread();
        Ok(random)
    }

    fn clone(&self, clone: Clone) -> isize {
        match self.clone_thread(clone) {
            Ok(number) => number as isize,
            Err(errno) => errno.returned(),
        }
    }

    fn begin_thread(&self) -> ! {
        Linux::begin_thread(self)
    }

    fn run_timers(&self) -> ! {
        Linux::run_timers(self)
    }

    fn exit_thread_and_stack(&self, stack: Range<usize>) -> ! {
        Linux::exit_thread_and_stack(self, stack)
    }
}

/// The process of the image; null before it is made.
static PROCESS: AtomicPtr<&'static dyn Process> = AtomicPtr::new(ptr::null_mut());

fn process() -> &'static dyn Process {
    let process = PROCESS.load(Ordering::Acquire);
    assert!(!process.is_null(), "a system call before the room linux-abi was started");
    // SAFETY: it was leaked in `install`.
    unsafe { *process }
}

/// What answers a system call: the number, and the registers of its arguments.
type Door = extern "C" fn(usize, usize, usize, usize, usize, usize, usize) -> isize;

/// The [`Door`] of the process, and the process as that knows it.
static DOOR: AtomicPtr<()> = AtomicPtr::new(too_early as Door as *mut ());
static BEHIND_DOOR: AtomicPtr<()> = AtomicPtr::new(ptr::null_mut());

extern "C" fn too_early(_: usize, _: usize, _: usize, _: usize, _: usize, _: usize, _: usize) -> isize {
    panic!("a system call before the room linux-abi was started")
}

/// The door of a process of this type.
extern "C" fn answer<W: World>(
    number: usize,
    a: usize,
    b: usize,
    c: usize,
    d: usize,
    e: usize,
    f: usize,
) -> isize {
    // SAFETY: `install` put a process of this type there, for good, before it put this function into `DOOR`.
    let process = unsafe { &*BEHIND_DOOR.load(Ordering::Relaxed).cast::<Linux<W>>() };
    process.make_call(number, a, b, c, d, e, f)
}

/// Makes a system call as Linux would: the value, or the negative number of an error.
#[unsafe(no_mangle)]
pub(crate) extern "C" fn unicore_syscall(
    number: usize,
    a: usize,
    b: usize,
    c: usize,
    d: usize,
    e: usize,
    f: usize,
) -> isize {
    // SAFETY: nothing but a `Door` is ever put there.
    let door = unsafe { mem::transmute::<*mut (), Door>(DOOR.load(Ordering::Acquire)) };
    door(number, a, b, c, d, e, f)
}

/// Makes a thread, as a C library's `__clone` has it: `function(argument)` on the stack whose upper end is `stack`.
#[unsafe(no_mangle)]
extern "C" fn unicore_clone(
    function: Function,
    stack: usize,
    flags: u32,
    argument: usize,
    parent_number: usize,
    thread_pointer: usize,
    child_number: usize,
) -> isize {
    process().clone(Clone {
        function,
        stack,
        flags,
        argument,
        parent_number: User::new(parent_number),
        thread_pointer,
        child_number: User::new(child_number),
    })
}

/// Ends the running thread and takes its stack away, as a C library's `__unmapself` has it.
#[unsafe(no_mangle)]
extern "C" fn unicore_exit_thread_and_unmap(base: usize, size: usize) -> ! {
    process().exit_thread_and_stack(base..base.saturating_add(size))
}

/// What each thread of the program begins with.
pub(crate) fn run_thread() -> ! {
    process().begin_thread()
}

/// What the thread of the timers does.
pub(crate) fn run_timers() -> ! {
    process().run_timers()
}

/// A process was made; a marker, as there is one.
#[derive(Clone, Copy, Debug)]
pub struct Started(());

/// Has `linux` answer the calls of the image's program.
pub(crate) fn install<W: World>(linux: Linux<W>) -> Started {
    let linux: &'static Linux<W> = Box::leak(Box::new(linux));
    BEHIND_DOOR.store(ptr::from_ref(linux).cast_mut().cast(), Ordering::Relaxed);
    DOOR.store(answer::<W> as Door as *mut (), Ordering::Release);
    linux.vfs.set_process(linux);
    linux.heed_wishes();
    let process: &'static dyn Process = linux;
    PROCESS.store(Box::leak(Box::new(process)), Ordering::Release);
    Started(())
}

impl LinuxAbi for Started {
    fn run(&self, program: &Program<'_>) -> ! {
        let beginning = Beginning::new(program.arguments, program.environment);
        let random = process().begin(beginning).unwrap_or_else(|problem| panic!("linux-abi: {problem}"));
        let words = words(program, &*Box::leak(Box::new(random))).leak();
        // SAFETY: the words are those that a program begins with, and stay.
        unsafe { (program.entry)(words.as_ptr()) }
    }
}

/// A program header (ELF-64 object file format, section 6) of the one kind that a C library looks for.
#[repr(C)]
struct ProgramHeader {
    kind: u32,
    flags: u32,
    offset: u64,
    virtual_address: u64,
    physical_address: u64,
    file_size: u64,
    memory_size: u64,
    alignment: u64,
}

impl ProgramHeader {
    /// `PT_TLS`.
    fn of(locals: ThreadLocals) -> Self {
        const PT_TLS: u32 = 7;
        const READABLE: u32 = 4;
        Self {
            kind: PT_TLS,
            flags: READABLE,
            offset: 0,
            virtual_address: locals.address as u64,
            physical_address: locals.address as u64,
            file_size: locals.initialised as u64,
            memory_size: locals.size as u64,
            alignment: locals.alignment as u64,
        }
    }
}

/// What lies on the stack of a new program. All that it points to is leaked: the program has it for good.
fn words(program: &Program<'_>, random: &'static [u8; 16]) -> Vec<usize> {
    let header: &'static ProgramHeader = Box::leak(Box::new(ProgramHeader::of(program.thread_locals)));
    let auxiliary = [
        (AT_PHDR, ptr::from_ref(header) as usize),
        (AT_PHENT, size_of::<ProgramHeader>()),
        (AT_PHNUM, 1),
        (AT_PAGESZ, iface_address_space::PAGE_SIZE),
        (AT_CLKTCK, CLOCK_TICKS),
        (AT_UID, 0),
        (AT_EUID, 0),
        (AT_GID, 0),
        (AT_EGID, 0),
        (AT_SECURE, 0),
        (AT_RANDOM, random.as_ptr() as usize),
        (AT_NULL, 0),
    ];
    let mut words = Vec::from([program.arguments.len()]);
    for strings in [program.arguments, program.environment] {
        words.extend(strings.iter().map(|text| string(text)));
        words.push(0);
    }
    words.extend(auxiliary.iter().flat_map(|(kind, value)| [*kind as usize, *value]));
    words
}

/// The address of a text with a zero byte behind it; one within ends it.
fn string(text: &str) -> usize {
    let end = text.find('\0').unwrap_or(text.len());
    // There is no zero byte before the end.
    CString::new(&text[..end]).unwrap_or_default().into_raw() as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    extern "C" fn nowhere(_: *const usize) -> ! {
        unreachable!("it is not called")
    }

    #[test]
    fn a_program_finds_its_arguments_and_its_thread_locals() {
        let thread_locals = ThreadLocals { address: 0x1000, initialised: 8, size: 24, alignment: 16 };
        let program = Program {
            entry: nowhere,
            thread_locals,
            arguments: &["echo", "two words"],
            environment: &["HOME=/"],
        };
        let words = words(&program, &[7; 16]);
        assert_eq!((words[0], words[3], words[5]), (2, 0, 0));
        // SAFETY: it is a leaked string.
        let second = unsafe { core::ffi::CStr::from_ptr(words[2] as *const core::ffi::c_char) };
        assert_eq!(second.to_bytes(), b"two words");
        assert_eq!(words[6], AT_PHDR as usize);
        // SAFETY: it is a leaked header.
        let header = unsafe { &*(words[7] as *const ProgramHeader) };
        assert_eq!((header.kind, header.virtual_address, header.memory_size), (7, 0x1000, 24));
        assert_eq!(words[words.len() - 2..], [AT_NULL as usize, 0]);
    }
}
