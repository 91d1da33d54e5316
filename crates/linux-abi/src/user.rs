//! Memory of the program, by the addresses that it passes.

use alloc::vec::Vec;
use core::fmt;
use core::marker::PhantomData;
use core::slice;

use iface_address_space::AddressSpace;
use linux_raw_sys::general::iovec;
use open_file::Errno;

use crate::linux::{Linux, World};

/// The longest path, its zero byte included (`PATH_MAX`).
const PATH_LIMIT: usize = 4096;
/// Most pieces of a vector (`UIO_MAXIOV`).
const MOST_PIECES: usize = 1024;
/// The longest transfer in bytes: Linux cuts longer ones (`MAX_RW_COUNT`).
pub(crate) const LONGEST: usize = 0x7fff_f000;

/// An address that a program passed, of a `T` or of several.
pub(crate) struct User<T>(usize, PhantomData<*mut T>);

impl<T> Clone for User<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for User<T> {}

impl<T> fmt::Debug for User<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}

impl<T> User<T> {
    /// An address as it came in a register.
    pub const fn new(address: usize) -> Self {
        Self(address, PhantomData)
    }

    pub const fn is_null(self) -> bool {
        self.0 == 0
    }

    pub const fn address(self) -> usize {
        self.0
    }

    /// The address of the element at `index`.
    pub const fn at(self, index: usize) -> Self {
        Self::new(self.0.wrapping_add(index.wrapping_mul(size_of::<T>())))
    }
}

/// What may be copied from and to a program's memory: any bits are a value of it.
///
/// # Safety
/// As said.
pub(crate) unsafe trait Plain {}

macro_rules! plain {
    ($($type:ty),* $(,)?) => {
        // SAFETY: numbers, and Linux's own structures of numbers and addresses.
        $(unsafe impl $crate::user::Plain for $type {})*
    };
}

plain!(u8, u16, u32, u64, i32, i64, usize, iovec);
// SAFETY: as for one of it.
unsafe impl<T: Plain, const N: usize> Plain for [T; N] {}

pub(crate) use plain;

impl<W: World> Linux<W> {
    /// Bytes that the program lets be read.
    ///
    /// They are the program's while this borrow lasts: no other thread runs but where a call waits, and a program that
    /// changes what it has passed to a call that waits gets either of the two, as from Linux.
    pub fn bytes(&self, from: User<u8>, length: usize) -> Result<&[u8], Errno> {
        let address = self.allowed(from.0, length, false)?;
        // SAFETY: the range can be read, and is not null.
        Ok(unsafe { slice::from_raw_parts(address as *const u8, length) })
    }

    /// Bytes that the program lets be written.
    #[expect(clippy::mut_from_ref, reason = "the bytes are the program's, not the process's")]
    pub fn bytes_mut(&self, to: User<u8>, length: usize) -> Result<&mut [u8], Errno> {
        let address = self.allowed(to.0, length, true)?;
        // SAFETY: the range can be written, and is not null.
        Ok(unsafe { slice::from_raw_parts_mut(address as *mut u8, length) })
    }

    /// The value at an address, aligned or not.
    pub fn load<T: Plain>(&self, from: User<T>) -> Result<T, Errno> {
        let address = self.allowed(from.0, size_of::<T>(), false)?;
        // SAFETY: the range can be read, and any bits are a value.
        Ok(unsafe { (address as *const T).read_unaligned() })
    }

    /// Stores a value at an address, aligned or not.
    pub fn store<T: Plain>(&self, to: User<T>, value: T) -> Result<(), Errno> {
        let address = self.allowed(to.0, size_of::<T>(), true)?;
        // SAFETY: the range can be written.
        unsafe { (address as *mut T).write_unaligned(value) };
        Ok(())
    }

    /// Stores a value where the program gave an address for it.
    pub fn store_if_asked<T: Plain>(&self, to: User<T>, value: T) -> Result<(), Errno> {
        if to.is_null() { Ok(()) } else { self.store(to, value) }
    }

    /// The values from an address on.
    pub fn load_all<T: Plain>(&self, from: User<T>, count: usize) -> Result<Vec<T>, Errno> {
        let length = count.checked_mul(size_of::<T>()).ok_or(Errno::EFAULT)?;
        let address = self.allowed(from.0, length, false)?;
        let mut values = Vec::new();
        values.try_reserve_exact(count).map_err(|_| Errno::ENOMEM)?;
        // SAFETY: all of the range can be read, and any bits are a value.
        values.extend((0..count).map(|index| unsafe { (address as *const T).add(index).read_unaligned() }));
        Ok(values)
    }

    /// A path: the bytes before the first that is zero.
    pub fn path(&self, from: User<u8>) -> Result<&[u8], Errno> {
        self.text(from, PATH_LIMIT)?.ok_or(Errno::ENAMETOOLONG)
    }

    /// The bytes before the first that is zero; `None` where there is none among `limit`.
    pub fn text(&self, from: User<u8>, limit: usize) -> Result<Option<&[u8]>, Errno> {
        /// Pages end at multiples of this, so a piece that does not cross one is readable or not as a whole.
        const PIECE: usize = 256;
        let mut length = 0;
        while length < limit {
            let start = from.0.wrapping_add(length);
            let piece = (PIECE - start % PIECE).min(limit - length);
            let bytes = self.bytes(User::new(start), piece)?;
            if let Some(end) = bytes.iter().position(|byte| *byte == 0) {
                return self.bytes(from, length + end).map(Some);
            }
            length += piece;
        }
        Ok(None)
    }

    /// The pieces of a vector (readv(2)), each of which may be too long still.
    pub fn pieces(&self, from: User<iovec>, count: usize) -> Result<Vec<(User<u8>, usize)>, Errno> {
        if count > MOST_PIECES {
            return Err(Errno::EINVAL);
        }
        let pieces: Vec<_> = self
            .load_all(from, count)?
            .into_iter()
            .map(|piece| (User::new(piece.iov_base as usize), piece.iov_len as usize))
            .collect();
        let total = pieces.iter().try_fold(0_usize, |total, (_, length)| total.checked_add(*length));
        match total {
            Some(total) if isize::try_from(total).is_ok() => Ok(pieces),
            _ => Err(Errno::EINVAL),
        }
    }

    /// The address, where the program may use `length` bytes there. Of no bytes any address is one that dangles.
    fn allowed(&self, address: usize, length: usize, write: bool) -> Result<usize, Errno> {
        if length == 0 {
            return Ok(align_of::<u64>());
        }
        let end = address.checked_add(length).ok_or(Errno::EFAULT)?;
        let allowed = address != 0 && self.address_space.allows(address..end, write);
        if allowed { Ok(address) } else { Err(Errno::EFAULT) }
    }
}
