//! Calls that work with a descriptor.

use alloc::rc::Rc;
use alloc::vec;

use iface_vfs::{OpenOptions, Vfs};
use linux_raw_sys::general::{
    F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD, F_GETFL, F_GETLK, F_GETPIPE_SZ, F_OFD_GETLK, F_OFD_SETLK,
    F_OFD_SETLKW, F_SETFD, F_SETFL, F_SETLK, F_SETLKW, F_SETPIPE_SZ, FALLOC_FL_KEEP_SIZE, FD_CLOEXEC,
    O_ACCMODE, O_APPEND, O_CLOEXEC, O_NONBLOCK, O_RDONLY, O_RDWR, O_WRONLY, POSIX_FADV_NOREUSE, SEEK_CUR,
    SEEK_END, SEEK_SET, SYNC_FILE_RANGE_WAIT_AFTER, SYNC_FILE_RANGE_WAIT_BEFORE, SYNC_FILE_RANGE_WRITE,
    winsize,
};
use linux_raw_sys::ioctl::{
    FIOCLEX, FIONBIO, FIONCLEX, FIONREAD, TCGETS, TCSETS, TCSETSF, TCSETSW, TIOCGPGRP, TIOCGWINSZ, TIOCSPGRP,
    TIOCSWINSZ,
};
use open_file::{Errno, Kind, OpenFile, Seek};

use crate::descriptors::{Descriptor, Entry};
use crate::linux::{Linux, World};
use crate::user::User;

/// A flag of close_range(2), which linux-raw-sys lacks (Linux, `include/uapi/linux/close_range.h`).
const CLOSE_RANGE_CLOEXEC: u32 = 1 << 2;
/// Flags that fcntl(2) changes.
const CHANGEABLE: u32 = O_APPEND | O_NONBLOCK;

impl<W: World> Linux<W> {
    /// The file behind a descriptor, and the flags it was opened with.
    pub fn file_and_flags(&self, fd: Descriptor) -> Result<(Rc<dyn OpenFile>, u32), Errno> {
        let descriptors = self.descriptors.borrow();
        let description = &descriptors.get_open(fd)?.description;
        Ok((Rc::clone(&description.file), description.flags.get()))
    }

    pub fn seek(&self, fd: Descriptor, offset: i64, from: u32) -> Result<usize, Errno> {
        let to = match from {
            SEEK_SET => Seek::Start(position(offset)?),
            SEEK_CUR => Seek::Current(offset),
            SEEK_END => Seek::End(offset),
            _ => return Err(Errno::EINVAL),
        };
        self.file(fd)?.seek(to).map(|position| position as usize)
    }

    pub fn resize(&self, fd: Descriptor, size: i64) -> Result<(), Errno> {
        let (file, flags) = self.file_and_flags(fd)?;
        let size = position(size)?;
        if flags & O_ACCMODE == O_RDONLY { Err(Errno::EINVAL) } else { file.resize(size) }
    }

    pub fn synchronize(&self, fd: Descriptor) -> Result<(), Errno> {
        self.file(fd)?.synchronize()
    }

    pub fn close(&self, fd: Descriptor) -> Result<(), Errno> {
        let removed = self.descriptors.borrow_mut().remove(fd)?;
        self.give_up_ranges(&removed);
        // A file that closes may ask for descriptors: the table is not borrowed any more.
        drop(removed);
        self.locks_changed();
        Ok(())
    }

    pub fn close_range(&self, first: u32, last: u32, flags: u32) -> Result<(), Errno> {
        if first > last || flags & !CLOSE_RANGE_CLOEXEC != 0 {
            return Err(Errno::EINVAL);
        }
        let within = self.descriptors.borrow().within(first as usize, last as usize);
        for fd in within {
            if flags & CLOSE_RANGE_CLOEXEC != 0 {
                self.descriptors.borrow_mut().get_mut(fd)?.close_on_exec = true;
            } else {
                self.close(fd)?;
            }
        }
        Ok(())
    }

    pub fn duplicate(&self, fd: Descriptor) -> Result<Descriptor, Errno> {
        let mut descriptors = self.descriptors.borrow_mut();
        let copy = copy_of(descriptors.get(fd)?, false);
        descriptors.add(copy)
    }

    pub fn duplicate_to(&self, from: Descriptor, to: Descriptor) -> Result<Descriptor, Errno> {
        if from == to {
            return self.descriptors.borrow().get(from).map(|_| to);
        }
        self.duplicate_with_flags(from, to, 0)
    }

    pub fn duplicate_with_flags(
        &self,
        from: Descriptor,
        to: Descriptor,
        flags: u32,
    ) -> Result<Descriptor, Errno> {
        if from == to || flags & !O_CLOEXEC != 0 {
            return Err(Errno::EINVAL);
        }
        let replaced = {
            let mut descriptors = self.descriptors.borrow_mut();
            let copy = copy_of(descriptors.get(from)?, flags & O_CLOEXEC != 0);
            descriptors.replace(to, copy)?
        };
        // As in `close`.
        replaced.iter().for_each(|entry| self.give_up_ranges(entry));
        drop(replaced);
        self.locks_changed();
        Ok(to)
    }

    pub fn control_descriptor(&self, fd: Descriptor, command: u32, argument: usize) -> Result<usize, Errno> {
        match command {
            F_GETLK | F_OFD_GETLK => return self.lock_of_range(fd, command, User::new(argument)),
            F_SETLK | F_SETLKW | F_OFD_SETLK | F_OFD_SETLKW => {
                return self.lock_range(fd, command, User::new(argument));
            }
            F_GETPIPE_SZ | F_SETPIPE_SZ => return self.pipe_size(fd, command, argument),
            _ => {}
        }
        let mut descriptors = self.descriptors.borrow_mut();
        let entry = descriptors.get_mut(fd)?;
        match command {
            F_GETFD => Ok(if entry.close_on_exec { FD_CLOEXEC as usize } else { 0 }),
            F_SETFD => {
                entry.close_on_exec = argument as u32 & FD_CLOEXEC != 0;
                Ok(0)
            }
            F_GETFL => Ok(entry.description.flags.get() as usize),
            F_SETFL if entry.only_holds() => Err(Errno::EBADF),
            F_SETFL => {
                let flags = &entry.description.flags;
                flags.set(flags.get() & !CHANGEABLE | argument as u32 & CHANGEABLE);
                Ok(0)
            }
            F_DUPFD | F_DUPFD_CLOEXEC => {
                let copy = copy_of(entry, command == F_DUPFD_CLOEXEC);
                let least = usize::try_from(argument as i32).map_err(|_| Errno::EINVAL)?;
                descriptors.add_from(least, copy).map(|added| added.0 as usize)
            }
            _ => Err(Errno::EINVAL),
        }
    }

    /// Makes sure of room for a file's bytes, with `FALLOC_FL_KEEP_SIZE` of none that it does not have.
    pub fn allocate(&self, fd: Descriptor, mode: u32, offset: i64, length: i64) -> Result<(), Errno> {
        if offset < 0 || length <= 0 {
            return Err(Errno::EINVAL);
        }
        if mode & !FALLOC_FL_KEEP_SIZE != 0 {
            return Err(Errno::EOPNOTSUPP);
        }
        let (file, flags) = self.file_and_flags(fd)?;
        if !matches!(flags & O_ACCMODE, O_WRONLY | O_RDWR) {
            return Err(Errno::EBADF);
        }
        let status = file.status()?;
        match status.kind {
            Kind::Regular => {}
            Kind::Pipe => return Err(Errno::ESPIPE),
            Kind::Directory => return Err(Errno::EISDIR),
            _ => return Err(Errno::ENODEV),
        }
        let end = offset.checked_add(length).ok_or(Errno::EFBIG)? as u64;
        if mode == 0 && end > status.size { file.resize(end) } else { Ok(()) }
    }

    /// What will be read how: all files lie in memory, or are read when they are asked for.
    pub fn advise_file(&self, fd: Descriptor, _offset: i64, length: i64, advice: u32) -> Result<(), Errno> {
        let status = self.file(fd)?.status()?;
        if status.kind == Kind::Pipe {
            return Err(Errno::ESPIPE);
        }
        if length < 0 || advice > POSIX_FADV_NOREUSE { Err(Errno::EINVAL) } else { Ok(()) }
    }

    /// As [`advise_file`](Linux::advise_file).
    pub fn read_ahead(&self, fd: Descriptor) -> Result<(), Errno> {
        let (file, flags) = self.file_and_flags(fd)?;
        if flags & O_ACCMODE == O_WRONLY {
            return Err(Errno::EBADF);
        }
        if file.status()?.kind == Kind::Regular { Ok(()) } else { Err(Errno::EINVAL) }
    }

    pub fn synchronize_range(
        &self,
        fd: Descriptor,
        offset: i64,
        length: i64,
        flags: u32,
    ) -> Result<(), Errno> {
        const KNOWN: u32 = SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER;
        let file = self.file(fd)?;
        if offset < 0 || length < 0 || flags & !KNOWN != 0 {
            return Err(Errno::EINVAL);
        }
        match file.status()?.kind {
            Kind::Regular | Kind::Directory | Kind::Block => file.synchronize(),
            _ => Err(Errno::ESPIPE),
        }
    }

    pub fn control(&self, fd: Descriptor, request: u32, argument: User<u8>) -> Result<usize, Errno> {
        let (file, flags) = self.file_and_flags(fd)?;
        match request {
            FIONBIO => {
                let on: i32 = self.load(User::new(argument.address()))?;
                let changed = if on != 0 { flags | O_NONBLOCK } else { flags & !O_NONBLOCK };
                self.descriptors.borrow().get(fd)?.description.flags.set(changed);
                Ok(0)
            }
            FIOCLEX | FIONCLEX => {
                self.descriptors.borrow_mut().get_mut(fd)?.close_on_exec = request == FIOCLEX;
                Ok(0)
            }
            _ => {
                let Passed { length, by_program, to_program } = passed(request);
                let mut copy = vec![0; length];
                if by_program {
                    copy.copy_from_slice(self.bytes(argument, length)?);
                }
                let value = file.control(request, &mut copy)?;
                if to_program {
                    self.bytes_mut(argument, length)?.copy_from_slice(&copy);
                }
                Ok(value)
            }
        }
    }

    /// Descriptors 0 to 2, on the console.
    pub fn open_terminal(&self) -> Result<(), Errno> {
        let options = OpenOptions { read: true, write: true, ..OpenOptions::default() };
        let terminal = self.vfs.open(self.vfs.root(), b"/dev/console", options)?;
        let entry = Entry::new(terminal, O_RDWR, false);
        let mut descriptors = self.descriptors.borrow_mut();
        for number in 0..3 {
            descriptors.replace(Descriptor(number), entry.clone())?;
        }
        Ok(())
    }
}

/// The argument of an `ioctl`: how many bytes are at its address, and who writes them.
struct Passed {
    length: usize,
    by_program: bool,
    to_program: bool,
}

/// What a request passes, which requests say themselves since long ago (`_IOC`), and those of terminals, which are older, do
/// not.
fn passed(request: u32) -> Passed {
    /// Bytes of `struct termios` as the kernel has it.
    const TERMINAL: usize = 36;
    let by_program = |length| Passed { length, by_program: true, to_program: false };
    let to_program = |length| Passed { length, by_program: false, to_program: true };
    match request {
        TCGETS => to_program(TERMINAL),
        TCSETS | TCSETSW | TCSETSF => by_program(TERMINAL),
        TIOCGWINSZ => to_program(size_of::<winsize>()),
        TIOCSWINSZ => by_program(size_of::<winsize>()),
        FIONREAD | TIOCGPGRP => to_program(size_of::<i32>()),
        TIOCSPGRP => by_program(size_of::<i32>()),
        _ if request >> 8 == u32::from(b'T') => by_program(0),
        _ => Passed {
            length: (request >> 16 & 0x3fff) as usize,
            by_program: request >> 30 & 1 == 1,
            to_program: request >> 31 == 1,
        },
    }
}

fn copy_of(entry: &Entry, close_on_exec: bool) -> Entry {
    Entry { close_on_exec, ..entry.clone() }
}

/// An offset, which may not be below 0.
fn position(offset: i64) -> Result<u64, Errno> {
    u64::try_from(offset).map_err(|_| Errno::EINVAL)
}
