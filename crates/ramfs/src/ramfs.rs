//! The tree: nodes by number, each file, directory or link.

use alloc::collections::BTreeMap;
use core::cell::RefCell;

use iface_clock::Clock;
use iface_filesystem::{Capacity, DirectoryEntry, FileError, FileSystem, Kind, Metadata, Node};

use crate::{
    Config,
    budget::Budget,
    data::{CHUNK, Data},
    directory::{Directory, check_name},
};

/// What a node counts for, its name included, and what each further name does.
const NODE: u64 = 512;
const ROOT: Node = Node(0);

#[derive(Debug)]
enum Body {
    File(Data),
    Link(Data),
    Directory(Directory),
}

#[derive(Debug)]
struct Item {
    body: Body,
    mode: u16,
    modified: u64,
    /// How many names it has.
    links: u32,
    /// The directory in which a directory has its name; that of a file is where it had its first. The root is in itself.
    parent: Node,
}

impl Item {
    fn kind(&self) -> Kind {
        match self.body {
            Body::File(_) => Kind::File,
            Body::Link(_) => Kind::Link,
            Body::Directory(_) => Kind::Directory,
        }
    }

    fn directory(&self) -> Result<&Directory, FileError> {
        match &self.body {
            Body::Directory(directory) => Ok(directory),
            Body::File(_) | Body::Link(_) => Err(FileError::NotADirectory),
        }
    }

    fn data(&self) -> Result<&Data, FileError> {
        match &self.body {
            Body::File(data) | Body::Link(data) => Ok(data),
            Body::Directory(_) => Err(FileError::IsADirectory),
        }
    }
}

/// A writable tree; the file system is `&'static RamFs`.
#[derive(Debug)]
pub(crate) struct RamFs<C> {
    clock: C,
    tree: RefCell<Tree>,
}

impl<C: Clock> RamFs<C> {
    pub(crate) fn new(config: &Config, clock: C) -> Self {
        let fs = Self { clock, tree: RefCell::new(Tree::new(u64::from(config.max_mib) << 20)) };
        let now = fs.now();
        fs.tree.borrow_mut().touch(ROOT, now);
        fs
    }

    /// Seconds since 1970, or 0 where nobody tells.
    fn now(&self) -> u64 {
        self.clock.wall_clock().map_or(0, |since| since.as_secs())
    }

    #[cfg(test)]
    pub(crate) fn used(&self) -> u64 {
        self.tree.borrow().budget.used()
    }
}

impl<C: Clock> FileSystem for &'static RamFs<C> {
    fn root(&self) -> Node {
        ROOT
    }

    fn child(&self, directory: Node, name: &[u8]) -> Result<Node, FileError> {
        self.tree.borrow().child(directory, name)
    }

    fn metadata(&self, node: Node) -> Result<Metadata, FileError> {
        let tree = self.tree.borrow();
        let item = tree.item(node)?;
        let size = item.data().map_or(0, Data::size);
        Ok(Metadata { kind: item.kind(), size, modified: item.modified, mode: item.mode })
    }

    fn read(&self, node: Node, offset: u64, buffer: &mut [u8]) -> Result<usize, FileError> {
        Ok(self.tree.borrow().item(node)?.data()?.read(offset, buffer))
    }

    fn bytes(&self, _: Node) -> Option<&'static [u8]> {
        None
    }

    fn entry(&self, directory: Node, index: usize) -> Result<Option<DirectoryEntry>, FileError> {
        let tree = self.tree.borrow();
        let Some((name, node)) = tree.item(directory)?.directory()?.at(index) else { return Ok(None) };
        Ok(Some(DirectoryEntry { name: name.to_vec(), node, kind: tree.item(node)?.kind() }))
    }

    fn is_writable(&self) -> bool {
        true
    }

    fn create(&self, directory: Node, name: &[u8], kind: Kind, mode: u16) -> Result<Node, FileError> {
        self.tree.borrow_mut().create(directory, name, kind, mode, self.now())
    }

    fn write(&self, node: Node, offset: u64, bytes: &[u8]) -> Result<(), FileError> {
        self.tree.borrow_mut().change(node, self.now(), |data, budget| data.write(budget, offset, bytes))
    }

    fn resize(&self, node: Node, size: u64) -> Result<(), FileError> {
        self.tree.borrow_mut().change(node, self.now(), |data, budget| data.resize(budget, size))
    }

    fn link(&self, node: Node, to: (Node, &[u8])) -> Result<(), FileError> {
        self.tree.borrow_mut().link(node, to, self.now())
    }

    fn links(&self, node: Node) -> Option<u32> {
        self.tree.borrow().item(node).ok().map(|item| item.links)
    }

    fn remove(&self, directory: Node, name: &[u8]) -> Result<(), FileError> {
        self.tree.borrow_mut().remove(directory, name, self.now())
    }

    fn rename(&self, from: (Node, &[u8]), to: (Node, &[u8])) -> Result<(), FileError> {
        self.tree.borrow_mut().rename(from, to, self.now())
    }

    fn forget(&self, node: Node) {
        self.tree.borrow_mut().forget(node);
    }

    fn set_mode(&self, node: Node, mode: u16) -> Result<(), FileError> {
        self.tree.borrow_mut().item_mut(node).map(|item| item.mode = mode)
    }

    fn set_modified(&self, node: Node, seconds: u64) -> Result<(), FileError> {
        self.tree.borrow_mut().item_mut(node).map(|item| item.modified = seconds)
    }

    fn capacity(&self) -> Option<Capacity> {
        Some(self.tree.borrow().budget.capacity())
    }
}

/// The nodes.
#[derive(Debug)]
struct Tree {
    items: BTreeMap<Node, Item>,
    budget: Budget,
    /// Number of the next node; none is given twice.
    next: u64,
}

impl Tree {
    fn new(limit: u64) -> Self {
        let body = Body::Directory(Directory::default());
        let root = Item { body, mode: 0o755, modified: 0, links: 1, parent: ROOT };
        Self { items: BTreeMap::from([(ROOT, root)]), budget: Budget::new(limit), next: ROOT.0 + 1 }
    }

    fn item(&self, node: Node) -> Result<&Item, FileError> {
        self.items.get(&node).ok_or(FileError::NotFound)
    }

    fn item_mut(&mut self, node: Node) -> Result<&mut Item, FileError> {
        self.items.get_mut(&node).ok_or(FileError::NotFound)
    }

    fn child(&self, directory: Node, name: &[u8]) -> Result<Node, FileError> {
        self.item(directory)?.directory()?.get(name).ok_or(FileError::NotFound)
    }

    fn touch(&mut self, node: Node, now: u64) {
        if let Some(item) = self.items.get_mut(&node) {
            item.modified = now;
        }
    }

    /// Changes the names of a directory.
    fn rewrite(&mut self, directory: Node, now: u64, change: impl FnOnce(&mut Directory)) {
        if let Some(Item { body: Body::Directory(names), modified, .. }) = self.items.get_mut(&directory) {
            change(names);
            *modified = now;
        }
    }

    fn create(
        &mut self,
        directory: Node,
        name: &[u8],
        kind: Kind,
        mode: u16,
        now: u64,
    ) -> Result<Node, FileError> {
        self.check_free_name(directory, name)?;
        self.budget.take(NODE)?;
        let node = Node(self.next);
        self.next += 1;
        let body = match kind {
            Kind::File => Body::File(Data::default()),
            Kind::Link => Body::Link(Data::default()),
            Kind::Directory => Body::Directory(Directory::default()),
        };
        self.items.insert(node, Item { body, mode, modified: now, links: 1, parent: directory });
        self.rewrite(directory, now, |names| names.set(name, node));
        Ok(node)
    }

    /// Whether `directory` is one, has a name itself, and may take `name`.
    fn check_new_name(&self, directory: Node, name: &[u8]) -> Result<(), FileError> {
        let item = self.item(directory)?;
        item.directory()?;
        if item.links == 0 { Err(FileError::NotFound) } else { check_name(name) }
    }

    /// As [`check_new_name`](Tree::check_new_name), where nothing is called so yet.
    fn check_free_name(&self, directory: Node, name: &[u8]) -> Result<(), FileError> {
        self.check_new_name(directory, name)?;
        if self.child(directory, name).is_ok() { Err(FileError::Exists) } else { Ok(()) }
    }

    /// Changes the bytes of a file or link.
    fn change(
        &mut self,
        node: Node,
        now: u64,
        change: impl FnOnce(&mut Data, &mut Budget) -> Result<(), FileError>,
    ) -> Result<(), FileError> {
        // Not by `item_mut`, which would keep the budget borrowed as well.
        let item = self.items.get_mut(&node).ok_or(FileError::NotFound)?;
        match &mut item.body {
            Body::File(data) | Body::Link(data) => {
                item.modified = now;
                change(data, &mut self.budget)
            }
            Body::Directory(_) => Err(FileError::IsADirectory),
        }
    }

    fn link(&mut self, node: Node, (directory, name): (Node, &[u8]), now: u64) -> Result<(), FileError> {
        self.check_free_name(directory, name)?;
        match self.item(node)? {
            item if item.kind() == Kind::Directory => return Err(FileError::IsADirectory),
            item if item.links == 0 => return Err(FileError::NotFound),
            _ => {}
        }
        self.budget.take(NODE)?;
        self.item_mut(node)?.links += 1;
        self.rewrite(directory, now, |names| names.set(name, node));
        Ok(())
    }

    fn remove(&mut self, directory: Node, name: &[u8], now: u64) -> Result<(), FileError> {
        let node = self.child(directory, name)?;
        if self.item(node)?.directory().is_ok_and(|names| !names.is_empty()) {
            return Err(FileError::NotEmpty);
        }
        self.rewrite(directory, now, |names| names.remove(name));
        self.unname(node);
        Ok(())
    }

    fn rename(&mut self, from: (Node, &[u8]), to: (Node, &[u8]), now: u64) -> Result<(), FileError> {
        let node = self.child(from.0, from.1)?;
        self.check_new_name(to.0, to.1)?;
        let replaced = self.child(to.0, to.1).ok();
        if replaced == Some(node) {
            return Ok(());
        }
        self.check_move(node, to.0, replaced)?;
        if let Some(replaced) = replaced {
            self.unname(replaced);
        }
        self.rewrite(from.0, now, |names| names.remove(from.1));
        self.rewrite(to.0, now, |names| names.set(to.1, node));
        self.item_mut(node)?.parent = to.0;
        Ok(())
    }

    /// Whether `node` may move to `directory` and take the name of `replaced` there.
    fn check_move(&self, node: Node, directory: Node, replaced: Option<Node>) -> Result<(), FileError> {
        let is_directory = self.item(node)?.kind() == Kind::Directory;
        if is_directory && self.is_below(directory, node) {
            return Err(FileError::InvalidName);
        }
        match replaced {
            Some(replaced) if self.item(replaced)?.kind() == Kind::Directory => Err(FileError::IsADirectory),
            Some(_) if is_directory => Err(FileError::NotADirectory),
            _ => Ok(()),
        }
    }

    /// Whether `node` is `above`, or lies in it.
    fn is_below(&self, mut node: Node, above: Node) -> bool {
        while node != above {
            match self.items.get(&node) {
                Some(item) if item.parent != node => node = item.parent,
                _ => return false,
            }
        }
        true
    }

    /// Counts a name less. What has none stays, and counts, until it is forgotten.
    fn unname(&mut self, node: Node) {
        let Some(item) = self.items.get_mut(&node) else { return };
        item.links -= 1;
        if item.links > 0 {
            self.budget.give(NODE);
        }
    }

    fn forget(&mut self, node: Node) {
        if self.items.get(&node).is_some_and(|item| item.links == 0)
            && let Some(item) = self.items.remove(&node)
        {
            self.budget.give(NODE + item.data().map_or(0, Data::chunks) * CHUNK);
        }
    }
}
