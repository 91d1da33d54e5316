//! Open devices.

use alloc::rc::Rc;

use iface_vfs::{Errno, OpenFile, Status};
use open_file::{Readiness, Seek, Watchers};

use crate::handle::Handle;
use crate::volume::Access;

/// A device of characters, whoever opened it.
pub(crate) trait Driver {
    /// Major and minor number (Linux, `Documentation/admin-guide/devices.txt`).
    fn numbers(&self) -> (u32, u32);

    /// The low 12 bits of `st_mode`.
    fn permissions(&self) -> u16 {
        0o666
    }

    /// Takes bytes; `EAGAIN` where there are none yet.
    fn read(&self, buffer: &mut [u8]) -> Result<usize, Errno>;

    fn write(&self, bytes: &[u8]) -> Result<usize, Errno>;

    /// Whether it has positions, each of which is alike.
    fn has_positions(&self) -> bool {
        true
    }

    fn readiness(&self) -> Readiness {
        Readiness::IN | Readiness::OUT
    }

    fn watchers(&self) -> Option<&Watchers> {
        None
    }

    fn control(&self, request: u32, argument: &mut [u8]) -> Result<usize, Errno> {
        let _ = (request, argument);
        Err(Errno::ENOTTY)
    }
}

/// A device that is open.
pub(crate) struct Device {
    pub handle: Handle,
    driver: Rc<dyn Driver>,
    access: Access,
}

impl Device {
    pub fn open(handle: Handle, driver: Rc<dyn Driver>, access: Access) -> Rc<dyn OpenFile> {
        Rc::new(Self { handle, driver, access })
    }

    fn check_positions(&self) -> Result<(), Errno> {
        if self.driver.has_positions() { Ok(()) } else { Err(Errno::ESPIPE) }
    }
}

impl OpenFile for Device {
    fn read(&self, buffer: &mut [u8]) -> Result<usize, Errno> {
        if self.access.read { self.driver.read(buffer) } else { Err(Errno::EBADF) }
    }

    fn write(&self, bytes: &[u8]) -> Result<usize, Errno> {
        if self.access.write { self.driver.write(bytes) } else { Err(Errno::EBADF) }
    }

    fn read_at(&self, _: u64, buffer: &mut [u8]) -> Result<usize, Errno> {
        self.check_positions().and_then(|()| self.read(buffer))
    }

    fn write_at(&self, _: u64, bytes: &[u8]) -> Result<usize, Errno> {
        self.check_positions().and_then(|()| self.write(bytes))
    }

    /// It is always at its beginning (Linux, `null_lseek`).
    fn seek(&self, _: Seek) -> Result<u64, Errno> {
        self.check_positions().map(|()| 0)
    }

    fn status(&self) -> Result<Status, Errno> {
        self.handle.status()
    }

    fn readiness(&self) -> Readiness {
        self.driver.readiness()
    }

    fn watchers(&self) -> Option<&Watchers> {
        self.driver.watchers()
    }

    fn control(&self, request: u32, argument: &mut [u8]) -> Result<usize, Errno> {
        self.driver.control(request, argument)
    }
}
