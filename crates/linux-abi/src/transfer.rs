//! Calls that move bytes between a descriptor and memory, or between two descriptors.

use alloc::rc::Rc;
use alloc::vec::Vec;

use linux_raw_sys::general::{
    O_ACCMODE, O_APPEND, O_NONBLOCK, O_RDONLY, O_RDWR, O_WRONLY, RWF_DSYNC, RWF_HIPRI, RWF_SYNC, SIGPIPE,
    iovec,
};
use open_file::{Errno, Half, Kind, OpenFile, Seek};

use crate::descriptors::Descriptor;
use crate::linux::{Linux, World};
use crate::user::{LONGEST, User};

/// Bytes that sendfile(2) and copy_file_range(2) carry at a time.
const CARRIED: usize = 64 * 1024;
/// Pieces of no more bytes than this are given to a stream as one.
const GATHERED: usize = 16 * 1024;

/// Where in a file bytes are moved.
#[derive(Clone, Copy, Debug)]
pub enum Position {
    /// Where the file is.
    Current,
    /// A place of its own.
    At(u64),
}

impl Position {
    pub fn after(self, bytes: usize) -> Self {
        match self {
            Self::Current => Self::Current,
            Self::At(offset) => Self::At(offset.saturating_add(bytes as u64)),
        }
    }

    /// From what a program passed, which may not be below 0.
    pub fn at(offset: i64) -> Result<Self, Errno> {
        u64::try_from(offset).map(Self::At).map_err(|_| Errno::EINVAL)
    }

    /// As [`at`](Position::at), where -1 is where the file is (preadv2(2)).
    fn at_or_current(offset: i64) -> Result<Self, Errno> {
        if offset == -1 { Ok(Self::Current) } else { Self::at(offset) }
    }
}

/// A file as a call works with it: with the flags it was opened with.
pub struct Opened {
    pub file: Rc<dyn OpenFile>,
    pub flags: u32,
}

impl Opened {
    pub fn read(&self, buffer: &mut [u8], position: Position) -> Result<usize, Errno> {
        match position {
            Position::Current => self.file.read(buffer),
            Position::At(offset) => self.file.read_at(offset, buffer),
        }
    }

    pub fn write(&self, bytes: &[u8], position: Position) -> Result<usize, Errno> {
        let appends = self.flags & O_APPEND != 0;
        match position {
            // Wherever it is asked to write (pwrite(2), under BUGS).
            Position::At(_) if appends => self.file.write_at(self.file.status()?.size, bytes),
            Position::At(offset) => self.file.write_at(offset, bytes),
            Position::Current => {
                if appends {
                    // What has no position, such as a pipe, has its end anyway.
                    let _ = self.file.seek(Seek::End(0));
                }
                self.file.write(bytes)
            }
        }
    }

    /// Whether bytes that were not taken at once are to follow, in a call that waits: of a counter or a message they are not.
    fn takes_the_rest(&self) -> bool {
        let is_file = self.file.status().is_ok_and(|status| status.kind != Kind::Anonymous);
        is_file && self.flags & O_NONBLOCK == 0 && !self.has_messages()
    }

    fn has_messages(&self) -> bool {
        self.file.socket().is_some_and(|socket| socket.has_messages())
    }
}

impl<W: World> Linux<W> {
    pub fn to_read(&self, fd: Descriptor) -> Result<Opened, Errno> {
        self.opened(fd, O_RDONLY)
    }

    pub fn to_write(&self, fd: Descriptor) -> Result<Opened, Errno> {
        self.opened(fd, O_WRONLY)
    }

    /// A file that was opened for this, or for reading and writing.
    fn opened(&self, fd: Descriptor, access: u32) -> Result<Opened, Errno> {
        let (file, flags) = self.file_and_flags(fd)?;
        let opened_for = flags & O_ACCMODE;
        if opened_for == access || opened_for == O_RDWR {
            Ok(Opened { file, flags })
        } else {
            Err(Errno::EBADF)
        }
    }

    pub fn read(&self, fd: Descriptor, buffer: User<u8>, length: usize) -> Result<usize, Errno> {
        self.read_to(&self.to_read(fd)?, buffer, length, Position::Current)
    }

    pub fn read_at(
        &self,
        fd: Descriptor,
        buffer: User<u8>,
        length: usize,
        offset: i64,
    ) -> Result<usize, Errno> {
        self.read_to(&self.to_read(fd)?, buffer, length, Position::at(offset)?)
    }

    pub fn write(&self, fd: Descriptor, bytes: User<u8>, length: usize) -> Result<usize, Errno> {
        self.write_from(&self.to_write(fd)?, bytes, length, Position::Current)
    }

    pub fn write_at(
        &self,
        fd: Descriptor,
        bytes: User<u8>,
        length: usize,
        offset: i64,
    ) -> Result<usize, Errno> {
        self.write_from(&self.to_write(fd)?, bytes, length, Position::at(offset)?)
    }

    pub fn read_pieces(&self, fd: Descriptor, pieces: User<iovec>, count: usize) -> Result<usize, Errno> {
        self.read_each(&self.to_read(fd)?, pieces, count, Position::Current)
    }

    pub fn read_pieces_at(
        &self,
        fd: Descriptor,
        pieces: User<iovec>,
        count: usize,
        offset: i64,
    ) -> Result<usize, Errno> {
        self.read_each(&self.to_read(fd)?, pieces, count, Position::at(offset)?)
    }

    pub fn write_pieces(&self, fd: Descriptor, pieces: User<iovec>, count: usize) -> Result<usize, Errno> {
        self.write_each(&self.to_write(fd)?, pieces, count, Position::Current)
    }

    pub fn write_pieces_at(
        &self,
        fd: Descriptor,
        pieces: User<iovec>,
        count: usize,
        offset: i64,
    ) -> Result<usize, Errno> {
        self.write_each(&self.to_write(fd)?, pieces, count, Position::at(offset)?)
    }

    /// The register between offset and flags is the offset's upper half where registers are narrower.
    pub fn read_pieces_by_flags(
        &self,
        fd: Descriptor,
        pieces: User<iovec>,
        count: usize,
        offset: i64,
        _upper: usize,
        flags: u32,
    ) -> Result<usize, Errno> {
        if flags & !RWF_HIPRI != 0 {
            return Err(Errno::EOPNOTSUPP);
        }
        self.read_each(&self.to_read(fd)?, pieces, count, Position::at_or_current(offset)?)
    }

    /// As [`read_pieces_by_flags`](Linux::read_pieces_by_flags).
    pub fn write_pieces_by_flags(
        &self,
        fd: Descriptor,
        pieces: User<iovec>,
        count: usize,
        offset: i64,
        _upper: usize,
        flags: u32,
    ) -> Result<usize, Errno> {
        if flags & !(RWF_HIPRI | RWF_DSYNC | RWF_SYNC) != 0 {
            return Err(Errno::EOPNOTSUPP);
        }
        let to = self.to_write(fd)?;
        let written = self.write_each(&to, pieces, count, Position::at_or_current(offset)?)?;
        if flags & (RWF_DSYNC | RWF_SYNC) != 0 {
            to.file.synchronize()?;
        }
        Ok(written)
    }

    fn read_to(
        &self,
        from: &Opened,
        buffer: User<u8>,
        length: usize,
        position: Position,
    ) -> Result<usize, Errno> {
        let length = length.min(LONGEST);
        // Another thread may take the memory away while this one waits.
        self.unless_nonblocking(&*from.file, from.flags, Half::Read, || {
            from.read(self.bytes_mut(buffer, length)?, position)
        })
    }

    fn read_bytes(&self, from: &Opened, buffer: &mut [u8], position: Position) -> Result<usize, Errno> {
        self.unless_nonblocking(&*from.file, from.flags, Half::Read, || from.read(buffer, position))
    }

    fn write_from(
        &self,
        to: &Opened,
        bytes: User<u8>,
        length: usize,
        position: Position,
    ) -> Result<usize, Errno> {
        let length = length.min(LONGEST);
        // As in `read_to`.
        self.write_rest(to, length, position, |written| {
            self.bytes(bytes, length).map(|bytes| &bytes[written..])
        })
    }

    fn write_bytes(&self, to: &Opened, bytes: &[u8], position: Position) -> Result<usize, Errno> {
        self.write_rest(to, bytes.len(), position, |written| Ok(&bytes[written..]))
    }

    /// As much as is taken at once where the descriptor does not block, else all: less only where an error or a signal comes
    /// between. `rest` has what is left of `length` bytes when some are written.
    fn write_rest<'a>(
        &self,
        to: &Opened,
        length: usize,
        position: Position,
        rest: impl Fn(usize) -> Result<&'a [u8], Errno>,
    ) -> Result<usize, Errno> {
        let mut written = 0;
        loop {
            let there = position.after(written);
            let attempt = || to.write(rest(written)?, there);
            match self.unless_nonblocking(&*to.file, to.flags, Half::Write, attempt) {
                Ok(taken) => written += taken,
                Err(errno) => {
                    let errno = self.told_of_broken(errno);
                    return if written > 0 { Ok(written) } else { Err(errno) };
                }
            }
            if written == length || !to.takes_the_rest() {
                return Ok(written);
            }
        }
    }

    /// Sends the thread the signal that goes with `EPIPE`.
    pub fn told_of_broken(&self, errno: Errno) -> Errno {
        if errno == Errno::EPIPE {
            self.send_to_self(SIGPIPE);
        }
        errno
    }

    /// The pieces in their order, until one gets less than it could. Only the first is waited for.
    fn read_each(
        &self,
        from: &Opened,
        pieces: User<iovec>,
        count: usize,
        position: Position,
    ) -> Result<usize, Errno> {
        let pieces = self.pieces(pieces, count)?;
        if from.has_messages() {
            let mut message = zeros(total_of(&pieces))?;
            let got = self.read_bytes(from, &mut message, position)?;
            self.scatter(&message[..got], &pieces)?;
            return Ok(got);
        }
        let more = Opened { file: Rc::clone(&from.file), flags: from.flags | O_NONBLOCK };
        let mut total = 0;
        for (address, length) in pieces.into_iter().filter(|(_, length)| *length > 0) {
            let from = if total == 0 { from } else { &more };
            let got = match self.read_to(from, address, length, position.after(total)) {
                Err(_) if total > 0 => break,
                result => result?,
            };
            total += got;
            if got < length {
                break;
            }
        }
        Ok(total)
    }

    /// The pieces in their order, until one is not written whole. What a socket gets is one piece, as far as it is worth the
    /// copy: it may be a message, and of a stream it leaves in fewer packets.
    fn write_each(
        &self,
        to: &Opened,
        pieces: User<iovec>,
        count: usize,
        position: Position,
    ) -> Result<usize, Errno> {
        let pieces = self.pieces(pieces, count)?;
        let is_gathered =
            to.file.socket().is_some_and(|socket| socket.has_messages() || total_of(&pieces) <= GATHERED);
        if is_gathered {
            return match pieces[..] {
                [(address, length)] => self.write_from(to, address, length, position),
                _ => self.write_bytes(to, &self.gather(&pieces)?, position),
            };
        }
        let mut total = 0;
        for (address, length) in pieces.into_iter().filter(|(_, length)| *length > 0) {
            let written = match self.write_from(to, address, length, position.after(total)) {
                Err(_) if total > 0 => break,
                result => result?,
            };
            total += written;
            if written < length {
                break;
            }
        }
        Ok(total)
    }

    /// The bytes of all pieces.
    pub fn gather(&self, pieces: &[(User<u8>, usize)]) -> Result<Vec<u8>, Errno> {
        let mut bytes = Vec::new();
        bytes.try_reserve(total_of(pieces)).map_err(|_| Errno::ENOMEM)?;
        for (address, length) in pieces {
            bytes.extend_from_slice(self.bytes(*address, (*length).min(LONGEST - bytes.len()))?);
        }
        Ok(bytes)
    }

    pub fn send_file(
        &self,
        to: Descriptor,
        from: Descriptor,
        offset: User<i64>,
        count: usize,
    ) -> Result<usize, Errno> {
        let source = self.to_read(from)?;
        let sink = self.to_write(to)?;
        if sink.flags & O_APPEND != 0 {
            return Err(Errno::EINVAL);
        }
        let begin = self.place_of(&source, offset)?;
        let sent =
            self.carry(&source, begin, count, |bytes, _| self.write_bytes(&sink, bytes, Position::Current))?;
        self.moved_to(&source, offset, begin + sent as u64)?;
        Ok(sent)
    }

    pub fn copy_range(
        &self,
        from: Descriptor,
        from_offset: User<i64>,
        to: Descriptor,
        to_offset: User<i64>,
        count: usize,
        flags: u32,
    ) -> Result<usize, Errno> {
        if flags != 0 {
            return Err(Errno::EINVAL);
        }
        let (source, sink) = (self.to_read(from)?, self.to_write(to)?);
        if sink.flags & O_APPEND != 0 {
            return Err(Errno::EBADF);
        }
        for file in [&source.file, &sink.file] {
            match file.status()?.kind {
                Kind::Regular => {}
                Kind::Directory => return Err(Errno::EISDIR),
                _ => return Err(Errno::EINVAL),
            }
        }
        let begin = self.place_of(&source, from_offset)?;
        let target = self.place_of(&sink, to_offset)?;
        let copied = self.carry(&source, begin, count, |bytes, done| {
            self.write_bytes(&sink, bytes, Position::At(target + done as u64))
        })?;
        self.moved_to(&source, from_offset, begin + copied as u64)?;
        self.moved_to(&sink, to_offset, target + copied as u64)?;
        Ok(copied)
    }

    /// Where a call begins in a file: at an offset that the program stored, or where the file is.
    fn place_of(&self, of: &Opened, offset: User<i64>) -> Result<u64, Errno> {
        if offset.is_null() {
            return of.file.seek(Seek::Current(0));
        }
        u64::try_from(self.load(offset)?).map_err(|_| Errno::EINVAL)
    }

    /// Says where a call ended in a file, in the way in which it was told the beginning.
    fn moved_to(&self, of: &Opened, offset: User<i64>, end: u64) -> Result<(), Errno> {
        if offset.is_null() {
            of.file.seek(Seek::Start(end)).map(drop)
        } else {
            self.store(offset, end as i64)
        }
    }

    /// Hands `count` bytes of a file from `begin` on to `put`, with how many went before, until it takes fewer than it gets.
    fn carry(
        &self,
        source: &Opened,
        begin: u64,
        count: usize,
        put: impl Fn(&[u8], usize) -> Result<usize, Errno>,
    ) -> Result<usize, Errno> {
        let count = count.min(LONGEST);
        if begin.checked_add(count as u64).is_none_or(|end| i64::try_from(end).is_err()) {
            return Err(Errno::EINVAL);
        }
        if let Some(bytes) = source.file.fixed_bytes() {
            let rest = usize::try_from(begin).ok().and_then(|begin| bytes.get(begin..)).unwrap_or_default();
            return if rest.is_empty() { Ok(0) } else { put(&rest[..count.min(rest.len())], 0) };
        }
        let mut buffer = zeros(count.min(CARRIED))?;
        let mut done = 0;
        while done < count {
            let wanted = (count - done).min(buffer.len());
            let moved = match source.file.read_at(begin + done as u64, &mut buffer[..wanted]) {
                Ok(0) => break,
                Ok(got) => put(&buffer[..got], done).map(|taken| (taken, got)),
                Err(errno) => Err(errno),
            };
            let (taken, got) = match moved {
                Err(_) if done > 0 => break,
                result => result?,
            };
            done += taken;
            if taken < got {
                break;
            }
        }
        Ok(done)
    }
}

/// Bytes of all pieces, as far as one call moves them.
fn total_of(pieces: &[(User<u8>, usize)]) -> usize {
    pieces.iter().map(|(_, length)| *length).sum::<usize>().min(LONGEST)
}

/// Room for `length` bytes; `ENOMEM` where there is none.
pub fn zeros(length: usize) -> Result<Vec<u8>, Errno> {
    let mut bytes = Vec::new();
    bytes.try_reserve(length).map_err(|_| Errno::ENOMEM)?;
    bytes.resize(length, 0);
    Ok(bytes)
}
