//! Calls that name a file by its path.

use alloc::rc::Rc;

use iface_vfs::{OpenOptions, Place, Vfs};
use linux_raw_sys::general::{
    __kernel_fsid_t, AT_EACCESS, AT_EMPTY_PATH, AT_FDCWD, AT_NO_AUTOMOUNT, AT_REMOVEDIR, AT_STATX_SYNC_TYPE,
    AT_SYMLINK_NOFOLLOW, F_OK, O_ACCMODE, O_APPEND, O_CLOEXEC, O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW,
    O_NONBLOCK, O_PATH, O_RDONLY, O_RDWR, O_TMPFILE, O_TRUNC, O_WRONLY, R_OK, RENAME_NOREPLACE, S_IFBLK,
    S_IFCHR, S_IFDIR, S_IFIFO, S_IFLNK, S_IFREG, S_IFSOCK, STATX__RESERVED, STATX_BASIC_STATS, W_OK, X_OK,
    stat, statfs, statx, statx_timestamp,
};
use open_file::{Errno, Kind, Name, OpenFile, Seek, Status};

use crate::descriptors::{Descriptor, Entry};
use crate::linux::{Linux, World};
use crate::user::{User, plain};

/// The descriptor that stands for the working directory.
pub(crate) const HERE: Descriptor = Descriptor(AT_FDCWD);
/// Names of a directory begin at multiples of this in what getdents64(2) writes.
const NAME_ALIGNMENT: usize = 8;
/// Bytes before the name there.
const NAME_OFFSET: usize = 19;
/// Flags that open(2) heeds beside `O_PATH`.
const HOLDING: u32 = O_PATH | O_CLOEXEC | O_DIRECTORY | O_NOFOLLOW;
const NANOSECONDS: u64 = 1_000_000_000;
/// Bytes that are good to read at a time (`st_blksize`).
const PREFERRED: usize = 4096;
/// What statfs(2) calls a file system that lies in memory (`RAMFS_MAGIC`).
const MEMORY_FILE_SYSTEM: i64 = 0x8584_58f6;

plain!(stat, statfs, statx);

/// Where relative paths begin.
pub(crate) struct Directory {
    pub place: Place,
    /// The directory as an open file, so that it stays where it is removed.
    _held: Option<Rc<dyn OpenFile>>,
}

impl Directory {
    /// The root, which nobody removes.
    pub fn root(vfs: impl Vfs) -> Self {
        Self { place: vfs.root(), _held: None }
    }
}

impl<W: World> Linux<W> {
    pub fn open(&self, path: User<u8>, flags: u32, permissions: u32) -> Result<Descriptor, Errno> {
        self.open_at(HERE, path, flags, permissions)
    }

    pub fn create(&self, path: User<u8>, permissions: u32) -> Result<Descriptor, Errno> {
        self.open_at(HERE, path, O_CREAT | O_WRONLY | O_TRUNC, permissions)
    }

    pub fn open_at(
        &self,
        base: Descriptor,
        path: User<u8>,
        flags: u32,
        permissions: u32,
    ) -> Result<Descriptor, Errno> {
        if flags & O_TMPFILE == O_TMPFILE {
            return Err(Errno::EOPNOTSUPP);
        }
        // Of the other flags those count alone that say what is held.
        let flags = if flags & O_PATH != 0 { flags & HOLDING } else { flags };
        if flags & O_CREAT != 0 && flags & O_DIRECTORY != 0 {
            return Err(Errno::EINVAL);
        }
        let path = self.path(path)?;
        let options = OpenOptions {
            read: matches!(flags & O_ACCMODE, O_RDONLY | O_RDWR),
            write: matches!(flags & O_ACCMODE, O_WRONLY | O_RDWR),
            truncate: flags & O_TRUNC != 0,
            create: flags & O_CREAT != 0,
            exclusive: flags & O_EXCL != 0,
            directory: flags & O_DIRECTORY != 0,
            no_follow: flags & O_NOFOLLOW != 0,
            hold: flags & O_PATH != 0,
            permissions: permissions as u16 & 0o7777 & !self.mask.get(),
        };
        let file = self.vfs.open(self.base(base, path)?, path, options)?;
        let kept = flags & (O_ACCMODE | O_APPEND | O_NONBLOCK | O_DIRECTORY | O_PATH);
        self.descriptors.borrow_mut().add(Entry::new(file, kept, flags & O_CLOEXEC != 0))
    }

    /// Where a path begins: at the directory behind a descriptor, or at the working directory. An absolute path does not ask.
    pub fn base(&self, base: Descriptor, path: &[u8]) -> Result<Place, Errno> {
        if base == HERE || path.starts_with(b"/") {
            return Ok(self.directory.borrow().place);
        }
        let file = self.held_file(base)?;
        match self.vfs.place(&*file) {
            Some(place) if file.directory().is_some() => Ok(place),
            _ => Err(Errno::ENOTDIR),
        }
    }

    pub fn find(&self, base: Descriptor, path: User<u8>, follow: bool) -> Result<Place, Errno> {
        let path = self.path(path)?;
        self.vfs.find(self.base(base, path)?, path, follow)
    }

    pub fn status_of_path(&self, path: User<u8>, to: User<stat>) -> Result<(), Errno> {
        self.store(to, to_stat(&self.vfs.status(self.find(HERE, path, true)?)?))
    }

    pub fn status_of_link(&self, path: User<u8>, to: User<stat>) -> Result<(), Errno> {
        self.store(to, to_stat(&self.vfs.status(self.find(HERE, path, false)?)?))
    }

    pub fn status_of_descriptor(&self, fd: Descriptor, to: User<stat>) -> Result<(), Errno> {
        self.store(to, to_stat(&self.held_file(fd)?.status()?))
    }

    pub fn status_at(
        &self,
        base: Descriptor,
        path: User<u8>,
        to: User<stat>,
        flags: u32,
    ) -> Result<(), Errno> {
        self.store(to, to_stat(&self.status_by_flags(base, path, flags)?))
    }

    pub fn extended_status(
        &self,
        base: Descriptor,
        path: User<u8>,
        flags: u32,
        mask: u32,
        to: User<statx>,
    ) -> Result<(), Errno> {
        if mask & STATX__RESERVED != 0 || flags & AT_STATX_SYNC_TYPE == AT_STATX_SYNC_TYPE {
            return Err(Errno::EINVAL);
        }
        self.store(to, to_statx(&self.status_by_flags(base, path, flags & !AT_STATX_SYNC_TYPE)?))
    }

    fn status_by_flags(&self, base: Descriptor, path: User<u8>, flags: u32) -> Result<Status, Errno> {
        if flags & !(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH) != 0 {
            return Err(Errno::EINVAL);
        }
        if flags & AT_EMPTY_PATH != 0 && self.path(path)?.is_empty() {
            return if base == HERE {
                self.vfs.status(self.directory.borrow().place)
            } else {
                self.held_file(base)?.status()
            };
        }
        self.vfs.status(self.find(base, path, flags & AT_SYMLINK_NOFOLLOW == 0)?)
    }

    pub fn access(&self, path: User<u8>, mode: u32) -> Result<(), Errno> {
        self.access_by_flags(HERE, path, mode, 0)
    }

    pub fn access_at(&self, base: Descriptor, path: User<u8>, mode: u32) -> Result<(), Errno> {
        self.access_by_flags(base, path, mode, 0)
    }

    /// root may all but execute what nobody may, and write what can't be written.
    pub fn access_by_flags(
        &self,
        base: Descriptor,
        path: User<u8>,
        mode: u32,
        flags: u32,
    ) -> Result<(), Errno> {
        let is_known = flags & !(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH) == 0;
        if !is_known || mode & !(R_OK | W_OK | X_OK) != 0 {
            return Err(Errno::EINVAL);
        }
        let place = self.find_by_flags(base, path, flags)?;
        if mode == F_OK {
            return Ok(());
        }
        let status = self.vfs.status(place)?;
        let is_executable = status.kind == Kind::Directory || status.permissions & 0o111 != 0;
        if mode & X_OK != 0 && !is_executable {
            return Err(Errno::EACCES);
        }
        if mode & W_OK != 0 && !self.vfs.is_writable(place)? { Err(Errno::EROFS) } else { Ok(()) }
    }

    /// The place of a path, or of the descriptor itself (`AT_EMPTY_PATH`).
    pub fn find_by_flags(&self, base: Descriptor, path: User<u8>, flags: u32) -> Result<Place, Errno> {
        if flags & AT_EMPTY_PATH != 0 && self.path(path)?.is_empty() {
            return self.place_of_descriptor(base);
        }
        self.find(base, path, flags & AT_SYMLINK_NOFOLLOW == 0)
    }

    /// The place of an open file; `EINVAL` where it has none in the tree.
    pub fn place_of_descriptor(&self, fd: Descriptor) -> Result<Place, Errno> {
        if fd == HERE {
            return Ok(self.directory.borrow().place);
        }
        self.vfs.place(&*self.held_file(fd)?).ok_or(Errno::EINVAL)
    }

    pub fn make_directory(&self, path: User<u8>, permissions: u32) -> Result<(), Errno> {
        self.make_directory_at(HERE, path, permissions)
    }

    pub fn make_directory_at(&self, base: Descriptor, path: User<u8>, permissions: u32) -> Result<(), Errno> {
        let path = self.path(path)?;
        let permissions = permissions as u16 & 0o1777 & !self.mask.get();
        self.vfs.make_directory(self.base(base, path)?, path, permissions)
    }

    pub fn remove_directory(&self, path: User<u8>) -> Result<(), Errno> {
        self.remove_at(HERE, path, AT_REMOVEDIR)
    }

    pub fn remove(&self, path: User<u8>) -> Result<(), Errno> {
        self.remove_at(HERE, path, 0)
    }

    pub fn remove_at(&self, base: Descriptor, path: User<u8>, flags: u32) -> Result<(), Errno> {
        if flags & !AT_REMOVEDIR != 0 {
            return Err(Errno::EINVAL);
        }
        let path = self.path(path)?;
        self.vfs.remove(self.base(base, path)?, path, flags & AT_REMOVEDIR != 0)
    }

    pub fn rename(&self, from: User<u8>, to: User<u8>) -> Result<(), Errno> {
        self.rename_with_flags(HERE, from, HERE, to, 0)
    }

    pub fn rename_at(
        &self,
        from: Descriptor,
        path: User<u8>,
        to: Descriptor,
        new: User<u8>,
    ) -> Result<(), Errno> {
        self.rename_with_flags(from, path, to, new, 0)
    }

    pub fn rename_with_flags(
        &self,
        from: Descriptor,
        path: User<u8>,
        to: Descriptor,
        new: User<u8>,
        flags: u32,
    ) -> Result<(), Errno> {
        // Others Linux has a file system refuse that does not have them.
        if flags & !RENAME_NOREPLACE != 0 {
            return Err(Errno::EINVAL);
        }
        let (path, new) = (self.path(path)?, self.path(new)?);
        let (from, to) = (self.base(from, path)?, self.base(to, new)?);
        if flags & RENAME_NOREPLACE != 0 && self.vfs.find(to, new, false).is_ok() {
            return Err(Errno::EEXIST);
        }
        self.vfs.rename((from, path), (to, new))
    }

    pub fn set_permissions(&self, path: User<u8>, permissions: u32) -> Result<(), Errno> {
        self.set_permissions_at(HERE, path, permissions)
    }

    pub fn set_permissions_at(
        &self,
        base: Descriptor,
        path: User<u8>,
        permissions: u32,
    ) -> Result<(), Errno> {
        self.vfs.set_permissions(self.find(base, path, true)?, permissions as u16 & 0o7777)
    }

    pub fn set_permissions_by_flags(
        &self,
        base: Descriptor,
        path: User<u8>,
        permissions: u32,
        flags: u32,
    ) -> Result<(), Errno> {
        if flags & !(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH) != 0 {
            return Err(Errno::EINVAL);
        }
        let place = self.find_by_flags(base, path, flags)?;
        // Links have no permissions of their own.
        if self.vfs.status(place)?.kind == Kind::Link {
            return Err(Errno::EOPNOTSUPP);
        }
        self.vfs.set_permissions(place, permissions as u16 & 0o7777)
    }

    pub fn set_permissions_of(&self, fd: Descriptor, permissions: u32) -> Result<(), Errno> {
        self.file(fd)?;
        self.vfs.set_permissions(self.place_of_descriptor(fd)?, permissions as u16 & 0o7777)
    }

    pub fn set_owner(&self, path: User<u8>) -> Result<(), Errno> {
        self.find(HERE, path, true).map(drop)
    }

    pub fn set_owner_of_link(&self, path: User<u8>) -> Result<(), Errno> {
        self.find(HERE, path, false).map(drop)
    }

    pub fn set_owner_of(&self, fd: Descriptor) -> Result<(), Errno> {
        self.file(fd).map(drop)
    }

    /// Who a file belongs to is not kept: there is nobody to keep out.
    pub fn set_owner_at(
        &self,
        base: Descriptor,
        path: User<u8>,
        _user: u32,
        _group: u32,
        flags: u32,
    ) -> Result<(), Errno> {
        if flags & !(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH) != 0 {
            return Err(Errno::EINVAL);
        }
        self.find_by_flags(base, path, flags).map(drop)
    }

    pub fn change_directory(&self, path: User<u8>) -> Result<(), Errno> {
        let path = self.path(path)?;
        let options = OpenOptions { read: true, directory: true, ..OpenOptions::default() };
        let file = self.vfs.open(self.base(HERE, path)?, path, options)?;
        self.change_directory_to_file(file)
    }

    pub fn change_directory_to(&self, fd: Descriptor) -> Result<(), Errno> {
        self.change_directory_to_file(self.held_file(fd)?)
    }

    fn change_directory_to_file(&self, file: Rc<dyn OpenFile>) -> Result<(), Errno> {
        let place = self.vfs.place(&*file).filter(|_| file.directory().is_some());
        let place = place.ok_or(Errno::ENOTDIR)?;
        let before = self.directory.replace(Directory { place, _held: Some(file) });
        // A file that closes may ask where paths begin: the directory is not borrowed any more.
        drop(before);
        Ok(())
    }

    /// The path with its zero byte; says how long that is.
    pub fn working_directory(&self, buffer: User<u8>, length: usize) -> Result<usize, Errno> {
        let mut path = self.vfs.path(self.directory.borrow().place)?;
        path.push(0);
        if path.len() > length {
            return Err(Errno::ERANGE);
        }
        self.bytes_mut(buffer, path.len())?.copy_from_slice(&path);
        Ok(path.len())
    }

    pub fn resize_path(&self, path: User<u8>, size: i64) -> Result<(), Errno> {
        let size = u64::try_from(size).map_err(|_| Errno::EINVAL)?;
        let path = self.path(path)?;
        let options = OpenOptions { write: true, ..OpenOptions::default() };
        self.vfs.open(self.base(HERE, path)?, path, options)?.resize(size)
    }

    pub fn names_in(&self, fd: Descriptor, buffer: User<u8>, length: usize) -> Result<usize, Errno> {
        let file = self.file(fd)?;
        let directory = file.directory().ok_or(Errno::ENOTDIR)?;
        let buffer = self.bytes_mut(buffer, length)?;
        let mut written = 0;
        while let Some(name) = directory.next_name()? {
            // Where the directory is then, and can be sought to.
            let next = file.seek(Seek::Current(0)).unwrap_or(0);
            match write_name(&mut buffer[written..], &name, next) {
                Some(taken) => written += taken,
                None => {
                    directory.put_back();
                    return if written == 0 { Err(Errno::EINVAL) } else { Ok(written) };
                }
            }
        }
        Ok(written)
    }

    pub fn capacity(&self, path: User<u8>, to: User<statfs>) -> Result<(), Errno> {
        self.capacity_at(self.find(HERE, path, true)?, to)
    }

    pub fn capacity_of(&self, fd: Descriptor, to: User<statfs>) -> Result<(), Errno> {
        self.capacity_at(self.vfs.place(&*self.held_file(fd)?).ok_or(Errno::ENOSYS)?, to)
    }

    fn capacity_at(&self, place: Place, to: User<statfs>) -> Result<(), Errno> {
        let (block, blocks, free) = self.vfs.capacity(place)?;
        self.store(
            to,
            statfs {
                f_type: MEMORY_FILE_SYSTEM,
                f_bsize: block as i64,
                f_blocks: blocks as i64,
                f_bfree: free as i64,
                f_bavail: free as i64,
                f_files: 0,
                f_ffree: 0,
                f_fsid: __kernel_fsid_t { val: [0; 2] },
                f_namelen: 255,
                f_frsize: block as i64,
                f_flags: 0,
                f_spare: [0; 4],
            },
        )
    }
}

/// A name as getdents64(2) has it (`struct linux_dirent64`), and how many bytes that takes; `None` where it does not fit.
fn write_name(buffer: &mut [u8], name: &Name, next: u64) -> Option<usize> {
    let length = (NAME_OFFSET + name.name.len() + 1).next_multiple_of(NAME_ALIGNMENT);
    let record = buffer.get_mut(..length)?;
    record.fill(0);
    record[..8].copy_from_slice(&name.inode.to_ne_bytes());
    record[8..16].copy_from_slice(&next.to_ne_bytes());
    record[16..18].copy_from_slice(&(length as u16).to_ne_bytes());
    record[18] = (kind_bits(name.kind) >> 12) as u8;
    record[NAME_OFFSET..][..name.name.len()].copy_from_slice(&name.name);
    Some(length)
}

/// `S_IFMT` of inode(7), whose upper bits are also the `d_type` of a name.
fn kind_bits(kind: Kind) -> u32 {
    match kind {
        Kind::Regular => S_IFREG,
        Kind::Directory => S_IFDIR,
        Kind::Link => S_IFLNK,
        Kind::Character => S_IFCHR,
        Kind::Block => S_IFBLK,
        Kind::Pipe => S_IFIFO,
        Kind::Socket => S_IFSOCK,
        Kind::Anonymous => 0,
    }
}

/// Device numbers as stat(2) has them (makedev(3), for numbers that fit the old form).
fn device_number((major, minor): (u32, u32)) -> u64 {
    u64::from(major << 8 | minor & 0xff)
}

fn to_stat(status: &Status) -> stat {
    let (seconds, nanoseconds) = (status.modified / NANOSECONDS, status.modified % NANOSECONDS);
    // SAFETY: the structure is numbers alone.
    let mut to: stat = unsafe { core::mem::zeroed() };
    to.st_dev = status.device;
    to.st_ino = status.inode;
    to.st_nlink = status.links.into();
    to.st_mode = kind_bits(status.kind) | u32::from(status.permissions);
    to.st_rdev = device_number(status.special);
    to.st_size = status.size as i64;
    to.st_blksize = PREFERRED as i64;
    to.st_blocks = status.size.div_ceil(512) as i64;
    (to.st_atime, to.st_atime_nsec) = (seconds, nanoseconds);
    (to.st_mtime, to.st_mtime_nsec) = (seconds, nanoseconds);
    (to.st_ctime, to.st_ctime_nsec) = (seconds, nanoseconds);
    to
}

fn to_statx(status: &Status) -> statx {
    let time = statx_timestamp {
        tv_sec: (status.modified / NANOSECONDS) as i64,
        tv_nsec: (status.modified % NANOSECONDS) as u32,
        __reserved: 0,
    };
    // SAFETY: the structure is numbers alone.
    let mut to: statx = unsafe { core::mem::zeroed() };
    to.stx_mask = STATX_BASIC_STATS;
    to.stx_blksize = PREFERRED as u32;
    to.stx_nlink = status.links;
    to.stx_mode = kind_bits(status.kind) as u16 | status.permissions;
    to.stx_ino = status.inode;
    to.stx_size = status.size;
    to.stx_blocks = status.size.div_ceil(512);
    (to.stx_atime, to.stx_ctime, to.stx_mtime) = (time, time, time);
    (to.stx_rdev_major, to.stx_rdev_minor) = status.special;
    to.stx_dev_minor = status.device as u32;
    to
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    #[test]
    fn names_are_records_of_whole_words() {
        let name = Name { name: Vec::from(*b"index.html"), inode: 7, kind: Kind::Regular };
        let mut buffer = [0xff; 64];
        assert_eq!(write_name(&mut buffer, &name, 5), Some(32));
        assert_eq!(buffer[..8], 7_u64.to_ne_bytes());
        assert_eq!(buffer[8..16], 5_u64.to_ne_bytes());
        assert_eq!((buffer[16], buffer[18]), (32, 8));
        assert_eq!(&buffer[19..30], b"index.html\0");
        assert_eq!(write_name(&mut buffer[..31], &name, 5), None);
    }

    #[test]
    fn status_has_kind_and_permissions_in_one() {
        let status = Status {
            kind: Kind::Directory,
            permissions: 0o755,
            inode: 3,
            device: 2,
            special: (0, 0),
            links: 2,
            size: 513,
            modified: 1_500_000_000,
        };
        let stat = to_stat(&status);
        assert_eq!(
            (stat.st_mode, stat.st_blocks, stat.st_mtime, stat.st_mtime_nsec),
            (0o040_755, 2, 1, 500_000_000)
        );
        let statx = to_statx(&status);
        assert_eq!(
            (statx.stx_mode, statx.stx_mtime.tv_sec, statx.stx_mtime.tv_nsec),
            (0o040_755, 1, 500_000_000)
        );
    }
}
