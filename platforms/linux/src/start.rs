//! From the kernel to the application.

use core::ffi::{CStr, c_char};
use core::fmt;
use core::num::NonZeroU32;

use rustix::io::Errno;

use crate::arguments::ArgumentError;

/// Defines the image's entry point, `unicore_entry`: it calls `$start(boot: Boot) -> !`.
#[macro_export]
macro_rules! entry {
    ($start:path) => {
        $crate::entry_instructions!(unicore_start);

        unsafe extern "C" fn unicore_start(stack: *const usize) -> ! {
            // SAFETY: the entry point passes the stack pointer that the kernel set.
            $start(unsafe { $crate::Boot::new(stack) })
        }
    };
}

/// What the kernel passes to a new process.
pub struct Boot {
    argument_count: usize,
    arguments: *const *const c_char,
}

impl Boot {
    /// Reads what the kernel put on the stack: argument count, arguments, null, environment, null, auxiliary vector
    /// (System V Application Binary Interface, AMD64 Architecture Processor Supplement, section 3.4.1; the other
    /// architectures have the same).
    ///
    /// # Safety
    /// `stack` is the stack pointer of the process's first instruction, and this is the first call.
    #[doc(hidden)]
    pub unsafe fn new(stack: *const usize) -> Self {
        // SAFETY: the count is there, and so many pointers and a null are between it and the environment.
        unsafe {
            let (argument_count, arguments) = (*stack, stack.add(1).cast());
            let environment = stack.add(1 + argument_count + 1);
            rustix::param::init(environment.cast_mut().cast());
            Self { argument_count, arguments }
        }
    }

    /// What the setting `memory=` says.
    pub(crate) fn heap_mib(&self) -> Result<Option<u32>, MemorySettingError> {
        heap_mib(self.arguments())
    }

    /// The arguments after the program's name.
    pub(crate) fn arguments(&self) -> impl Iterator<Item = &'static CStr> {
        // SAFETY: there are as many pointers to strings, which stay for as long as the process lives.
        (1..self.argument_count).map(|index| unsafe { CStr::from_ptr(*self.arguments.add(index)) })
    }
}

/// The size that the setting `memory=` gives the heap, in MiB. It is read before there is a heap to make a command line
/// in.
fn heap_mib<'a>(arguments: impl Iterator<Item = &'a CStr>) -> Result<Option<u32>, MemorySettingError> {
    let settings = arguments.map(CStr::to_bytes).take_while(|word| *word != b"--");
    let Some(value) = settings.filter_map(|word| word.strip_prefix(b"memory=")).last() else {
        return Ok(None);
    };
    let number = str::from_utf8(value).ok().and_then(|value| value.parse::<NonZeroU32>().ok());
    number.map(|number| Some(number.get())).ok_or(MemorySettingError)
}

/// The setting `memory=` is not a number of MiB above zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemorySettingError;

/// Why the platform did not start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InitError {
    /// The setting `memory=` is malformed.
    Memory(MemorySettingError),
    /// The heap could not be mapped.
    Heap(Errno),
    /// The handlers of faults could not be installed.
    Signals(Errno),
    /// An argument cannot be passed on.
    Argument(ArgumentError),
    /// The file that `initrd=` names could not be mapped.
    Initrd(Errno),
}

impl fmt::Display for InitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory(MemorySettingError) => f.write_str("memory= takes a number of MiB above 0"),
            Self::Heap(errno) => {
                write!(f, "the heap cannot be mapped ({errno}): it may be too large, see heapMiB and memory=")
            }
            Self::Signals(errno) => write!(f, "the handlers of faults cannot be installed ({errno})"),
            Self::Argument(error) => error.fmt(f),
            Self::Initrd(errno) => write!(f, "the file that initrd= names cannot be mapped ({errno})"),
        }
    }
}

impl core::error::Error for InitError {}

/// Calls the application's main function under the symbol `unicore_main`, where debuggers and measurements find it.
pub fn main<T>(application: impl FnOnce() -> T) -> T {
    let (mut application, mut result) = (Some(application), None);
    unicore_main(&mut || result = application.take().map(|application| application()));
    result.expect("the application was called")
}

#[unsafe(no_mangle)]
#[inline(never)]
fn unicore_main(application: &mut dyn FnMut()) {
    application();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_read_from_the_stack() {
        let (program, first, second) = (c"image", c"ip=dhcp", c"--");
        let stack: [usize; 9] = [
            3,
            program.as_ptr().addr(),
            first.as_ptr().addr(),
            second.as_ptr().addr(),
            0,
            c"HOME=/".as_ptr().addr(),
            0,
            0, // AT_NULL
            0,
        ];
        // SAFETY: the array is laid out as the kernel lays out a stack.
        let boot = unsafe { Boot::new(stack.as_ptr()) };
        assert!(boot.arguments().eq([first, second]));
    }

    #[test]
    fn the_last_memory_setting_counts() {
        let of = |words: &[&'static CStr]| heap_mib(words.iter().copied());
        assert_eq!(of(&[c"memory=7", c"ip=dhcp", c"memory=64"]), Ok(Some(64)));
        assert_eq!(of(&[c"ip=dhcp", c"--", c"memory=64"]), Ok(None));
        for wrong in [c"memory=", c"memory=0", c"memory=-1", c"memory=4096M", c"memory=\xff"] {
            assert_eq!(of(&[wrong]), Err(MemorySettingError), "{wrong:?}");
        }
    }

    #[test]
    fn main_passes_the_result_on() {
        assert_eq!(main(|| 7), 7);
    }
}
