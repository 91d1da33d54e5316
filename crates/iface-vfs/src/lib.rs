#![doc = include_str!("../README.md")]
#![no_std]

extern crate alloc;

use alloc::rc::Rc;
use alloc::vec::Vec;
use core::net::IpAddr;

pub use open_file::{Errno, Kind, OpenFile, Status};

/// The release of Linux whose system calls these are, as uname(2) and `/proc` tell it: libraries decide by it what they may
/// call.
pub const RELEASE: &str = "6.1.0";

/// What the machine is called where its command line has no `hostname=`.
pub const HOST_NAME: &str = "unicore";

/// A directory or file of the tree, held open by whoever holds this: where relative paths begin.
///
/// It stays what it was when its name is moved or removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
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
    /// Only held, to be neither read nor written, whatever it is (`O_PATH`).
    pub hold: bool,
    /// Permissions of a file that is made, the low 12 bits of `st_mode`.
    pub permissions: u16,
}

/// What the process knows and a tree shows of it, in `/proc/self`, as `/dev/fd` and in `/etc/resolv.conf`.
pub trait Process {
    /// Its arguments, its own name first.
    fn arguments(&self) -> Vec<Vec<u8>>;

    /// Its environment, each `NAME=value`.
    fn environment(&self) -> Vec<Vec<u8>>;

    /// Its name, 15 bytes at most (`comm`).
    fn name(&self) -> Vec<u8>;

    /// How many threads it has.
    fn threads(&self) -> usize;

    /// The directory in which its relative paths begin.
    fn directory(&self) -> Place;

    /// What it has mapped, lines as proc_pid_maps(5) says.
    fn maps(&self) -> Vec<u8>;

    /// Most descriptors that it may have (`RLIMIT_NOFILE`).
    fn most_descriptors(&self) -> usize;

    /// The numbers of its descriptors, in order.
    fn descriptors(&self) -> Vec<u32>;

    /// What a descriptor stands for; `None` where there is none of that number.
    fn file(&self, descriptor: u32) -> Option<Rc<dyn OpenFile>>;

    /// Name servers that its network knows now, in the order in which they are asked.
    fn name_servers(&self) -> Vec<IpAddr>;
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

    /// Makes the file of a socket, and holds it; bind(2) under unix(7).
    fn make_socket(&self, base: Place, path: &[u8], permissions: u16) -> Result<Rc<dyn OpenFile>, Errno>;

    /// Makes a symbolic link to `target`; symlink(2).
    fn make_link(&self, target: &[u8], base: Place, path: &[u8]) -> Result<(), Errno>;

    /// The target of a link; readlink(2).
    fn read_link(&self, base: Place, path: &[u8]) -> Result<Vec<u8>, Errno>;

    /// Gives a file a further name; link(2), where `from` is what was found under the old one.
    fn link(&self, from: Place, base: Place, path: &[u8]) -> Result<(), Errno>;

    /// Removes a name: of a directory where `directory` says so, as rmdir(2), else of anything else, as unlink(2).
    fn remove(&self, base: Place, path: &[u8], directory: bool) -> Result<(), Errno>;

    /// Moves a name; rename(2).
    fn rename(&self, from: (Place, &[u8]), to: (Place, &[u8])) -> Result<(), Errno>;

    /// Sets the permissions of a place; chmod(2).
    fn set_permissions(&self, place: Place, permissions: u16) -> Result<(), Errno>;

    /// Dates the last change of a place, in nanoseconds since 1970-01-01 00:00 UTC; utimensat(2).
    fn set_modified(&self, place: Place, nanoseconds: u64) -> Result<(), Errno>;

    /// Whether a place can be changed at all, whatever its permissions: devices always, other files by their file system.
    fn is_writable(&self, place: Place) -> Result<bool, Errno>;

    /// Returns when all that was changed lies where it outlasts the image; sync(2).
    fn synchronize(&self) -> Result<(), Errno>;

    /// Has the tree show `process` as the one that looks at it. Before, it shows one without arguments and descriptors.
    fn set_process(&self, process: &'static dyn Process);

    /// Bytes of a block, blocks, and free blocks of the file system of a place; statfs(2).
    fn capacity(&self, place: Place) -> Result<(u64, u64, u64), Errno>;
}
