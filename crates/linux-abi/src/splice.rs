//! splice(2): what a pipe gives to a file or gets from one, with no memory of the program between them. The bytes are copied.

use linux_raw_sys::general::{
    O_APPEND, O_NONBLOCK, SPLICE_F_GIFT, SPLICE_F_MORE, SPLICE_F_MOVE, SPLICE_F_NONBLOCK,
};
use open_file::{Errno, Half, Kind, Seek};

use crate::descriptors::Descriptor;
use crate::linux::{Linux, World};
use crate::pipes::{CAPACITY, Reader, Writer};
use crate::transfer::{Opened, Position, zeros};
use crate::user::User;

/// Flags that there are. How the bytes get there is the kernel's own affair, and what they are a part of is only a hint.
const FLAGS: u32 = SPLICE_F_MOVE | SPLICE_F_NONBLOCK | SPLICE_F_MORE | SPLICE_F_GIFT;

impl<W: World> Linux<W> {
    pub fn splice(
        &self,
        from: Descriptor,
        from_offset: User<i64>,
        to: Descriptor,
        to_offset: User<i64>,
        count: usize,
        flags: u32,
    ) -> Result<usize, Errno> {
        if count == 0 {
            return Ok(0);
        }
        if flags & !FLAGS != 0 {
            return Err(Errno::EINVAL);
        }
        let (mut source, mut sink) = (self.to_read(from)?, self.to_write(to)?);
        let (begin, target) = (self.place_in(&source, from_offset)?, self.place_in(&sink, to_offset)?);
        // The flag is for pipes; what else is read or written waits as its descriptor says.
        let asked = if flags & SPLICE_F_NONBLOCK == 0 { 0 } else { O_NONBLOCK };
        let (read, written) = (source.file.clone(), sink.file.clone());
        let moved = match (Reader::of(&*read), Writer::of(&*written)) {
            (Some(reader), Some(writer)) if reader.is_other_end_of(writer) => return Err(Errno::EINVAL),
            (Some(_), Some(writer)) => {
                let waits = asked | source.flags | sink.flags;
                (source.flags, sink.flags) = (waits, waits);
                self.fill_pipe(writer, &sink, &source, begin, count)
            }
            (None, Some(writer)) => {
                sink.flags |= asked;
                self.fill_pipe(writer, &sink, &source, begin, count)
            }
            (Some(reader), None) => {
                source.flags |= asked;
                self.drain_pipe(reader, &source, &sink, target, count)
            }
            (None, None) => return Err(Errno::EINVAL),
        }?;
        self.tell_end(from_offset, begin, moved)?;
        self.tell_end(to_offset, target, moved)?;
        Ok(moved)
    }

    /// Where in a file bytes are moved: an offset that the program stored is for what has places.
    fn place_in(&self, opened: &Opened, offset: User<i64>) -> Result<Position, Errno> {
        match opened.file.status()?.kind {
            Kind::Pipe if offset.is_null() => return Ok(Position::Current),
            Kind::Pipe => return Err(Errno::ESPIPE),
            Kind::Directory | Kind::Anonymous => return Err(Errno::EINVAL),
            _ => {}
        }
        if offset.is_null() {
            return Ok(Position::Current);
        }
        let offset = self.load(offset)?;
        opened.file.seek(Seek::Current(0)).map_err(|_| Errno::EINVAL)?;
        Position::at(offset)
    }

    fn tell_end(&self, offset: User<i64>, begin: Position, moved: usize) -> Result<(), Errno> {
        match begin.after(moved) {
            Position::At(end) => self.store(offset, end as i64),
            Position::Current => Ok(()),
        }
    }

    /// Reads once, at most as much as the pipe has room for: nothing that was read has no place to go.
    fn fill_pipe(
        &self,
        writer: &Writer,
        pipe: &Opened,
        source: &Opened,
        begin: Position,
        count: usize,
    ) -> Result<usize, Errno> {
        let mut buffer = zeros(count.min(CAPACITY))?;
        loop {
            self.unless_nonblocking(&*pipe.file, pipe.flags, Half::Write, || writer.room())
                .map_err(|errno| self.told_of_broken(errno))?;
            let moved = self.unless_nonblocking(&*source.file, source.flags, Half::Read, || {
                // While this thread waited, another may have filled the pipe.
                let Ok(room) = writer.room() else { return Ok(None) };
                let wanted = buffer.len().min(room);
                let got = source.read(&mut buffer[..wanted], begin)?;
                pipe.write(&buffer[..got], Position::Current).map(Some)
            })?;
            if let Some(moved) = moved {
                return Ok(moved);
            }
        }
    }

    /// Waits for the first bytes, and writes what is there.
    fn drain_pipe(
        &self,
        reader: &Reader,
        pipe: &Opened,
        sink: &Opened,
        target: Position,
        count: usize,
    ) -> Result<usize, Errno> {
        if sink.flags & O_APPEND != 0 {
            return Err(Errno::EINVAL);
        }
        let mut done = 0;
        while done < count {
            let has_more = if done == 0 {
                self.unless_nonblocking(&*pipe.file, pipe.flags, Half::Read, || reader.has_bytes())?
            } else {
                reader.has_bytes().unwrap_or(false)
            };
            if !has_more {
                break;
            }
            let put = || reader.hand_on(count - done, |bytes| sink.write(bytes, target.after(done)));
            match self.unless_nonblocking(&*sink.file, sink.flags, Half::Write, put) {
                Ok(taken) => done += taken,
                Err(errno) => {
                    let errno = self.told_of_broken(errno);
                    return if done > 0 { Ok(done) } else { Err(errno) };
                }
            }
        }
        Ok(done)
    }
}
