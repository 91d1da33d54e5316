#![doc = include_str!("../README.md")]
#![no_std]

/// Where a program begins. It gets the words that Linux puts on a new program's stack: the count of arguments, their
/// addresses, 0, the addresses of the environment's strings, 0, and pairs of the auxiliary vector up to `AT_NULL` (System V
/// ABI, AMD64 supplement, section 3.4.1).
pub type Entry = unsafe extern "C" fn(words: *const usize) -> !;

/// Thread-local variables as each thread gets them (`PT_TLS` of ELF).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThreadLocals {
    /// Where the initialised ones begin; page-aligned or not.
    pub address: usize,
    /// Bytes of the initialised ones.
    pub initialised: usize,
    /// Bytes of all of them, behind which zeros are.
    pub size: usize,
    /// Their alignment, a power of two.
    pub alignment: usize,
}

/// A program that is linked into the image.
#[derive(Clone, Copy, Debug)]
pub struct Program<'a> {
    /// Where it begins.
    pub entry: Entry,
    /// Its thread-local variables.
    pub thread_locals: ThreadLocals,
    /// Its arguments, its own name first.
    pub arguments: &'a [&'a str],
    /// Its environment, each `NAME=value`.
    pub environment: &'a [&'a str],
}

/// Runs a program.
pub trait LinuxAbi: Copy + 'static {
    /// Runs `program` on the running thread's stack. The image ends with it, by its exit status.
    fn run(&self, program: &Program<'_>) -> !;
}
