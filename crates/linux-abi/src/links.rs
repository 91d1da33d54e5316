//! Calls that give a file a name: links, and special files.

use iface_vfs::{OpenOptions, Vfs};
use linux_raw_sys::general::{
    AT_EMPTY_PATH, AT_SYMLINK_FOLLOW, S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFMT, S_IFREG, S_IFSOCK,
};
use open_file::{Errno, Kind};

use crate::descriptors::Descriptor;
use crate::linux::{Linux, World};
use crate::paths::HERE;
use crate::user::User;

impl<W: World> Linux<W> {
    pub fn make_link(&self, target: User<u8>, path: User<u8>) -> Result<(), Errno> {
        self.make_link_at(target, HERE, path)
    }

    pub fn make_link_at(&self, target: User<u8>, base: Descriptor, path: User<u8>) -> Result<(), Errno> {
        let (target, path) = (self.path(target)?, self.path(path)?);
        if target.is_empty() {
            return Err(Errno::ENOENT);
        }
        self.vfs.make_link(target, self.base(base, path)?, path)
    }

    pub fn read_link(&self, path: User<u8>, buffer: User<u8>, length: usize) -> Result<usize, Errno> {
        self.read_link_at(HERE, path, buffer, length)
    }

    pub fn read_link_at(
        &self,
        base: Descriptor,
        path: User<u8>,
        buffer: User<u8>,
        length: usize,
    ) -> Result<usize, Errno> {
        if length == 0 || isize::try_from(length).is_err() {
            return Err(Errno::EINVAL);
        }
        let path = self.path(path)?;
        let target = self.vfs.read_link(self.base(base, path)?, path)?;
        let taken = target.len().min(length);
        self.bytes_mut(buffer, taken)?.copy_from_slice(&target[..taken]);
        Ok(taken)
    }

    pub fn link(&self, from: User<u8>, to: User<u8>) -> Result<(), Errno> {
        self.link_at(HERE, from, HERE, to, 0)
    }

    pub fn link_at(
        &self,
        from: Descriptor,
        path: User<u8>,
        to: Descriptor,
        new: User<u8>,
        flags: u32,
    ) -> Result<(), Errno> {
        if flags & !(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH) != 0 {
            return Err(Errno::EINVAL);
        }
        let found = if flags & AT_EMPTY_PATH != 0 && self.path(path)?.is_empty() {
            self.place_of_descriptor(from)?
        } else {
            self.find(from, path, flags & AT_SYMLINK_FOLLOW != 0)?
        };
        let new = self.path(new)?;
        if self.vfs.status(found)?.kind == Kind::Directory {
            return Err(Errno::EPERM);
        }
        self.vfs.link(found, self.base(to, new)?, new)
    }

    pub fn make_node(&self, path: User<u8>, mode: u32) -> Result<(), Errno> {
        self.make_node_at(HERE, path, mode)
    }

    /// A regular file; others no file system here holds.
    pub fn make_node_at(&self, base: Descriptor, path: User<u8>, mode: u32) -> Result<(), Errno> {
        let path = self.path(path)?;
        let base = self.base(base, path)?;
        match mode & S_IFMT {
            0 | S_IFREG => {
                let permissions = mode as u16 & 0o7777 & !self.mask.get();
                let options =
                    OpenOptions { create: true, exclusive: true, permissions, ..OpenOptions::default() };
                self.vfs.open(base, path, options).map(drop)
            }
            S_IFIFO | S_IFSOCK | S_IFCHR | S_IFBLK => match self.vfs.find(base, path, false) {
                Ok(_) => Err(Errno::EEXIST),
                Err(Errno::ENOENT) => Err(Errno::EPERM),
                Err(errno) => Err(errno),
            },
            S_IFDIR => Err(Errno::EPERM),
            _ => Err(Errno::EINVAL),
        }
    }
}
