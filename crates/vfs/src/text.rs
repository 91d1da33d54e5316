//! Open files of text that the image makes itself.

use alloc::boxed::Box;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};

use iface_vfs::{Errno, OpenFile, Status};
use open_file::Seek;

use crate::file::{copy_from, seek};
use crate::handle::Handle;

/// What such a file holds.
pub(crate) enum Content {
    /// These bytes.
    Fixed(Vec<u8>),
    /// What is made when it is read from its beginning. As in Linux's `/proc` it has no length before.
    Made(Box<dyn Fn() -> Vec<u8>>),
    /// The same, with the length of what would be read now: as a file has it that somebody keeps up to date.
    Kept(Box<dyn Fn() -> Vec<u8>>),
}

impl Content {
    pub fn size(&self) -> u64 {
        match self {
            Self::Fixed(text) => text.len() as u64,
            Self::Made(_) => 0,
            Self::Kept(make) => make().len() as u64,
        }
    }
}

/// A file of text, open to be read.
pub(crate) struct Text {
    pub handle: Handle,
    content: Rc<Content>,
    /// What was made when the beginning was read last.
    made: RefCell<Vec<u8>>,
    position: Cell<u64>,
}

impl Text {
    pub fn open(handle: Handle, content: Rc<Content>) -> Rc<dyn OpenFile> {
        Rc::new(Self { handle, content, made: RefCell::default(), position: Cell::new(0) })
    }
}

impl OpenFile for Text {
    fn read(&self, buffer: &mut [u8]) -> Result<usize, Errno> {
        let read = self.read_at(self.position.get(), buffer)?;
        self.position.set(self.position.get() + read as u64);
        Ok(read)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, Errno> {
        match &*self.content {
            Content::Fixed(text) => Ok(copy_from(text, offset, buffer)),
            Content::Made(make) | Content::Kept(make) => {
                if offset == 0 {
                    self.made.replace(make());
                }
                Ok(copy_from(&self.made.borrow(), offset, buffer))
            }
        }
    }

    fn write(&self, _: &[u8]) -> Result<usize, Errno> {
        Err(Errno::EBADF)
    }

    fn write_at(&self, _: u64, _: &[u8]) -> Result<usize, Errno> {
        Err(Errno::EBADF)
    }

    fn seek(&self, to: Seek) -> Result<u64, Errno> {
        let position = seek(to, self.position.get(), || Ok(self.content.size()))?;
        self.position.set(position);
        Ok(position)
    }

    fn synchronize(&self) -> Result<(), Errno> {
        Ok(())
    }

    fn status(&self) -> Result<Status, Errno> {
        self.handle.status()
    }
}
