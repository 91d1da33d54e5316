//! The same operations on the tree and on Linux itself.

use std::ffi::OsStr;
use std::format;
use std::fs::DirBuilder;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::string::String;
use std::vec::Vec;

use alloc::rc::Rc;

use iface_vfs::{Errno, Kind, OpenFile, OpenOptions, Place, Status, Vfs};
use open_file::Seek;
use rustix::fd::OwnedFd;
use rustix::fs::{self, AtFlags, FileType, Mode, OFlags, SeekFrom};

/// Most files that are open at once.
pub(super) const SLOTS: usize = 3;

/// What both worlds do. Paths begin in a directory of the world's own; a slot is a file that was opened before.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Open(usize, String, OpenOptions),
    Close(usize),
    Read(usize, usize),
    ReadAt(usize, u64, usize),
    Write(usize, usize),
    WriteAt(usize, u64, usize),
    Seek(usize, Seek),
    Resize(usize, u64),
    StatusOf(usize),
    NamesOf(usize),
    Status(String, bool),
    MakeDirectory(String),
    MakeLink(String, String),
    Link(String, String),
    ReadLink(String),
    Remove(String, bool),
    Rename(String, String),
    SetPermissions(String, u16),
    SetModified(String, u64),
    OpenBelow(usize, String),
}

/// What came of a step, in words, or Linux's number of an error.
pub(super) type Outcome = Result<String, i32>;

pub(super) trait World {
    fn step(&mut self, step: &Step) -> Outcome;
}

/// Bytes that a step writes.
fn bytes(length: usize) -> Vec<u8> {
    (b'a'..=b'z').cycle().take(length).collect()
}

fn shown(bytes: &[u8]) -> String {
    format!("{} {}", bytes.len(), bytes.escape_ascii())
}

/// Facts that both tell alike: those of a directory about its size and names are the file system's own.
fn facts(kind: Kind, permissions: u16, links: u64, size: u64) -> String {
    match kind {
        Kind::Directory => format!("{kind:?} {permissions:o}"),
        Kind::Link => format!("{kind:?} {links} {size}"),
        _ => format!("{kind:?} {permissions:o} {links} {size}"),
    }
}

fn listed(mut names: Vec<(Vec<u8>, Kind)>) -> String {
    names.sort_by(|a, b| a.0.cmp(&b.0));
    names.iter().map(|(name, kind)| format!("{} {kind:?}, ", name.escape_ascii())).collect()
}

/// The tree.
pub(super) struct Ours<V> {
    pub vfs: V,
    pub base: Place,
    files: [Option<Rc<dyn OpenFile>>; SLOTS],
}

impl<V: Vfs> Ours<V> {
    pub fn new(vfs: V, base: Place) -> Self {
        Self { vfs, base, files: Default::default() }
    }

    fn file(&self, slot: usize) -> Result<&Rc<dyn OpenFile>, Errno> {
        self.files[slot].as_ref().ok_or(Errno::EBADF)
    }

    fn attempt(&mut self, step: &Step) -> Result<String, Errno> {
        let (vfs, base) = (self.vfs, self.base);
        let done = |()| String::new();
        match step {
            Step::Open(slot, path, options) => {
                self.files[*slot] = None;
                self.files[*slot] = Some(vfs.open(base, path.as_bytes(), *options)?);
                Ok(String::new())
            }
            Step::OpenBelow(slot, path) => {
                let place = vfs.place(&**self.file(*slot)?).expect("a file of the tree");
                vfs.open(place, path.as_bytes(), super::READ).map(|_| String::new())
            }
            Step::Close(slot) => Ok(format!("{}", self.files[*slot].take().is_some())),
            Step::Read(slot, length) => read(*length, |buffer| self.file(*slot)?.read(buffer)),
            Step::ReadAt(slot, offset, length) => {
                read(*length, |buffer| self.file(*slot)?.read_at(*offset, buffer))
            }
            Step::Write(slot, length) => {
                self.file(*slot)?.write(&bytes(*length)).map(|count| format!("{count}"))
            }
            Step::WriteAt(slot, offset, length) => {
                self.file(*slot)?.write_at(*offset, &bytes(*length)).map(|count| format!("{count}"))
            }
            Step::Seek(slot, to) => {
                let file = self.file(*slot)?;
                // Positions in directories are the file system's own.
                if file.directory().is_some() {
                    return Ok(String::new());
                }
                file.seek(*to).map(|position| format!("{position}"))
            }
            Step::Resize(slot, size) => self.file(*slot)?.resize(*size).map(done),
            Step::StatusOf(slot) => self.file(*slot)?.status().map(status),
            Step::NamesOf(slot) => {
                let file = self.file(*slot)?;
                let directory = file.directory().ok_or(Errno::ENOTDIR)?;
                file.seek(Seek::Start(0))?;
                let mut names = Vec::new();
                while let Some(name) = directory.next_name()? {
                    names.push((name.name, name.kind));
                }
                Ok(listed(names))
            }
            Step::Status(path, follow) => vfs.status(vfs.find(base, path.as_bytes(), *follow)?).map(status),
            Step::MakeDirectory(path) => vfs.make_directory(base, path.as_bytes(), 0o700).map(done),
            Step::MakeLink(target, path) => vfs.make_link(target.as_bytes(), base, path.as_bytes()).map(done),
            Step::Link(from, to) => {
                vfs.link(vfs.find(base, from.as_bytes(), false)?, base, to.as_bytes()).map(done)
            }
            Step::ReadLink(path) => vfs.read_link(base, path.as_bytes()).map(|target| shown(&target)),
            Step::Remove(path, directory) => vfs.remove(base, path.as_bytes(), *directory).map(done),
            Step::Rename(from, to) => vfs.rename((base, from.as_bytes()), (base, to.as_bytes())).map(done),
            Step::SetPermissions(path, permissions) => {
                vfs.set_permissions(vfs.find(base, path.as_bytes(), true)?, *permissions).map(done)
            }
            Step::SetModified(path, seconds) => {
                let place = vfs.find(base, path.as_bytes(), true)?;
                vfs.set_modified(place, seconds * 1_000_000_000)?;
                Ok(format!("{}", vfs.status(place)?.modified / 1_000_000_000))
            }
        }
    }
}

fn status(status: Status) -> String {
    facts(status.kind, status.permissions, status.links.into(), status.size)
}

fn read(length: usize, read: impl FnOnce(&mut [u8]) -> Result<usize, Errno>) -> Result<String, Errno> {
    let mut buffer = std::vec![0; length];
    let count = read(&mut buffer)?;
    Ok(shown(&buffer[..count]))
}

impl<V: Vfs> World for Ours<V> {
    fn step(&mut self, step: &Step) -> Outcome {
        self.attempt(step).map_err(|errno| -errno.returned() as i32)
    }
}

/// A directory of the machine, removed at the end.
pub(super) struct Theirs {
    top: PathBuf,
    base: OwnedFd,
    files: [Option<OwnedFd>; SLOTS],
}

impl Theirs {
    /// `name` is that of the test.
    pub fn new(name: &str) -> Self {
        let top = std::env::temp_dir().join(format!("vfs-{}-{name}", std::process::id()));
        // Deep enough that no `..` of a step leads out.
        let deep = top.join("1/2/3/4/5");
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&deep);
        made.expect("a directory for the test");
        let base = fs::open(&deep, OFlags::DIRECTORY, Mode::empty()).expect("that directory");
        Self { top, base, files: Default::default() }
    }

    fn file(&self, slot: usize) -> Result<&OwnedFd, rustix::io::Errno> {
        self.files[slot].as_ref().ok_or(rustix::io::Errno::BADF)
    }

    fn attempt(&mut self, step: &Step) -> Result<String, rustix::io::Errno> {
        let base = &self.base;
        let done = |()| String::new();
        match step {
            Step::Open(slot, path, options) => {
                self.files[*slot] = None;
                let mode = Mode::from_raw_mode(options.permissions.into());
                self.files[*slot] = Some(fs::openat(base, at(path), flags(*options), mode)?);
                Ok(String::new())
            }
            Step::OpenBelow(slot, path) => {
                fs::openat(self.file(*slot)?, at(path), OFlags::RDONLY, Mode::empty()).map(|_| String::new())
            }
            Step::Close(slot) => Ok(format!("{}", self.files[*slot].take().is_some())),
            Step::Read(slot, length) => {
                let mut buffer = std::vec![0; *length];
                let count = rustix::io::read(self.file(*slot)?, &mut buffer[..])?;
                Ok(shown(&buffer[..count]))
            }
            Step::ReadAt(slot, offset, length) => {
                let mut buffer = std::vec![0; *length];
                let count = rustix::io::pread(self.file(*slot)?, &mut buffer[..], *offset)?;
                Ok(shown(&buffer[..count]))
            }
            Step::Write(slot, length) => {
                rustix::io::write(self.file(*slot)?, &bytes(*length)).map(|count| format!("{count}"))
            }
            Step::WriteAt(slot, offset, length) => {
                rustix::io::pwrite(self.file(*slot)?, &bytes(*length), *offset)
                    .map(|count| format!("{count}"))
            }
            Step::Seek(slot, to) => {
                let file = self.file(*slot)?;
                if kind(fs::fstat(file)?.st_mode) == Kind::Directory {
                    return Ok(String::new());
                }
                let to = match *to {
                    Seek::Start(offset) => SeekFrom::Start(offset),
                    Seek::Current(by) => SeekFrom::Current(by),
                    Seek::End(by) => SeekFrom::End(by),
                };
                fs::seek(file, to).map(|position| format!("{position}"))
            }
            Step::Resize(slot, size) => fs::ftruncate(self.file(*slot)?, *size).map(done),
            Step::StatusOf(slot) => fs::fstat(self.file(*slot)?).map(stat),
            Step::NamesOf(slot) => {
                let file = self.file(*slot)?;
                if kind(fs::fstat(file)?.st_mode) != Kind::Directory {
                    return Err(rustix::io::Errno::NOTDIR);
                }
                fs::seek(file, SeekFrom::Start(0))?;
                let (mut names, mut buffer) =
                    (Vec::new(), [const { core::mem::MaybeUninit::uninit() }; 4096]);
                let mut entries = fs::RawDir::new(file, &mut buffer);
                while let Some(entry) = entries.next() {
                    let entry = entry?;
                    names.push((entry.file_name().to_bytes().into(), of_type(entry.file_type())));
                }
                // Behind the last name ext4 is where no read may begin, which then says EINVAL in place of EISDIR.
                fs::seek(file, SeekFrom::Start(0))?;
                Ok(listed(names))
            }
            Step::Status(path, follow) => fs::statat(base, at(path), following(*follow)).map(stat),
            Step::MakeDirectory(path) => fs::mkdirat(base, at(path), Mode::RWXU).map(done),
            Step::MakeLink(target, path) => fs::symlinkat(at(target), base, at(path)).map(done),
            Step::Link(from, to) => fs::linkat(base, at(from), base, at(to), AtFlags::empty()).map(done),
            Step::ReadLink(path) => {
                fs::readlinkat(base, at(path), Vec::new()).map(|target| shown(target.to_bytes()))
            }
            Step::Remove(path, directory) => {
                let flags = if *directory { AtFlags::REMOVEDIR } else { AtFlags::empty() };
                fs::unlinkat(base, at(path), flags).map(done)
            }
            Step::Rename(from, to) => fs::renameat(base, at(from), base, at(to)).map(done),
            Step::SetPermissions(path, permissions) => {
                let mode = Mode::from_raw_mode((*permissions).into());
                fs::chmodat(base, at(path), mode, AtFlags::empty()).map(done)
            }
            Step::SetModified(path, seconds) => {
                let time = fs::Timespec { tv_sec: *seconds as i64, tv_nsec: 0 };
                let times = fs::Timestamps { last_access: time, last_modification: time };
                fs::utimensat(base, at(path), &times, AtFlags::empty())?;
                fs::statat(base, at(path), AtFlags::empty()).map(|stat| format!("{}", stat.st_mtime))
            }
        }
    }
}

impl World for Theirs {
    fn step(&mut self, step: &Step) -> Outcome {
        self.attempt(step).map_err(|errno| errno.raw_os_error())
    }
}

impl Drop for Theirs {
    fn drop(&mut self) {
        // What stays is in the machine's directory for such things.
        let _ = std::fs::remove_dir_all(&self.top);
    }
}

fn at(path: &str) -> &Path {
    Path::new(OsStr::from_bytes(path.as_bytes()))
}

fn following(follow: bool) -> AtFlags {
    if follow { AtFlags::empty() } else { AtFlags::SYMLINK_NOFOLLOW }
}

fn flags(options: OpenOptions) -> OFlags {
    let access = match (options.read, options.write) {
        (true, true) => OFlags::RDWR,
        (false, true) => OFlags::WRONLY,
        _ => OFlags::RDONLY,
    };
    let all = [
        (options.truncate, OFlags::TRUNC),
        (options.create, OFlags::CREATE),
        (options.exclusive, OFlags::EXCL),
        (options.directory, OFlags::DIRECTORY),
        (options.no_follow, OFlags::NOFOLLOW),
    ];
    all.into_iter().filter(|(is_set, _)| *is_set).fold(access, |flags, (_, flag)| flags | flag)
}

fn kind(mode: u32) -> Kind {
    of_type(FileType::from_raw_mode(mode))
}

fn of_type(of: FileType) -> Kind {
    match of {
        FileType::Directory => Kind::Directory,
        FileType::Symlink => Kind::Link,
        _ => Kind::Regular,
    }
}

fn stat(stat: fs::Stat) -> String {
    facts(kind(stat.st_mode), stat.st_mode as u16 & 0o7777, stat.st_nlink, stat.st_size as u64)
}
