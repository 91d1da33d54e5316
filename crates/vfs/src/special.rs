//! A tree of special files, made at the start.

use alloc::boxed::Box;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::RefCell;

use iface_vfs::{Errno, Kind, OpenFile};
use open_file::Name;

use crate::device::{Device, Driver};
use crate::handle::Handle;
use crate::text::{Content, Text};
use crate::volume::{Access, Facts, Target, Volume};

/// Number of the directory that holds all others.
pub(crate) const ROOT: u64 = 0;

/// What a node is.
#[derive(Clone)]
enum Item {
    Directory(Vec<(&'static [u8], u64)>),
    Link(Rc<dyn Fn() -> Target>),
    Text(Rc<Content>),
    Device(Rc<dyn Driver>),
}

/// Directories, links, texts and devices. Nodes are numbered as they are added, the root first, and none is ever removed.
pub(crate) struct Special {
    kind_name: &'static str,
    items: RefCell<Vec<Item>>,
    /// When it was made, in nanoseconds since 1970-01-01 00:00 UTC.
    made: u64,
}

impl Special {
    /// A root directory alone.
    pub fn new(kind_name: &'static str, made: u64) -> Self {
        Self { kind_name, items: RefCell::new(Vec::from([Item::Directory(Vec::new())])), made }
    }

    /// Adds a directory to another.
    pub fn directory(&self, parent: u64, name: &'static str) -> u64 {
        self.add(parent, name.as_bytes(), Item::Directory(Vec::new()))
    }

    /// Adds a directory to no other: it is shown where it is attached.
    pub fn loose_directory(&self) -> u64 {
        let mut items = self.items.borrow_mut();
        items.push(Item::Directory(Vec::new()));
        items.len() as u64 - 1
    }

    /// Adds a link to a path.
    pub fn link(&self, parent: u64, name: &'static str, path: &'static str) {
        self.leading(parent, name, move || Target::Path(path.into()));
    }

    /// Adds a link that leads to where `target` says when it is followed.
    pub fn leading(&self, parent: u64, name: &'static str, target: impl Fn() -> Target + 'static) {
        self.add(parent, name.as_bytes(), Item::Link(Rc::new(target)));
    }

    /// Adds a file of these bytes.
    pub fn text(&self, parent: u64, name: &'static str, text: Vec<u8>) {
        self.add(parent, name.as_bytes(), Item::Text(Rc::new(Content::Fixed(text))));
    }

    /// Adds a file whose text is made when it is read.
    pub fn made(&self, parent: u64, name: &'static str, make: impl Fn() -> Vec<u8> + 'static) {
        self.add(parent, name.as_bytes(), Item::Text(Rc::new(Content::Made(Box::new(make)))));
    }

    /// Adds a file whose text is kept up to date.
    pub fn kept(&self, parent: u64, name: &'static str, make: impl Fn() -> Vec<u8> + 'static) {
        self.add(parent, name.as_bytes(), Item::Text(Rc::new(Content::Kept(Box::new(make)))));
    }

    /// Adds a device.
    pub fn device(&self, parent: u64, name: &'static str, driver: Rc<dyn Driver>) {
        self.add(parent, name.as_bytes(), Item::Device(driver));
    }

    fn add(&self, parent: u64, name: &'static [u8], item: Item) -> u64 {
        let mut items = self.items.borrow_mut();
        let node = items.len() as u64;
        items.push(item);
        if let Some(Item::Directory(names)) = items.get_mut(parent as usize) {
            names.push((name, node));
        }
        node
    }

    /// What `with` says of a node.
    fn with<T>(&self, node: u64, with: impl FnOnce(&Item) -> T) -> Result<T, Errno> {
        let items = self.items.borrow();
        let item = usize::try_from(node).ok().and_then(|node| items.get(node));
        item.map(with).ok_or(Errno::ENOENT)
    }

    fn names<T>(&self, directory: u64, with: impl FnOnce(&[(&'static [u8], u64)]) -> T) -> Result<T, Errno> {
        self.with(directory, |item| match item {
            Item::Directory(names) => Ok(with(names)),
            _ => Err(Errno::ENOTDIR),
        })?
    }
}

impl Item {
    fn kind(&self) -> Kind {
        match self {
            Self::Directory(_) => Kind::Directory,
            Self::Link(_) => Kind::Link,
            Self::Text(_) => Kind::Regular,
            Self::Device(_) => Kind::Character,
        }
    }

    fn permissions(&self) -> u16 {
        match self {
            Self::Directory(_) => 0o755,
            Self::Link(_) => 0o777,
            Self::Text(_) => 0o444,
            Self::Device(driver) => driver.permissions(),
        }
    }
}

impl Volume for Special {
    fn kind_name(&self) -> &'static str {
        self.kind_name
    }

    fn root(&self) -> u64 {
        ROOT
    }

    fn child(&self, directory: u64, name: &[u8]) -> Result<u64, Errno> {
        let found = self
            .names(directory, |names| names.iter().find(|(other, _)| *other == name).map(|found| found.1));
        found?.ok_or(Errno::ENOENT)
    }

    fn facts(&self, node: u64) -> Result<Facts, Errno> {
        self.with(node, |item| Facts {
            kind: item.kind(),
            permissions: item.permissions(),
            size: if let Item::Text(content) = item { content.size() } else { 0 },
            special: if let Item::Device(driver) = item { driver.numbers() } else { (0, 0) },
            modified: self.made,
        })
    }

    fn entry(&self, directory: u64, index: usize) -> Result<Option<Name>, Errno> {
        let Some((name, inode)) = self.names(directory, |names| names.get(index).copied())? else {
            return Ok(None);
        };
        self.with(inode, |item| Some(Name { name: name.to_vec(), inode, kind: item.kind() }))
    }

    fn target(&self, link: u64) -> Result<Target, Errno> {
        match self.with(link, Item::clone)? {
            Item::Link(target) => Ok(target()),
            _ => Err(Errno::EINVAL),
        }
    }

    fn open(&self, handle: Handle, access: Access) -> Result<Rc<dyn OpenFile>, Errno> {
        match self.with(handle.place.node, Item::clone)? {
            Item::Text(content) => Ok(Text::open(handle, content)),
            Item::Device(driver) => Ok(Device::open(handle, driver, access)),
            Item::Directory(_) | Item::Link(_) => Err(Errno::EINVAL),
        }
    }
}
