//! The devices of memory: `null`, `zero`, `full`, `random`, `urandom` (null(4), full(4), random(4)).

use iface_entropy::Entropy;
use iface_vfs::Errno;

use crate::device::Driver;

/// Ends at once, and takes everything.
pub(crate) struct Null;

impl Driver for Null {
    fn numbers(&self) -> (u32, u32) {
        (1, 3)
    }

    fn read(&self, _: &mut [u8]) -> Result<usize, Errno> {
        Ok(0)
    }

    fn write(&self, bytes: &[u8]) -> Result<usize, Errno> {
        Ok(bytes.len())
    }
}

/// Zeros without end; takes everything.
pub(crate) struct Zero;

impl Driver for Zero {
    fn numbers(&self) -> (u32, u32) {
        (1, 5)
    }

    fn read(&self, buffer: &mut [u8]) -> Result<usize, Errno> {
        buffer.fill(0);
        Ok(buffer.len())
    }

    fn write(&self, bytes: &[u8]) -> Result<usize, Errno> {
        Ok(bytes.len())
    }
}

/// Zeros without end; has no room.
pub(crate) struct Full;

impl Driver for Full {
    fn numbers(&self) -> (u32, u32) {
        (1, 7)
    }

    fn read(&self, buffer: &mut [u8]) -> Result<usize, Errno> {
        Zero.read(buffer)
    }

    fn write(&self, bytes: &[u8]) -> Result<usize, Errno> {
        if bytes.is_empty() { Ok(0) } else { Err(Errno::ENOSPC) }
    }
}

/// Random bytes; what is written stirs nothing.
pub(crate) struct Random<E> {
    pub entropy: E,
    /// 8 for `random`, 9 for `urandom`.
    pub minor: u32,
}

impl<E: Entropy> Driver for Random<E> {
    fn numbers(&self) -> (u32, u32) {
        (1, self.minor)
    }

    fn read(&self, buffer: &mut [u8]) -> Result<usize, Errno> {
        self.entropy.fill(buffer).map_err(|_| Errno::EIO)?;
        Ok(buffer.len())
    }

    fn write(&self, bytes: &[u8]) -> Result<usize, Errno> {
        Ok(bytes.len())
    }
}
