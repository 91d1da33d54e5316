//! Entries of a newc archive, one after the other.

use crate::{Fault, ImageError};

const MAGIC: &[u8] = b"070701";
/// The magic number and thirteen fields of eight digits.
const HEADER: usize = 6 + 13 * 8;
/// With its zero byte; Linux's `PATH_MAX`.
const LONGEST_NAME: usize = 4096;
const TRAILER: &[u8] = b"TRAILER!!!";

/// A file of the archive is the same as another with the same identity.
pub(crate) type Identity = [u32; 3];

/// One entry.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry<'a> {
    pub(crate) name: &'a [u8],
    pub(crate) data: &'a [u8],
    /// Kind and permissions as in `st_mode`.
    pub(crate) mode: u32,
    /// Seconds since 1970.
    pub(crate) modified: u32,
    /// How many names the file has.
    pub(crate) links: u32,
    /// Device and inode number.
    pub(crate) identity: Identity,
}

/// Reads an archive from start to end.
#[derive(Debug)]
pub(crate) struct Archive<'a> {
    image: &'a [u8],
    /// Where the next entry begins.
    next: usize,
    /// Where the entry read last begins, and its number.
    offset: usize,
    number: usize,
}

impl<'a> Archive<'a> {
    pub(crate) fn new(image: &'a [u8]) -> Self {
        Self { image, next: 0, offset: 0, number: 0 }
    }

    /// A fault of the entry read last.
    pub(crate) fn error(&self, fault: Fault) -> ImageError {
        ImageError { entry: self.number, offset: self.offset, fault }
    }

    /// The next entry; `None` is the trailer, with nothing behind it.
    pub(crate) fn entry(&mut self) -> Result<Option<Entry<'a>>, ImageError> {
        self.offset = self.next;
        self.number += 1;
        self.read().map_err(|fault| self.error(fault))
    }

    fn read(&mut self) -> Result<Option<Entry<'a>>, Fault> {
        if self.next >= self.image.len() {
            return Err(Fault::NoTrailer);
        }
        let header = self.take(HEADER, Fault::HeaderTruncated)?;
        if !header.starts_with(MAGIC) {
            return Err(Fault::BadMagic);
        }
        let fields = fields(header)?;
        let [inode, mode, _, _, links, modified, size, major, minor, _, _, name_size, _] = fields;
        let name = self.name(name_size as usize)?;
        let data = self.take(size as usize, Fault::DataTruncated)?;
        self.pad();
        if name == TRAILER {
            return if self.is_over() { Ok(None) } else { Err(Fault::AfterTrailer) };
        }
        Ok(Some(Entry { name, data, mode, modified, links, identity: [major, minor, inode] }))
    }

    fn name(&mut self, size: usize) -> Result<&'a [u8], Fault> {
        if size > LONGEST_NAME {
            return Err(Fault::NameTooLong);
        }
        let name = self.take(size, Fault::NameTruncated)?;
        self.pad();
        match name.split_last() {
            Some((0, name)) if !name.contains(&0) => Ok(name),
            _ => Err(Fault::NameUnterminated),
        }
    }

    fn take(&mut self, size: usize, fault: Fault) -> Result<&'a [u8], Fault> {
        let rest = self.image.get(self.next..).ok_or(fault)?;
        let taken = rest.get(..size).ok_or(fault)?;
        self.next += size;
        Ok(taken)
    }

    /// Moves to the next multiple of four bytes, which may lie behind the end.
    fn pad(&mut self) {
        self.next = self.next.next_multiple_of(4);
    }

    /// Whether only zeros follow.
    fn is_over(&self) -> bool {
        self.image.get(self.next..).unwrap_or_default().iter().all(|byte| *byte == 0)
    }
}

fn fields(header: &[u8]) -> Result<[u32; 13], Fault> {
    let mut fields = [0; 13];
    for (field, digits) in fields.iter_mut().zip(header[MAGIC.len()..].chunks_exact(8)) {
        *field = digits.iter().try_fold(0, |number, digit| {
            let digit = char::from(*digit).to_digit(16).ok_or(Fault::BadNumber)?;
            Ok(number << 4 | digit)
        })?;
    }
    Ok(fields)
}
