#![doc = include_str!("../README.md")]
#![no_std]

extern crate alloc;

use alloc::rc::Rc;
use alloc::vec::Vec;

pub use open_file::{Errno, Kind, OpenFile, Status};

/// A directory or file of the tree, held open by whoever holds this: where relative paths begin.
///
/// It stays what it was when its name is moved or removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// Which of the mounted file systems.
    pub mount: u32,
    /// The file's number there.
    pub node: u64,
}

/// How a file is opened (open(2)).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OpenOptions {
    /// To be read.
    pub read: bool,
    /// To be written.
    pub write: bool,
    /// Cut to nothing first (`O_TRUNC`).
    pub truncate: bool,
    /// Made where it is not there (`O_CREAT`).
    pub create: bool,
    /// Refused where it is there (`O_EXCL`).
    pub exclusive: bool,
    /// Refused where it is no directory (`O_DIRECTORY`).
    pub directory: bool,
    /// A link is not followed (`O_NOFOLLOW`).
    pub no_follow: bool,
    /// Permissions of a file that is made, the low 12 bits of `st_mode`.
    pub permissions: u16,
}

/// One tree of files. Paths are bytes without a zero byte; one that does not begin with `/` begins at `base`.
///
/// Errors are those of the Linux man page that each names.
pub trait Vfs: Copy + 'static {
    /// Where `/` is.
    fn root(&self) -> Place;

    /// Opens a file; open(2).
    fn open(&self, base: Place, path: &[u8], options: OpenOptions) -> Result<Rc<dyn OpenFile>, Errno>;

    /// What a path names; the last link is followed where `follow` says so.
    fn find(&self, base: Place, path: &[u8], follow: bool) -> Result<Place, Errno>;

    /// The path of a place from the root; getcwd(2).
    fn path(&self, place: Place) -> Result<Vec<u8>, Errno>;

    /// The place of an open file; `None` for one that is not of the tree.
    fn place(&self, file: &dyn OpenFile) -> Option<Place>;

    /// Facts about a place; stat(2).
    fn status(&self, place: Place) -> Result<Status, Errno>;

    /// Makes a directory; mkdir(2).
    fn make_directory(&self, base: Place, path: &[u8], permissions: u16) -> Result<(), Errno>;

    /// Makes a symbolic link to `target`; symlink(2).
    fn make_link(&self, target: &[u8], base: Place, path: &[u8]) -> Result<(), Errno>;

    /// The target of a link; readlink(2).
    fn read_link(&self, base: Place, path: &[u8]) -> Result<Vec<u8>, Errno>;

    /// Removes a name: of a directory where `directory` says so, as rmdir(2), else of anything else, as unlink(2).
    fn remove(&self, base: Place, path: &[u8], directory: bool) -> Result<(), Errno>;

    /// Moves a name; rename(2).
    fn rename(&self, from: (Place, &[u8]), to: (Place, &[u8])) -> Result<(), Errno>;

    /// Sets the permissions of a place; chmod(2).
    fn set_permissions(&self, place: Place, permissions: u16) -> Result<(), Errno>;

    /// Bytes of a block, blocks, and free blocks of the file system of a place; statfs(2).
    fn capacity(&self, place: Place) -> Result<(u64, u64, u64), Errno>;
}
