//! What is wrong with an archive, and where.

use core::fmt;

/// A fault with its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageError {
    /// Number of the entry, from 1.
    pub entry: usize,
    /// Where the entry's header begins, in bytes from the start of the image.
    pub offset: usize,
    /// What is wrong with it.
    pub fault: Fault,
}

/// What is wrong with an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The image ends where an entry should begin.
    NoTrailer,
    /// The image ends within the header.
    HeaderTruncated,
    /// The entry does not begin with 070701.
    BadMagic,
    /// A field has a character that is no hexadecimal digit.
    BadNumber,
    /// The name reaches beyond the image.
    NameTruncated,
    /// The name is longer than 4096 bytes.
    NameTooLong,
    /// The name does not end with its one zero byte.
    NameUnterminated,
    /// The name is absolute, or has `..`, an empty part, or one longer than 255 bytes.
    BadName,
    /// The data reach beyond the image.
    DataTruncated,
    /// Not a file, directory or symbolic link.
    BadKind,
    /// A directory with data, or a symbolic link without.
    BadSize,
    /// The name was given before.
    Duplicate,
    /// The name lies below one that is no directory.
    ParentNotADirectory,
    /// Several names of one file (hard links) have data.
    LinkedTwice,
    /// Something follows the trailer.
    AfterTrailer,
}

impl fmt::Display for ImageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "entry {} at offset {:#x}: {}", self.entry, self.offset, self.fault)
    }
}

impl core::error::Error for ImageError {}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoTrailer => "the image ends without a trailer",
            Self::HeaderTruncated => "the header ends beyond the image",
            Self::BadMagic => "it does not begin with 070701, as a cpio archive of the form newc does",
            Self::BadNumber => "a field of the header is not a hexadecimal number",
            Self::NameTruncated => "the name ends beyond the image",
            Self::NameTooLong => "the name is longer than 4096 bytes",
            Self::NameUnterminated => "the name does not end with its one zero byte",
            Self::BadName => "the name is absolute, or has `..`, an empty part, or one longer than 255 bytes",
            Self::DataTruncated => "data ends beyond the image",
            Self::BadKind => "it is neither file, directory nor symbolic link",
            Self::BadSize => "a directory has data, or a symbolic link has none",
            Self::Duplicate => "the name was given before",
            Self::ParentNotADirectory => "it lies below what is no directory",
            Self::LinkedTwice => "two names of one file have data",
            Self::AfterTrailer => "something follows the trailer",
        })
    }
}
