//! Pipes.

use alloc::collections::VecDeque;
use alloc::rc::Rc;
use core::any::Any;
use core::cell::{Cell, RefCell};

use linux_raw_sys::general::{F_SETPIPE_SZ, O_CLOEXEC, O_NONBLOCK, O_RDONLY, O_WRONLY};
use linux_raw_sys::ioctl::FIONREAD;
use open_file::{Errno, Kind, OpenFile, Readiness, Status, Watchers};

use crate::descriptors::{Descriptor, Entry};
use crate::epoll::anonymous;
use crate::linux::{Linux, World};
use crate::user::User;

/// Bytes that a pipe holds (pipe(7)).
pub const CAPACITY: usize = 65_536;
/// Writes of no more than this are not torn (`PIPE_BUF`).
const UNTORN: usize = 4096;

/// What both ends share.
#[derive(Default)]
struct Pipe {
    bytes: RefCell<VecDeque<u8>>,
    /// Whether each end is open still.
    has_reader: Cell<bool>,
    has_writer: Cell<bool>,
    readers: Watchers,
    writers: Watchers,
}

impl Pipe {
    fn status() -> Status {
        Status { kind: Kind::Pipe, ..anonymous() }
    }

    fn room(&self) -> usize {
        CAPACITY - self.bytes.borrow().len()
    }
}

/// The end that is read.
pub struct Reader(Rc<Pipe>);

/// The end that is written.
pub struct Writer(Rc<Pipe>);

impl Reader {
    /// That file, where it is one.
    pub fn of(file: &dyn OpenFile) -> Option<&Self> {
        (file as &dyn Any).downcast_ref()
    }

    pub fn is_other_end_of(&self, writer: &Writer) -> bool {
        Rc::ptr_eq(&self.0, &writer.0)
    }

    /// Whether there is something to read; not at the end.
    ///
    /// # Errors
    /// `EAGAIN` where there may be something later.
    pub fn has_bytes(&self) -> Result<bool, Errno> {
        match self.0.bytes.borrow().is_empty() {
            true if self.0.has_writer.get() => Err(Errno::EAGAIN),
            is_empty => Ok(!is_empty),
        }
    }

    /// Gives the next bytes to `put`, some of them and `most` at most, and loses those that it takes. An empty pipe gives none.
    ///
    /// # Errors
    /// What `put` says.
    pub fn hand_on(
        &self,
        most: usize,
        put: impl FnOnce(&[u8]) -> Result<usize, Errno>,
    ) -> Result<usize, Errno> {
        let pipe = &self.0;
        let taken = match pipe.bytes.borrow().as_slices().0 {
            [] => return Ok(0),
            next => put(&next[..next.len().min(most)])?,
        };
        pipe.bytes.borrow_mut().drain(..taken);
        pipe.writers.notify(Readiness::OUT);
        Ok(taken)
    }
}

impl Writer {
    /// That file, where it is one.
    pub fn of(file: &dyn OpenFile) -> Option<&Self> {
        (file as &dyn Any).downcast_ref()
    }

    /// How many bytes it takes, at least one.
    ///
    /// # Errors
    /// `EPIPE` where nobody reads; `EAGAIN` where it is full.
    pub fn room(&self) -> Result<usize, Errno> {
        match self.0.room() {
            _ if !self.0.has_reader.get() => Err(Errno::EPIPE),
            0 => Err(Errno::EAGAIN),
            room => Ok(room),
        }
    }
}

impl OpenFile for Reader {
    fn read(&self, buffer: &mut [u8]) -> Result<usize, Errno> {
        let pipe = &self.0;
        let count = buffer.len().min(pipe.bytes.borrow().len());
        if count == 0 {
            let end = buffer.is_empty() || !pipe.has_writer.get();
            return if end { Ok(0) } else { Err(Errno::EAGAIN) };
        }
        let mut bytes = pipe.bytes.borrow_mut();
        for (to, from) in buffer.iter_mut().zip(bytes.drain(..count)) {
            *to = from;
        }
        drop(bytes);
        pipe.writers.notify(Readiness::OUT);
        Ok(count)
    }

    fn status(&self) -> Result<Status, Errno> {
        Ok(Pipe::status())
    }

    fn readiness(&self) -> Readiness {
        let mut readiness = Readiness::NONE;
        if !self.0.bytes.borrow().is_empty() {
            readiness |= Readiness::IN;
        }
        if !self.0.has_writer.get() {
            readiness |= Readiness::HUP;
        }
        readiness
    }

    fn watchers(&self) -> Option<&Watchers> {
        Some(&self.0.readers)
    }

    fn control(&self, request: u32, argument: &mut [u8]) -> Result<usize, Errno> {
        if request != FIONREAD {
            return Err(Errno::ENOTTY);
        }
        let length = self.0.bytes.borrow().len() as i32;
        *argument.first_chunk_mut().ok_or(Errno::EFAULT)? = length.to_ne_bytes();
        Ok(0)
    }
}

impl OpenFile for Writer {
    fn write(&self, bytes: &[u8]) -> Result<usize, Errno> {
        let pipe = &self.0;
        if bytes.is_empty() {
            return Ok(0);
        }
        if !pipe.has_reader.get() {
            return Err(Errno::EPIPE);
        }
        let room = pipe.room();
        let torn = room < bytes.len();
        if room == 0 || torn && bytes.len() <= UNTORN {
            return Err(Errno::EAGAIN);
        }
        let taken = room.min(bytes.len());
        pipe.bytes.borrow_mut().extend(&bytes[..taken]);
        pipe.readers.notify(Readiness::IN);
        Ok(taken)
    }

    fn status(&self) -> Result<Status, Errno> {
        Ok(Pipe::status())
    }

    fn readiness(&self) -> Readiness {
        let has_room = self.0.room() >= UNTORN;
        let readiness = if has_room { Readiness::OUT } else { Readiness::NONE };
        if self.0.has_reader.get() { readiness } else { readiness | Readiness::ERR }
    }

    fn watchers(&self) -> Option<&Watchers> {
        Some(&self.0.writers)
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.0.has_reader.set(false);
        self.0.writers.notify(Readiness::OUT | Readiness::ERR);
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.0.has_writer.set(false);
        self.0.readers.notify(Readiness::HUP);
    }
}

impl<W: World> Linux<W> {
    /// How many bytes a pipe holds, which can be no more (fcntl(2)).
    pub fn pipe_size(&self, fd: Descriptor, command: u32, wanted: usize) -> Result<usize, Errno> {
        if self.file(fd)?.status()?.kind != Kind::Pipe {
            return Err(Errno::EBADF);
        }
        let is_refused = command == F_SETPIPE_SZ && wanted as u32 as usize > CAPACITY;
        if is_refused { Err(Errno::EPERM) } else { Ok(CAPACITY) }
    }

    pub fn make_pipe(&self, to: User<[i32; 2]>) -> Result<(), Errno> {
        self.make_pipe_with_flags(to, 0)
    }

    pub fn make_pipe_with_flags(&self, to: User<[i32; 2]>, flags: u32) -> Result<(), Errno> {
        if flags & !(O_CLOEXEC | O_NONBLOCK) != 0 {
            return Err(Errno::EINVAL);
        }
        let pipe = Rc::new(Pipe::default());
        pipe.has_reader.set(true);
        pipe.has_writer.set(true);
        let entry = |file: Rc<dyn OpenFile>, access| {
            Entry::new(file, access | flags & O_NONBLOCK, flags & O_CLOEXEC != 0)
        };
        let (reader, writer) = (Rc::new(Reader(Rc::clone(&pipe))), Rc::new(Writer(pipe)));
        let reader = self.descriptors.borrow_mut().add(entry(reader, O_RDONLY))?;
        let writer = self.descriptors.borrow_mut().add(entry(writer, O_WRONLY));
        let writer = writer.inspect_err(|_| self.forget(&[reader]))?;
        self.store(to, [reader.0, writer.0]).inspect_err(|_| self.forget(&[reader, writer]))
    }
}
