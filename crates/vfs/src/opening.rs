//! Opening files (open(2)).

use alloc::rc::Rc;

use iface_vfs::{Errno, Kind, OpenFile, OpenOptions, Place};

use crate::handle::Handle;
use crate::held::Held;
use crate::listing::Listing;
use crate::memo::End;
use crate::tree::Tree;
use crate::volume::Access;
use crate::walk::{Last, Walk};

impl Tree {
    pub fn open(
        &'static self,
        base: Place,
        path: &[u8],
        options: OpenOptions,
    ) -> Result<Rc<dyn OpenFile>, Errno> {
        if options.create && options.directory {
            return Err(Errno::EINVAL);
        }
        // What a path leads to otherwise is the same for each of these.
        let is_plain = !(options.create || options.directory || options.no_follow);
        if is_plain && let Some(end) = self.memo.get(base, path) {
            return self.open_found(end.place, (end.parent, b""), options);
        }
        let mut walk = Walk::new(self, base, path)?;
        loop {
            let name = match walk.last()? {
                Last::Name(name) => name,
                Last::Above => {
                    let above = self.parent(walk.place)?;
                    return self.open_found(above, (above, b""), options);
                }
                Last::Here | Last::Root => {
                    return self.open_found(walk.place, (walk.parent, b""), options);
                }
            };
            if options.create && walk.has_slash() {
                return Err(Errno::EISDIR);
            }
            let entry = (walk.place, walk.text(&name));
            let found = match self.step(entry.0, entry.1) {
                Err(Errno::ENOENT) if options.create => return self.open_new(entry, options),
                found => found?,
            };
            if options.create && options.exclusive {
                return Err(Errno::EEXIST);
            }
            if self.kind(found)? != Kind::Link {
                let directory = options.directory || walk.has_slash();
                if is_plain && !directory && walk.is_fixed && self.mounted(found).is_fixed() {
                    self.memo.set(base, path, End { place: found, parent: entry.0 });
                }
                return self.open_found(found, entry, OpenOptions { directory, ..options });
            }
            if options.no_follow && !walk.has_slash() {
                if options.hold {
                    return self.open_found(found, entry, options);
                }
                return Err(if options.directory { Errno::ENOTDIR } else { Errno::ELOOP });
            }
            walk.follow(found)?;
        }
    }

    fn open_new(
        &'static self,
        (directory, name): (Place, &[u8]),
        options: OpenOptions,
    ) -> Result<Rc<dyn OpenFile>, Errno> {
        let volume = self.volume(directory)?;
        let node = volume.create(directory.node, name, Kind::Regular, options.permissions)?;
        let place = Place { mount: directory.mount, node };
        volume.open(Handle::new(self, place, (directory, name), false)?, access(options))
    }

    /// Opens what was found in a directory, by a name or, where that is empty, without one.
    fn open_found(
        &'static self,
        place: Place,
        entry: (Place, &[u8]),
        options: OpenOptions,
    ) -> Result<Rc<dyn OpenFile>, Errno> {
        if options.create && options.exclusive {
            return Err(Errno::EEXIST);
        }
        let volume = self.volume(place)?;
        let kind = volume.facts(place.node)?.kind;
        let is_directory = kind == Kind::Directory;
        if options.directory && !is_directory {
            return Err(Errno::ENOTDIR);
        }
        let changes = options.write || options.truncate;
        if is_directory && (changes || options.create) {
            return Err(Errno::EISDIR);
        }
        if changes && kind == Kind::Regular && !volume.is_writable() {
            return Err(Errno::EROFS);
        }
        if kind == Kind::Socket && !options.hold {
            return Err(Errno::ENXIO);
        }
        let handle = Handle::new(self, place, entry, is_directory)?;
        if options.hold {
            return Ok(Held::open(handle));
        }
        if is_directory {
            return Ok(Listing::open(handle));
        }
        if options.truncate && kind == Kind::Regular {
            volume.resize(place.node, 0)?;
        }
        volume.open(handle, access(options))
    }
}

fn access(options: OpenOptions) -> Access {
    Access { read: options.read, write: options.write }
}
