//! Open files of bytes.

use alloc::rc::Rc;
use core::cell::Cell;

use iface_vfs::{Errno, OpenFile, Status};
use linux_raw_sys::ioctl::FIONREAD;
use open_file::Seek;

use crate::handle::Handle;
use crate::volume::Access;

/// The largest offset of a file (`loff_t`).
const LARGEST: u64 = i64::MAX as u64;

/// A file of a file system.
pub(crate) struct File {
    pub handle: Handle,
    position: Cell<u64>,
    /// All of it, where that never changes.
    fixed: Option<&'static [u8]>,
    access: Access,
}

impl File {
    pub fn open(handle: Handle, access: Access) -> Rc<dyn OpenFile> {
        let volume = handle.volume();
        let fixed = if volume.is_writable() { None } else { volume.fixed_bytes(handle.place.node) };
        Rc::new(Self { handle, position: Cell::new(0), fixed, access })
    }

    fn size(&self) -> Result<u64, Errno> {
        self.handle.volume().facts(self.handle.place.node).map(|facts| facts.size)
    }

    /// Bytes that were written before the space ended.
    fn written_part(&self, before: u64, offset: u64) -> Result<usize, Errno> {
        match self.size()? {
            // It grew by what was written and by nothing else.
            after if after > before.max(offset) => Ok((after - offset) as usize),
            _ => Err(Errno::ENOSPC),
        }
    }
}

impl OpenFile for File {
    fn read(&self, buffer: &mut [u8]) -> Result<usize, Errno> {
        let read = self.read_at(self.position.get(), buffer)?;
        self.position.set(self.position.get() + read as u64);
        Ok(read)
    }

    fn write(&self, bytes: &[u8]) -> Result<usize, Errno> {
        let written = self.write_at(self.position.get(), bytes)?;
        self.position.set(self.position.get() + written as u64);
        Ok(written)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, Errno> {
        if !self.access.read {
            return Err(Errno::EBADF);
        }
        match self.fixed {
            Some(bytes) => Ok(copy_from(bytes, offset, buffer)),
            None => self.handle.volume().read(self.handle.place.node, offset, buffer),
        }
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<usize, Errno> {
        if !self.access.write {
            return Err(Errno::EBADF);
        }
        if bytes.is_empty() {
            return Ok(0);
        }
        let room = LARGEST.checked_sub(offset).filter(|room| *room > 0).ok_or(Errno::EFBIG)?;
        let bytes = &bytes[..bytes.len().min(usize::try_from(room).unwrap_or(usize::MAX))];
        let before = self.size()?;
        match self.handle.volume().write(self.handle.place.node, offset, bytes) {
            Ok(()) => Ok(bytes.len()),
            Err(Errno::ENOSPC) => self.written_part(before, offset),
            Err(errno) => Err(errno),
        }
    }

    fn seek(&self, to: Seek) -> Result<u64, Errno> {
        let position = seek(to, self.position.get(), || self.size())?;
        self.position.set(position);
        Ok(position)
    }

    fn resize(&self, size: u64) -> Result<(), Errno> {
        if !self.access.write {
            return Err(Errno::EINVAL);
        }
        if size > LARGEST {
            return Err(Errno::EFBIG);
        }
        self.handle.volume().resize(self.handle.place.node, size)
    }

    fn synchronize(&self) -> Result<(), Errno> {
        self.handle.volume().synchronize()
    }

    fn status(&self) -> Result<Status, Errno> {
        self.handle.status()
    }

    fn control(&self, request: u32, argument: &mut [u8]) -> Result<usize, Errno> {
        if request != FIONREAD {
            return Err(Errno::ENOTTY);
        }
        let left = self.size()?.saturating_sub(self.position.get());
        let left = i32::try_from(left).unwrap_or(i32::MAX);
        answer(argument, &left.to_ne_bytes())
    }

    fn fixed_bytes(&self) -> Option<&'static [u8]> {
        self.fixed.filter(|_| self.access.read)
    }
}

/// Copies what `bytes` has from `offset` on, and says how much.
pub(crate) fn copy_from(bytes: &[u8], offset: u64, buffer: &mut [u8]) -> usize {
    let rest = usize::try_from(offset).ok().and_then(|offset| bytes.get(offset..)).unwrap_or_default();
    let length = rest.len().min(buffer.len());
    buffer[..length].copy_from_slice(&rest[..length]);
    length
}

/// The position that `to` says of a file that is at `position` now.
pub(crate) fn seek(to: Seek, position: u64, size: impl Fn() -> Result<u64, Errno>) -> Result<u64, Errno> {
    let position = match to {
        Seek::Start(offset) => Some(offset),
        Seek::Current(by) => position.checked_add_signed(by),
        Seek::End(by) => size()?.checked_add_signed(by),
    };
    position.filter(|position| *position <= LARGEST).ok_or(Errno::EINVAL)
}

/// Answers an operation of ioctl(2) with `bytes`, for which `argument` must have room.
pub(crate) fn answer(argument: &mut [u8], bytes: &[u8]) -> Result<usize, Errno> {
    argument.get_mut(..bytes.len()).ok_or(Errno::EFAULT)?.copy_from_slice(bytes);
    Ok(0)
}
