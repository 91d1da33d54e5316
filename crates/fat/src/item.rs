//! What is known of a file or directory.

use alloc::{boxed::Box, string::String};
use core::ops::Range;

use hadris_fat_raw::{ATTR_ARCHIVE, ATTR_DIRECTORY, ATTR_READ_ONLY, ShortEntry};
use iface_filesystem::{Kind, Metadata};

use crate::{dates, directory::Directory};

/// `S_IWUSR`.
const OWNER_WRITES: u16 = 0o200;
/// What FAT keeps of permissions is whether there may be writing.
const WRITE_BITS: u16 = 0o222;

/// A file or directory, for as long as it has a name or is in use.
#[derive(Debug)]
pub(crate) struct Item {
    /// The directory that it is or was in.
    pub(crate) parent: u64,
    pub(crate) name: String,
    /// Its slots there; none of the root, and of what was removed.
    pub(crate) slots: Option<Range<u32>>,
    /// The last of them, as it is to be.
    pub(crate) entry: ShortEntry,
    mode: u16,
    /// What is in it, where it is a directory that was looked into.
    pub(crate) directory: Option<Box<Directory>>,
}

impl Item {
    /// What a disk has under this name.
    pub(crate) fn found(parent: u64, name: String, slots: Option<Range<u32>>, entry: ShortEntry) -> Self {
        let mode = if entry.is_dir() { 0o755 } else { 0o644 };
        let is_read_only = !entry.is_dir() && entry.attributes() & ATTR_READ_ONLY != 0;
        let mode = if is_read_only { mode & !WRITE_BITS } else { mode };
        Self { parent, name, slots, entry, mode, directory: None }
    }

    /// A new one without a place.
    pub(crate) fn new(parent: u64, name: &str, kind: Kind, mode: u16, now: u64) -> Self {
        let attributes = if kind == Kind::Directory { ATTR_DIRECTORY } else { ATTR_ARCHIVE };
        let mut entry = ShortEntry::new([b' '; 11], attributes);
        let (date, time) = dates::to_fat(now);
        entry.set_created(date, time, 0);
        entry.set_accessed_date(date);
        entry.set_modified(date, time);
        let mut item = Self { parent, name: name.into(), slots: None, entry, mode, directory: None };
        item.set_mode(mode);
        item
    }

    pub(crate) fn kind(&self) -> Kind {
        if self.entry.is_dir() { Kind::Directory } else { Kind::File }
    }

    pub(crate) fn metadata(&self) -> Metadata {
        let size = if self.entry.is_dir() { 0 } else { self.entry.size() };
        let modified = dates::from_fat(self.entry.modified());
        Metadata { kind: self.kind(), size: size.into(), modified, mode: self.mode }
    }

    pub(crate) fn set_modified(&mut self, seconds: u64) {
        let (date, time) = dates::to_fat(seconds);
        self.entry.set_modified(date, time);
    }

    pub(crate) fn set_mode(&mut self, mode: u16) {
        self.mode = mode;
        // For directories the bit means something else.
        if !self.entry.is_dir() {
            let others = self.entry.attributes() & !ATTR_READ_ONLY;
            let own = if mode & OWNER_WRITES == 0 { ATTR_READ_ONLY } else { 0 };
            self.entry.set_attributes(others | own);
        }
    }
}
