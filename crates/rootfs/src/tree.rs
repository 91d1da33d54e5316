//! The index of an archive: its names in order, and what each names.

use alloc::{collections::BTreeMap, vec, vec::Vec};

use iface_filesystem::{DirectoryEntry, FileError, FileSystem, Kind, Metadata, Node};

use crate::{
    Fault, ImageError,
    archive::{Archive, Entry, Identity},
};

/// Number of a node; the root is 0.
type Number = u32;

const ROOT: Number = 0;

/// File, directory or link.
#[derive(Clone, Copy, Debug)]
struct Item<'a> {
    kind: Kind,
    mode: u16,
    modified: u32,
    data: &'a [u8],
    /// A directory that so far only occurs in the names of others.
    implied: bool,
}

const IMPLIED: Item<'static> =
    Item { kind: Kind::Directory, mode: 0o555, modified: 0, data: &[], implied: true };

/// The tree of an archive.
#[derive(Debug)]
pub(crate) struct Tree<'a> {
    items: Vec<Item<'a>>,
    /// Directory, name in it, and what that names; in order.
    names: Vec<(Number, &'a [u8], Number)>,
}

impl<'a> Tree<'a> {
    /// Reads all of `image`.
    ///
    /// # Errors
    /// The first fault.
    pub(crate) fn new(image: &'a [u8]) -> Result<Self, ImageError> {
        let mut archive = Archive::new(image);
        let mut growing = Growing::new();
        while let Some(entry) = archive.entry()? {
            growing.add(&entry).map_err(|fault| archive.error(fault))?;
        }
        let names = growing.names.into_iter().map(|((directory, name), node)| (directory, name, node));
        Ok(Self { items: growing.items, names: names.collect() })
    }

    /// How many files, directories and links there are.
    pub(crate) fn nodes(&self) -> usize {
        self.items.len()
    }

    fn item(&self, node: Node) -> Result<&Item<'a>, FileError> {
        usize::try_from(node.0).ok().and_then(|number| self.items.get(number)).ok_or(FileError::NotFound)
    }

    fn directory(&self, node: Node) -> Result<Number, FileError> {
        match self.item(node)?.kind {
            Kind::Directory => Ok(node.0 as Number),
            Kind::File | Kind::Link => Err(FileError::NotADirectory),
        }
    }
}

impl FileSystem for &'static Tree<'static> {
    fn root(&self) -> Node {
        Node(ROOT.into())
    }

    fn child(&self, directory: Node, name: &[u8]) -> Result<Node, FileError> {
        let wanted = (self.directory(directory)?, name);
        let found = self.names.binary_search_by(|(directory, name, _)| (*directory, *name).cmp(&wanted));
        found.map(|at| Node(self.names[at].2.into())).map_err(|_| FileError::NotFound)
    }

    fn metadata(&self, node: Node) -> Result<Metadata, FileError> {
        let item = self.item(node)?;
        let (size, modified) = (item.data.len() as u64, item.modified.into());
        Ok(Metadata { kind: item.kind, size, modified, mode: item.mode })
    }

    fn read(&self, node: Node, offset: u64, buffer: &mut [u8]) -> Result<usize, FileError> {
        let item = self.item(node)?;
        if item.kind == Kind::Directory {
            return Err(FileError::IsADirectory);
        }
        let rest =
            usize::try_from(offset).ok().and_then(|offset| item.data.get(offset..)).unwrap_or_default();
        let length = rest.len().min(buffer.len());
        buffer[..length].copy_from_slice(&rest[..length]);
        Ok(length)
    }

    fn bytes(&self, node: Node) -> Option<&'static [u8]> {
        self.item(node).ok().filter(|item| item.kind == Kind::File).map(|item| item.data)
    }

    fn entry(&self, directory: Node, index: usize) -> Result<Option<DirectoryEntry>, FileError> {
        let number = self.directory(directory)?;
        let first = self.names.partition_point(|(directory, ..)| *directory < number);
        let found = first.checked_add(index).and_then(|at| self.names.get(at));
        Ok(found.filter(|(directory, ..)| *directory == number).map(|(_, name, node)| DirectoryEntry {
            name: name.to_vec(),
            node: Node((*node).into()),
            kind: self.items[*node as usize].kind,
        }))
    }
}

/// A tree while its archive is read.
struct Growing<'a> {
    items: Vec<Item<'a>>,
    names: BTreeMap<(Number, &'a [u8]), Number>,
    /// Files with several names, in order.
    linked: Vec<(Identity, Number)>,
}

impl<'a> Growing<'a> {
    fn new() -> Self {
        Self { items: vec![IMPLIED], names: BTreeMap::new(), linked: Vec::new() }
    }

    fn add(&mut self, entry: &Entry<'a>) -> Result<(), Fault> {
        let item = item(entry)?;
        let mut parts = parts(entry.name)?;
        let Some(last) = parts.next_back() else { return self.describe(ROOT, item) };
        let mut directory = ROOT;
        for part in parts {
            directory = self.enter(directory, part)?;
        }
        match self.names.get(&(directory, last)) {
            Some(node) => self.describe(*node, item),
            None => {
                let node = self.node(entry, item)?;
                self.names.insert((directory, last), node);
                Ok(())
            }
        }
    }

    /// The directory called `name`, made where there is none.
    fn enter(&mut self, directory: Number, name: &'a [u8]) -> Result<Number, Fault> {
        match self.names.get(&(directory, name)) {
            Some(node) if self.items[*node as usize].kind == Kind::Directory => Ok(*node),
            Some(_) => Err(Fault::ParentNotADirectory),
            None => {
                let node = self.push(IMPLIED);
                self.names.insert((directory, name), node);
                Ok(node)
            }
        }
    }

    /// Gives a directory that was implied its own entry.
    fn describe(&mut self, node: Number, item: Item<'a>) -> Result<(), Fault> {
        let known = &mut self.items[node as usize];
        if !known.implied || item.kind != Kind::Directory {
            return Err(Fault::Duplicate);
        }
        *known = item;
        Ok(())
    }

    /// The node of a new name: a new one, or that of a file with other names.
    fn node(&mut self, entry: &Entry<'a>, item: Item<'a>) -> Result<Number, Fault> {
        if item.kind != Kind::File || entry.links < 2 {
            return Ok(self.push(item));
        }
        match self.linked.binary_search_by_key(&entry.identity, |(identity, _)| *identity) {
            Ok(at) => self.link(self.linked[at].1, item),
            Err(at) => {
                let node = self.push(item);
                self.linked.insert(at, (entry.identity, node));
                Ok(node)
            }
        }
    }

    /// Another name of a file, which may be the one that has its data.
    fn link(&mut self, node: Number, item: Item<'a>) -> Result<Number, Fault> {
        let known = &mut self.items[node as usize];
        if known.data.is_empty() {
            *known = item;
        } else if !item.data.is_empty() {
            return Err(Fault::LinkedTwice);
        }
        Ok(node)
    }

    fn push(&mut self, item: Item<'a>) -> Number {
        self.items.push(item);
        (self.items.len() - 1) as Number
    }
}

fn item<'a>(entry: &Entry<'a>) -> Result<Item<'a>, Fault> {
    let kind = match entry.mode & 0o170_000 {
        0o040_000 => Kind::Directory,
        0o100_000 => Kind::File,
        0o120_000 => Kind::Link,
        _ => return Err(Fault::BadKind),
    };
    let fits = match kind {
        Kind::Directory => entry.data.is_empty(),
        Kind::Link => !entry.data.is_empty(),
        Kind::File => true,
    };
    let mode = (entry.mode & 0o7777) as u16;
    let item = Item { kind, mode, modified: entry.modified, data: entry.data, implied: false };
    fits.then_some(item).ok_or(Fault::BadSize)
}

/// The parts of a name; none for the root.
fn parts(name: &[u8]) -> Result<impl DoubleEndedIterator<Item = &[u8]>, Fault> {
    let below = match name {
        b"." | b"./" => None,
        name => Some(name.strip_prefix(b"./").unwrap_or(name)),
    };
    let parts = below.into_iter().flat_map(|below| below.split(|byte| *byte == b'/'));
    if parts.clone().any(|part| matches!(part, b"" | b"." | b"..") || part.len() > 255) {
        return Err(Fault::BadName);
    }
    Ok(parts)
}
