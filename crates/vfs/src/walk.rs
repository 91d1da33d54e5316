//! Walking along a path (path_resolution(7)).

use alloc::borrow::Cow;
use core::ops::Range;

use iface_vfs::{Errno, Kind, Place};

use crate::handle::handle_of;
use crate::memo::End;
use crate::tree::{LONGEST_PATH, Tree};
use crate::volume::Target;

/// How many links one path may lead through (path_resolution(7)).
const MOST_LINKS: usize = 40;

/// The last part of a path, whose directory was walked to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Last {
    /// A name, by its position in the path.
    Name(Range<usize>),
    /// `.`, or a place that a link leads to without a path.
    Here,
    /// `..`.
    Above,
    /// `/` alone.
    Root,
}

/// A walk that has come to a directory, and what is left of its path.
pub(crate) struct Walk<'a> {
    tree: &'a Tree,
    /// The directory that it has come to; behind a link to a place that place, whatever it is.
    pub place: Place,
    /// Where the place is that such a link led to.
    pub parent: Place,
    path: Cow<'a, [u8]>,
    /// Where the rest begins, slashes included.
    at: usize,
    links: usize,
    /// Whether all of its way lies in volumes that do not change.
    pub is_fixed: bool,
}

impl<'a> Walk<'a> {
    /// Begins at `base`, or for an absolute path at the root.
    pub fn new(tree: &'a Tree, base: Place, path: &'a [u8]) -> Result<Self, Errno> {
        if path.is_empty() {
            return Err(Errno::ENOENT);
        }
        if path.len() > LONGEST_PATH {
            return Err(Errno::ENAMETOOLONG);
        }
        let root = tree.root();
        let place = if path.starts_with(b"/") { root } else { base };
        if place != root && tree.kind(place)? != Kind::Directory {
            return Err(Errno::ENOTDIR);
        }
        let path = Cow::Borrowed(path);
        Ok(Self {
            tree,
            place,
            parent: place,
            path,
            at: 0,
            links: 0,
            is_fixed: tree.mounted(place).is_fixed(),
        })
    }

    /// Walks up to the last part, which is looked up by nobody yet.
    pub fn last(&mut self) -> Result<Last, Errno> {
        while let Some((name, is_last)) = self.next_name() {
            self.at = name.end;
            match &self.path[name.clone()] {
                b"." if is_last => return Ok(Last::Here),
                b".." if is_last => return Ok(Last::Above),
                _ if is_last => return Ok(Last::Name(name)),
                b"." => {}
                b".." => self.come_to(self.tree.parent(self.place)?),
                _ => self.enter(name)?,
            }
        }
        Ok(Last::Root)
    }

    /// Goes on into what a name names.
    fn enter(&mut self, name: Range<usize>) -> Result<(), Errno> {
        let found = self.tree.step(self.place, &self.path[name.clone()])?;
        match self.tree.kind(found)? {
            Kind::Directory => {
                self.tree.known.add(found, self.place, &self.path[name]);
                self.come_to(found);
                Ok(())
            }
            Kind::Link => self.follow(found),
            _ => Err(Errno::ENOTDIR),
        }
    }

    fn come_to(&mut self, directory: Place) {
        self.place = directory;
        self.is_fixed &= self.tree.mounted(directory).is_fixed();
    }

    /// Goes on where a link in the directory leads, with what is left of the path behind that.
    pub fn follow(&mut self, link: Place) -> Result<(), Errno> {
        self.links += 1;
        if self.links > MOST_LINKS {
            return Err(Errno::ELOOP);
        }
        match self.tree.target(link)? {
            Target::Path(path) if path.is_empty() => Err(Errno::ENOENT),
            Target::Path(path) => self.go_on_along(&path),
            Target::Place(place) => self.jump(place, place),
            Target::File(file, node) => match handle_of(&*file) {
                Some(handle) => self.jump(handle.place, handle.parent),
                None => self.jump(Place { mount: link.mount, node }, self.place),
            },
        }
    }

    fn go_on_along(&mut self, path: &[u8]) -> Result<(), Errno> {
        if path.starts_with(b"/") {
            self.come_to(self.tree.root());
        }
        self.path = Cow::Owned([path, &self.path[self.at..]].concat());
        self.at = 0;
        Ok(())
    }

    /// Goes on at `place`, which is not found by a path.
    fn jump(&mut self, place: Place, parent: Place) -> Result<(), Errno> {
        if self.has_slash() && self.tree.kind(place)? != Kind::Directory {
            return Err(Errno::ENOTDIR);
        }
        (self.place, self.parent, self.is_fixed) = (place, parent, false);
        self.path = Cow::Owned([b".", &self.path[self.at..]].concat());
        self.at = 0;
        Ok(())
    }

    /// Whether something follows the last name, which then must be a directory.
    pub fn has_slash(&self) -> bool {
        self.at < self.path.len()
    }

    pub fn text(&self, name: &Range<usize>) -> &[u8] {
        &self.path[name.clone()]
    }

    /// Where the next name is, and whether it is the last.
    fn next_name(&self) -> Option<(Range<usize>, bool)> {
        let start = self.name_from(self.at)?;
        let length = self.path[start..].iter().position(|byte| *byte == b'/');
        let end = length.map_or(self.path.len(), |length| start + length);
        Some((start..end, self.name_from(end).is_none()))
    }

    /// Where the slashes end that begin at `at`.
    fn name_from(&self, at: usize) -> Option<usize> {
        let slashes = self.path[at..].iter().position(|byte| *byte != b'/')?;
        Some(at + slashes)
    }
}

impl Tree {
    /// What a path names; the last link is followed where `follow` says so, or a slash follows it.
    pub fn find(&self, base: Place, path: &[u8], follow: bool) -> Result<Place, Errno> {
        if follow && let Some(end) = self.memo.get(base, path) {
            return Ok(end.place);
        }
        let mut walk = Walk::new(self, base, path)?;
        loop {
            let name = match walk.last()? {
                Last::Name(name) => name,
                Last::Above => return self.parent(walk.place),
                Last::Here | Last::Root => return Ok(walk.place),
            };
            let found = self.step(walk.place, walk.text(&name))?;
            match self.kind(found)? {
                Kind::Link if follow || walk.has_slash() => walk.follow(found)?,
                Kind::Directory => {
                    self.known.add(found, walk.place, walk.text(&name));
                    return Ok(found);
                }
                _ if walk.has_slash() => return Err(Errno::ENOTDIR),
                _ => {
                    if follow && walk.is_fixed && self.mounted(found).is_fixed() {
                        self.memo.set(base, path, End { place: found, parent: walk.place });
                    }
                    return Ok(found);
                }
            }
        }
    }
}
