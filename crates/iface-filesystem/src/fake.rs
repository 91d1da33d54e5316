//! A tree that a test writes down.

use alloc::{boxed::Box, string::String, vec::Vec};

use crate::{DirectoryEntry, FileError, FileSystem, Kind, Metadata, Node};

/// Entries by path; [`Node`] numbers are their order, behind the root's 0.
#[derive(Debug)]
pub struct Tree {
    entries: Vec<(String, Kind, Vec<u8>)>,
}

impl Tree {
    /// A tree of `(path, kind, bytes)`, parents named as well. It is never freed.
    pub fn new(entries: &[(&str, Kind, &str)]) -> &'static Self {
        let root = (String::new(), Kind::Directory, Vec::new());
        let rest = entries.iter().map(|(path, kind, bytes)| ((*path).into(), *kind, (*bytes).into()));
        Box::leak(Box::new(Self { entries: core::iter::once(root).chain(rest).collect() }))
    }

    /// The path of a node, without `/` in front.
    ///
    /// # Panics
    /// When the tree has no such node.
    pub fn path(&self, node: Node) -> &str {
        &self.entries[node.0 as usize].0
    }

    fn get(&self, node: Node) -> Result<&(String, Kind, Vec<u8>), FileError> {
        self.entries.get(node.0 as usize).ok_or(FileError::NotFound)
    }

    /// Names in a directory with their nodes.
    fn children(&self, directory: Node) -> Result<impl Iterator<Item = (&[u8], Node)>, FileError> {
        let (above, kind, _) = self.get(directory)?;
        if *kind != Kind::Directory {
            return Err(FileError::NotADirectory);
        }
        let nodes = self.entries.iter().enumerate().skip(1);
        Ok(nodes.filter_map(move |(number, (path, _, _))| {
            let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
            (parent == above).then_some((name.as_bytes(), Node(number as u64)))
        }))
    }
}

impl FileSystem for &'static Tree {
    fn root(&self) -> Node {
        Node(0)
    }

    fn child(&self, directory: Node, name: &[u8]) -> Result<Node, FileError> {
        let found = self.children(directory)?.find(|(other, _)| *other == name);
        found.map(|(_, node)| node).ok_or(FileError::NotFound)
    }

    fn metadata(&self, node: Node) -> Result<Metadata, FileError> {
        let (_, kind, bytes) = self.get(node)?;
        Ok(Metadata { kind: *kind, size: bytes.len() as u64, modified: 0, mode: 0o444 })
    }

    fn read(&self, node: Node, offset: u64, buffer: &mut [u8]) -> Result<usize, FileError> {
        let (_, kind, bytes) = self.get(node)?;
        if *kind == Kind::Directory {
            return Err(FileError::IsADirectory);
        }
        let rest = usize::try_from(offset).ok().and_then(|offset| bytes.get(offset..)).unwrap_or_default();
        let length = rest.len().min(buffer.len());
        buffer[..length].copy_from_slice(&rest[..length]);
        Ok(length)
    }

    fn bytes(&self, node: Node) -> Option<&'static [u8]> {
        let (_, kind, bytes) = self.get(node).ok()?;
        (*kind == Kind::File).then_some(bytes)
    }

    fn entry(&self, directory: Node, index: usize) -> Result<Option<DirectoryEntry>, FileError> {
        let Some((name, node)) = self.children(directory)?.nth(index) else { return Ok(None) };
        Ok(Some(DirectoryEntry { name: name.into(), node, kind: self.get(node)?.1 }))
    }
}
