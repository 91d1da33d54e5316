//! Files that are held, and neither read nor written (open(2), `O_PATH`).

use alloc::rc::Rc;

use iface_vfs::{Errno, OpenFile, Status};
use open_file::{Directory, Name};

use crate::handle::Handle;

/// A file that is held.
pub(crate) struct Held {
    pub handle: Handle,
}

impl Held {
    pub fn open(handle: Handle) -> Rc<dyn OpenFile> {
        Rc::new(Self { handle })
    }
}

impl OpenFile for Held {
    fn status(&self) -> Result<Status, Errno> {
        self.handle.status()
    }

    fn directory(&self) -> Option<&dyn Directory> {
        self.handle.is_directory().then_some(self)
    }
}

/// Paths begin there, and that is all.
impl Directory for Held {
    fn next_name(&self) -> Result<Option<Name>, Errno> {
        Err(Errno::EBADF)
    }

    fn put_back(&self) {}
}
