#![doc = include_str!("../README.md")]
#![no_std]

extern crate alloc;

pub mod conformance;
pub mod fake;
mod lookup;
mod object;

use alloc::vec::Vec;

pub use object::AnyFileSystem;

/// Names a file or directory of one file system for as long as that is mounted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Node(pub u64);

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A file of bytes.
    File,
    /// A directory.
    Directory,
    /// A symbolic link; its bytes are the target.
    Link,
}

/// Facts about a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metadata {
    /// What it is.
    pub kind: Kind,
    /// Length in bytes: of the file, of the link's target; 0 for a directory.
    pub size: u64,
    /// Last change, in seconds since 1970-01-01 00:00 UTC.
    pub modified: u64,
    /// Permission bits as in `st_mode` (POSIX.1-2017, `<sys/stat.h>`), the low 12.
    pub mode: u16,
}

/// How much a file system holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capacity {
    /// All of it, in bytes.
    pub total: u64,
    /// What is still free, in bytes.
    pub free: u64,
}

/// One name in a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectoryEntry {
    /// The name, without `/`; never `.` or `..`.
    pub name: Vec<u8>,
    /// What it names.
    pub node: Node,
    /// What that is.
    pub kind: Kind,
}

/// Why a file-system operation failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileError {
    /// No such name.
    NotFound,
    /// The name is taken.
    Exists,
    /// A directory was needed and this is none.
    NotADirectory,
    /// A file was needed and this is a directory.
    IsADirectory,
    /// The directory still holds names.
    NotEmpty,
    /// The file system, or this part of it, cannot be changed.
    ReadOnly,
    /// No room for more.
    NoSpace,
    /// A name is empty, longer than 255 bytes, `.` or `..`, or holds `/` or a zero byte.
    InvalidName,
    /// Links lead to links more than 40 times.
    TooManyLinks,
    /// The file system has nothing of this kind, such as a link, or a second name for a file.
    Unsupported,
    /// What is stored is malformed.
    Corrupt,
    /// The disk below failed.
    DiskFailed,
}

impl core::fmt::Display for FileError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::NotFound => "no such file or directory",
            Self::Exists => "the name exists",
            Self::NotADirectory => "not a directory",
            Self::IsADirectory => "is a directory",
            Self::NotEmpty => "the directory is not empty",
            Self::ReadOnly => "the file system is read-only",
            Self::NoSpace => "no space left",
            Self::InvalidName => "invalid name",
            Self::TooManyLinks => "too many symbolic links",
            Self::Unsupported => "the file system has nothing of this kind",
            Self::Corrupt => "the file system is corrupt",
            Self::DiskFailed => "the disk failed",
        })
    }
}

impl core::error::Error for FileError {}

/// A tree of files and directories.
///
/// The operations that change something have a body here that answers [`FileError::ReadOnly`]; a writable file
/// system writes its own, and says so by [`is_writable`](FileSystem::is_writable).
pub trait FileSystem: Copy + 'static {
    /// The directory that holds all others.
    fn root(&self) -> Node;

    /// What `name` names in `directory`, links not followed. `name` is one name, without `/`.
    fn child(&self, directory: Node, name: &[u8]) -> Result<Node, FileError>;

    /// Facts about `node`.
    fn metadata(&self, node: Node) -> Result<Metadata, FileError>;

    /// Reads from byte `offset` of a file (or of a link's target) into `buffer`, and says how many bytes; fewer
    /// than asked only at the end.
    fn read(&self, node: Node, offset: u64, buffer: &mut [u8]) -> Result<usize, FileError>;

    /// The whole of a file where it lies in memory and never changes, so that it need not be copied.
    fn bytes(&self, node: Node) -> Option<&'static [u8]>;

    /// The entry at position `index` of a directory; `None` after the last. The order is the file system's own and
    /// stays while the directory is unchanged.
    fn entry(&self, directory: Node, index: usize) -> Result<Option<DirectoryEntry>, FileError>;

    /// What an absolute or relative path names from the root, `.`, `..` and links followed; `..` stops at the root.
    /// An empty path names nothing.
    fn lookup(&self, path: &[u8]) -> Result<Node, FileError> {
        lookup::lookup(*self, path)
    }

    /// Whether anything in it can be changed at all.
    fn is_writable(&self) -> bool {
        false
    }

    /// Makes an empty file or directory called `name`, or a link whose target is empty.
    fn create(&self, directory: Node, name: &[u8], kind: Kind, mode: u16) -> Result<Node, FileError> {
        let _ = (directory, name, kind, mode);
        Err(FileError::ReadOnly)
    }

    /// Writes all of `bytes` at byte `offset`; a gap that this leaves reads as zeros.
    fn write(&self, node: Node, offset: u64, bytes: &[u8]) -> Result<(), FileError> {
        let _ = (node, offset, bytes);
        Err(FileError::ReadOnly)
    }

    /// Cuts a file to `size` bytes, or fills it up with zeros.
    fn resize(&self, node: Node, size: u64) -> Result<(), FileError> {
        let _ = (node, size);
        Err(FileError::ReadOnly)
    }

    /// Gives a file or link a further name; a directory has one alone ([`FileError::IsADirectory`]). Where no file has
    /// several, that is [`FileError::Unsupported`].
    fn link(&self, node: Node, to: (Node, &[u8])) -> Result<(), FileError> {
        let _ = (node, to);
        Err(if self.is_writable() { FileError::Unsupported } else { FileError::ReadOnly })
    }

    /// How many names a file or link has; `None` where that is not counted.
    fn links(&self, node: Node) -> Option<u32> {
        let _ = node;
        None
    }

    /// Removes a name. A file stays readable through its [`Node`] until [`forget`](FileSystem::forget).
    fn remove(&self, directory: Node, name: &[u8]) -> Result<(), FileError> {
        let _ = (directory, name);
        Err(FileError::ReadOnly)
    }

    /// Moves a name, and replaces a file that has the new one, which then is as one removed. A directory replaces
    /// nothing and is not replaced; moved below itself it is [`FileError::InvalidName`].
    fn rename(&self, from: (Node, &[u8]), to: (Node, &[u8])) -> Result<(), FileError> {
        let _ = (from, to);
        Err(FileError::ReadOnly)
    }

    /// Says that a removed node is in use no longer. Nothing happens to a node that still has a name.
    fn forget(&self, node: Node) {
        let _ = node;
    }

    /// Sets the permission bits of a node, the low 12 of `st_mode`.
    fn set_mode(&self, node: Node, mode: u16) -> Result<(), FileError> {
        let _ = (node, mode);
        Err(FileError::ReadOnly)
    }

    /// Dates the last change of a node, in seconds since 1970-01-01 00:00 UTC.
    fn set_modified(&self, node: Node, seconds: u64) -> Result<(), FileError> {
        let _ = (node, seconds);
        Err(FileError::ReadOnly)
    }

    /// Returns when all that was changed lies where it outlasts the image; at once where nothing does.
    fn synchronize(&self) -> Result<(), FileError> {
        Ok(())
    }

    /// How much it holds; `None` where that cannot be said.
    fn capacity(&self) -> Option<Capacity> {
        None
    }
}
