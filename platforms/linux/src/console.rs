//! Standard input and output.

use iface_console::Console;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::BorrowedFd;
use rustix::io::{Errno, read, write};

/// How long a reader of the output may keep the image waiting before what it does not take is dropped.
const PATIENCE: Timespec = Timespec { tv_sec: 1, tv_nsec: 0 };
const AT_ONCE: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };

/// What a writable pipe takes without blocking, in bytes (`PIPE_BUF`, pipe(7)).
const PIPE_BUF: usize = 4096;

/// Standard input and output.
#[derive(Clone, Copy, Debug)]
pub struct LinuxConsole;

impl Console for LinuxConsole {
    fn write(&self, bytes: &[u8]) {
        write_all(stdout(), bytes);
    }

    fn read(&self, buffer: &mut [u8]) -> usize {
        // SAFETY: the descriptor is 0, the process's own for as long as it runs.
        let stdin = unsafe { BorrowedFd::borrow_raw(0) };
        if is_ready(stdin, PollFlags::IN, &AT_ONCE) { read(stdin, buffer).unwrap_or(0) } else { 0 }
    }
}

/// Standard error, where reports of a panic or fault go.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ErrorConsole;

impl Console for ErrorConsole {
    fn write(&self, bytes: &[u8]) {
        // SAFETY: the descriptor is 2, the process's own for as long as it runs.
        write_all(unsafe { BorrowedFd::borrow_raw(2) }, bytes);
    }

    fn read(&self, _: &mut [u8]) -> usize {
        0
    }
}

fn stdout() -> BorrowedFd<'static> {
    // SAFETY: the descriptor is 1, the process's own for as long as it runs.
    unsafe { BorrowedFd::borrow_raw(1) }
}

/// Writes until all is taken, the reader is gone, or it took nothing for [`PATIENCE`].
fn write_all(fd: BorrowedFd<'_>, bytes: &[u8]) {
    let mut rest = bytes;
    while !rest.is_empty() && is_ready(fd, PollFlags::OUT, &PATIENCE) {
        match write(fd, &rest[..rest.len().min(PIPE_BUF)]) {
            Ok(length) => rest = &rest[length..],
            Err(Errno::INTR | Errno::AGAIN) => {}
            Err(_) => return,
        }
    }
}

/// Waits until `fd` is ready for what `flags` say; false when `timeout` came first.
fn is_ready(fd: BorrowedFd<'_>, flags: PollFlags, timeout: &Timespec) -> bool {
    loop {
        match poll(&mut [PollFd::from_borrowed_fd(fd, flags)], Some(timeout)) {
            Ok(ready) => return ready > 0,
            Err(Errno::INTR) => {}
            Err(_) => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::io::Read;
    use std::os::fd::AsRawFd;
    use std::time::Instant;
    use std::vec;
    use std::vec::Vec;

    use super::*;

    /// rustix without std has a type of its own for this.
    fn descriptor(of: &impl AsRawFd) -> BorrowedFd<'_> {
        // SAFETY: the owner is borrowed for as long.
        unsafe { BorrowedFd::borrow_raw(of.as_raw_fd()) }
    }

    #[test]
    fn long_output_arrives_whole_at_a_slow_reader() {
        let (mut reader, writer) = std::io::pipe().unwrap();
        let bytes: Vec<u8> = (0..300_000_u32).map(|n| (n % 251) as u8).collect();
        let expected = bytes.clone();
        let writing = std::thread::spawn(move || write_all(descriptor(&writer), &bytes));
        let mut received = Vec::new();
        reader.read_to_end(&mut received).unwrap();
        writing.join().unwrap();
        assert!(received == expected);
    }

    #[test]
    fn a_reader_that_sleeps_does_not_hold_the_image() {
        let (_reader, writer) = std::io::pipe().unwrap();
        let start = Instant::now();
        write_all(descriptor(&writer), &vec![b'x'; 1 << 20]);
        assert!(start.elapsed().as_secs() < 10);
    }
}
