//! Calls that work with a descriptor.

use alloc::rc::Rc;
use alloc::vec;

use iface_console::Console;
use linux_raw_sys::general::{
    F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD, F_GETFL, F_SETFD, F_SETFL, FD_CLOEXEC, O_ACCMODE, O_APPEND, O_CLOEXEC,
    O_NONBLOCK, O_RDONLY, O_WRONLY, SEEK_CUR, SEEK_END, SEEK_SET, iovec, winsize,
};
use linux_raw_sys::ioctl::{FIONBIO, TIOCGWINSZ};
use open_file::{Errno, Kind, OpenFile, Readiness, Seek, Status, Watchers};

use crate::descriptors::{Descriptor, Entry};
use crate::linux::{Linux, World};
use crate::user::{LONGEST, User, plain};

/// A flag of close_range(2), which linux-raw-sys lacks (Linux, `include/uapi/linux/close_range.h`).
const CLOSE_RANGE_CLOEXEC: u32 = 1 << 2;
/// Flags that fcntl(2) changes.
const CHANGEABLE: u32 = O_APPEND | O_NONBLOCK;
/// Bytes that sendfile(2) carries at a time.
const CARRIED: usize = 64 * 1024;

plain!(winsize);

/// One way of moving bytes, which a vector repeats for each of its pieces.
#[derive(Clone, Copy)]
enum Position {
    /// Where the file is.
    Current,
    /// A place of its own.
    At(u64),
}

impl Position {
    fn after(self, bytes: usize) -> Self {
        match self {
            Self::Current => Self::Current,
            Self::At(offset) => Self::At(offset.saturating_add(bytes as u64)),
        }
    }

    /// From what a program passed, which may not be below 0.
    fn at(offset: i64) -> Result<Self, Errno> {
        u64::try_from(offset).map(Self::At).map_err(|_| Errno::EINVAL)
    }
}

impl<W: World> Linux<W> {
    pub fn read(&self, fd: Descriptor, buffer: User<u8>, length: usize) -> Result<usize, Errno> {
        self.read_once(fd, buffer, length, Position::Current)
    }

    pub fn read_at(
        &self,
        fd: Descriptor,
        buffer: User<u8>,
        length: usize,
        offset: i64,
    ) -> Result<usize, Errno> {
        self.read_once(fd, buffer, length, Position::at(offset)?)
    }

    pub fn write(&self, fd: Descriptor, bytes: User<u8>, length: usize) -> Result<usize, Errno> {
        self.write_once(fd, bytes, length, Position::Current)
    }

    pub fn write_at(
        &self,
        fd: Descriptor,
        bytes: User<u8>,
        length: usize,
        offset: i64,
    ) -> Result<usize, Errno> {
        self.write_once(fd, bytes, length, Position::at(offset)?)
    }

    pub fn read_pieces(&self, fd: Descriptor, pieces: User<iovec>, count: usize) -> Result<usize, Errno> {
        self.each_piece(pieces, count, Position::Current, |buffer, length, position| {
            self.read_once(fd, buffer, length, position)
        })
    }

    pub fn read_pieces_at(
        &self,
        fd: Descriptor,
        pieces: User<iovec>,
        count: usize,
        offset: i64,
    ) -> Result<usize, Errno> {
        self.each_piece(pieces, count, Position::at(offset)?, |buffer, length, position| {
            self.read_once(fd, buffer, length, position)
        })
    }

    pub fn write_pieces(&self, fd: Descriptor, pieces: User<iovec>, count: usize) -> Result<usize, Errno> {
        self.each_piece(pieces, count, Position::Current, |bytes, length, position| {
            self.write_once(fd, bytes, length, position)
        })
    }

    pub fn write_pieces_at(
        &self,
        fd: Descriptor,
        pieces: User<iovec>,
        count: usize,
        offset: i64,
    ) -> Result<usize, Errno> {
        self.each_piece(pieces, count, Position::at(offset)?, |bytes, length, position| {
            self.write_once(fd, bytes, length, position)
        })
    }

    /// The pieces in their order, until one moves less than it could.
    fn each_piece(
        &self,
        pieces: User<iovec>,
        count: usize,
        mut position: Position,
        move_piece: impl Fn(User<u8>, usize, Position) -> Result<usize, Errno>,
    ) -> Result<usize, Errno> {
        let mut total = 0;
        for (address, length) in self.pieces(pieces, count)?.into_iter().filter(|(_, length)| *length > 0) {
            let moved = match move_piece(address, length, position) {
                Ok(moved) => moved,
                Err(_) if total > 0 => break,
                Err(errno) => return Err(errno),
            };
            total += moved;
            position = position.after(moved);
            if moved < length {
                break;
            }
        }
        Ok(total)
    }

    fn read_once(
        &self,
        fd: Descriptor,
        buffer: User<u8>,
        length: usize,
        position: Position,
    ) -> Result<usize, Errno> {
        let (file, flags) = self.file_and_flags(fd)?;
        if flags & O_ACCMODE == O_WRONLY {
            return Err(Errno::EBADF);
        }
        let buffer = self.bytes_mut(buffer, length.min(LONGEST))?;
        self.unless_nonblocking(&*file, flags, || match position {
            Position::Current => file.read(buffer),
            Position::At(offset) => file.read_at(offset, buffer),
        })
    }

    fn write_once(
        &self,
        fd: Descriptor,
        bytes: User<u8>,
        length: usize,
        position: Position,
    ) -> Result<usize, Errno> {
        let (file, flags) = self.file_and_flags(fd)?;
        if flags & O_ACCMODE == O_RDONLY {
            return Err(Errno::EBADF);
        }
        let bytes = self.bytes(bytes, length.min(LONGEST))?;
        self.unless_nonblocking(&*file, flags, || match position {
            Position::At(offset) => file.write_at(offset, bytes),
            Position::Current => {
                if flags & O_APPEND != 0 {
                    // What has no position, such as a pipe, has its end anyway.
                    let _ = file.seek(Seek::End(0));
                }
                file.write(bytes)
            }
        })
    }

    /// `attempt` once for a descriptor that does not block, else until it is done.
    pub fn unless_nonblocking<T>(
        &self,
        file: &dyn OpenFile,
        flags: u32,
        mut attempt: impl FnMut() -> Result<T, Errno>,
    ) -> Result<T, Errno> {
        if flags & O_NONBLOCK != 0 { attempt() } else { self.block_on(file, None, attempt) }
    }

    /// The file behind a descriptor, and the flags it was opened with.
    pub fn file_and_flags(&self, fd: Descriptor) -> Result<(Rc<dyn OpenFile>, u32), Errno> {
        let descriptors = self.descriptors.borrow();
        let description = &descriptors.get(fd)?.description;
        Ok((Rc::clone(&description.file), description.flags.get()))
    }

    pub fn send_file(
        &self,
        to: Descriptor,
        from: Descriptor,
        offset: User<i64>,
        count: usize,
    ) -> Result<usize, Errno> {
        let (source, _) = self.file_and_flags(from)?;
        let (sink, flags) = self.file_and_flags(to)?;
        let begin =
            if offset.is_null() { source.seek(Seek::Current(0))? } else { position(self.load(offset)?)? };
        let mut buffer = vec![0; count.min(CARRIED)];
        let mut sent = 0;
        while sent < count.min(LONGEST) {
            let wanted = (count - sent).min(buffer.len());
            let got = source.read_at(begin + sent as u64, &mut buffer[..wanted])?;
            if got == 0 {
                break;
            }
            match self.unless_nonblocking(&*sink, flags, || sink.write(&buffer[..got])) {
                Ok(taken) => sent += taken,
                Err(_) if sent > 0 => break,
                Err(errno) => return Err(errno),
            }
        }
        let end = begin + sent as u64;
        if offset.is_null() {
            source.seek(Seek::Start(end))?;
        } else {
            self.store(offset, end as i64)?;
        }
        Ok(sent)
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
        // A file that closes may ask for descriptors: the table is not borrowed any more.
        drop(removed);
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
        drop(replaced);
        Ok(to)
    }

    pub fn control_descriptor(&self, fd: Descriptor, command: u32, argument: usize) -> Result<usize, Errno> {
        let mut descriptors = self.descriptors.borrow_mut();
        let entry = descriptors.get_mut(fd)?;
        match command {
            F_GETFD => Ok(if entry.close_on_exec { FD_CLOEXEC as usize } else { 0 }),
            F_SETFD => {
                entry.close_on_exec = argument as u32 & FD_CLOEXEC != 0;
                Ok(0)
            }
            F_GETFL => Ok(entry.description.flags.get() as usize),
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

    pub fn control(&self, fd: Descriptor, request: u32, argument: User<u8>) -> Result<usize, Errno> {
        let (file, flags) = self.file_and_flags(fd)?;
        match request {
            FIONBIO => {
                let on: i32 = self.load(User::new(argument.address()))?;
                let changed = if on != 0 { flags | O_NONBLOCK } else { flags & !O_NONBLOCK };
                self.descriptors.borrow().get(fd)?.description.flags.set(changed);
                Ok(0)
            }
            _ => {
                let length = argument_length(request);
                let mut copy = self.bytes(argument, length)?.to_vec();
                let value = file.control(request, &mut copy)?;
                self.bytes_mut(argument, length)?.copy_from_slice(&copy);
                Ok(value)
            }
        }
    }

    /// Descriptors 0 to 2, on the console.
    pub fn open_terminal(&self) -> Result<(), Errno> {
        let terminal = Rc::new(Terminal { console: self.console, watchers: Watchers::new() });
        let entry = Entry::new(terminal, linux_raw_sys::general::O_RDWR, false);
        let mut descriptors = self.descriptors.borrow_mut();
        for number in 0..3 {
            descriptors.replace(Descriptor(number), entry.clone())?;
        }
        Ok(())
    }
}

/// Bytes behind the argument of an `ioctl`, which requests say themselves since long ago (`_IOC_SIZE`), and those of
/// terminals, which are older, do not.
fn argument_length(request: u32) -> usize {
    match request {
        TIOCGWINSZ => size_of::<winsize>(),
        _ if request >> 8 == u32::from(b'T') => 0,
        linux_raw_sys::ioctl::FIONREAD => size_of::<i32>(),
        _ => (request >> 16 & 0x3fff) as usize,
    }
}

fn copy_of(entry: &Entry, close_on_exec: bool) -> Entry {
    Entry { close_on_exec, ..entry.clone() }
}

/// An offset, which may not be below 0.
fn position(offset: i64) -> Result<u64, Errno> {
    u64::try_from(offset).map_err(|_| Errno::EINVAL)
}

/// The console as the terminal of the process.
struct Terminal<C> {
    console: C,
    /// Nobody is told: consoles do not say when there is input, so a read of a terminal waits for ever where there is none.
    watchers: Watchers,
}

impl<C: Console> OpenFile for Terminal<C> {
    fn read(&self, buffer: &mut [u8]) -> Result<usize, Errno> {
        match self.console.read(buffer) {
            0 if !buffer.is_empty() => Err(Errno::EAGAIN),
            count => Ok(count),
        }
    }

    fn write(&self, bytes: &[u8]) -> Result<usize, Errno> {
        self.console.write(bytes);
        Ok(bytes.len())
    }

    fn status(&self) -> Result<Status, Errno> {
        Ok(Status {
            kind: Kind::Character,
            permissions: 0o620,
            inode: 1,
            device: 0,
            // The first pseudoterminal's numbers (devices.txt).
            special: (136, 0),
            links: 1,
            size: 0,
            modified: 0,
        })
    }

    fn readiness(&self) -> Readiness {
        Readiness::OUT
    }

    fn watchers(&self) -> Option<&Watchers> {
        Some(&self.watchers)
    }
}
