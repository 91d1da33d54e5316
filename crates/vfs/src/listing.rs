//! Open directories.

use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};

use iface_vfs::{Errno, OpenFile, Status};
use open_file::{Directory, Name, Seek};

use crate::handle::Handle;

/// A directory, with its names as they were when the first was asked for: a program may remove each that it gets, and
/// passes over none.
pub(crate) struct Listing {
    pub handle: Handle,
    names: RefCell<Option<Vec<Name>>>,
    position: Cell<u64>,
}

impl Listing {
    pub fn open(handle: Handle) -> Rc<dyn OpenFile> {
        Rc::new(Self { handle, names: RefCell::default(), position: Cell::new(0) })
    }
}

impl OpenFile for Listing {
    fn read(&self, _: &mut [u8]) -> Result<usize, Errno> {
        Err(Errno::EISDIR)
    }

    fn read_at(&self, _: u64, _: &mut [u8]) -> Result<usize, Errno> {
        Err(Errno::EISDIR)
    }

    fn write(&self, _: &[u8]) -> Result<usize, Errno> {
        Err(Errno::EBADF)
    }

    fn write_at(&self, _: u64, _: &[u8]) -> Result<usize, Errno> {
        Err(Errno::EBADF)
    }

    /// Positions count names. At the beginning the names are taken anew (rewinddir(3)).
    fn seek(&self, to: Seek) -> Result<u64, Errno> {
        let position = match to {
            Seek::Start(position) => Some(position),
            Seek::Current(by) => self.position.get().checked_add_signed(by),
            Seek::End(_) => None,
        };
        let position = position.filter(|position| i64::try_from(*position).is_ok()).ok_or(Errno::EINVAL)?;
        if position == 0 {
            self.names.take();
        }
        self.position.set(position);
        Ok(position)
    }

    fn synchronize(&self) -> Result<(), Errno> {
        self.handle.volume().synchronize()
    }

    fn status(&self) -> Result<Status, Errno> {
        self.handle.status()
    }

    fn directory(&self) -> Option<&dyn Directory> {
        Some(self)
    }
}

impl Directory for Listing {
    fn next_name(&self) -> Result<Option<Name>, Errno> {
        if self.names.borrow().is_none() {
            let names = self.handle.tree.names(self.handle.place)?;
            self.names.replace(Some(names));
        }
        let names = self.names.borrow();
        let position = usize::try_from(self.position.get()).unwrap_or(usize::MAX);
        let name = names.as_ref().and_then(|names| names.get(position)).cloned();
        if name.is_some() {
            self.position.set(self.position.get() + 1);
        }
        Ok(name)
    }

    fn put_back(&self) {
        self.position.set(self.position.get().saturating_sub(1));
    }
}
