//! The file system: what is asked of it, one thread at a time.

use alloc::boxed::Box;
use core::fmt::Display;

use ext4_view::{Ext4, Ext4Error};
use iface_block_device::BlockDevice;
use iface_filesystem::{DirectoryEntry, FileError, FileSystem, Kind, Metadata, Node};
use iface_scheduler::{Lock, Scheduler};

use crate::{
    InitError,
    disk::Bytes,
    files::{self, Listing, OpenFiles},
    nodes::{Nodes, ROOT},
    superblock::Geometry,
};

/// Bytes of the longest target of a link, as Linux has it (`PATH_MAX`).
const LONGEST_TARGET: u64 = 4096;

/// A mounted file system.
pub(crate) struct Volume<S>(Lock<S, State>);

impl<S: Scheduler> Volume<S> {
    pub(crate) fn new<D: BlockDevice>(disk: D, scheduler: S) -> Result<Self, InitError> {
        let geometry = Geometry::read(disk)?;
        let ext4 = Ext4::load(Box::new(Bytes::new(disk)))?;
        let root = ext4.symlink_metadata("/")?;
        if !root.is_dir() {
            return Err(Ext4Error::NotADirectory.into());
        }
        let root = facts(&root).ok_or(Ext4Error::NotADirectory)?;
        let (label, kib) = (ext4.label().display(), geometry.blocks * (geometry.block_size / 1024));
        log::debug!("\"{label}\", {kib} KiB");
        let state = State {
            ext4,
            geometry,
            nodes: Nodes::new(root),
            files: OpenFiles::default(),
            listing: None,
            faults: 0,
        };
        Ok(Self(Lock::new(scheduler, state)))
    }

    pub(crate) fn child(&self, directory: Node, name: &[u8]) -> Result<Node, FileError> {
        self.0.with(|state| state.child(directory, name))
    }

    pub(crate) fn read(&self, node: Node, offset: u64, buffer: &mut [u8]) -> Result<usize, FileError> {
        self.0.with(|state| state.read(node, offset, buffer))
    }

    pub(crate) fn entry(&self, directory: Node, index: usize) -> Result<Option<DirectoryEntry>, FileError> {
        self.0.with(|state| state.entry(directory, index))
    }
}

impl<S: Scheduler> FileSystem for &'static Volume<S> {
    fn root(&self) -> Node {
        ROOT
    }

    fn child(&self, directory: Node, name: &[u8]) -> Result<Node, FileError> {
        Volume::child(self, directory, name)
    }

    fn metadata(&self, node: Node) -> Result<Metadata, FileError> {
        self.0.with(|state| state.nodes.metadata(node)).ok_or(FileError::NotFound)
    }

    fn read(&self, node: Node, offset: u64, buffer: &mut [u8]) -> Result<usize, FileError> {
        Volume::read(self, node, offset, buffer)
    }

    fn bytes(&self, _node: Node) -> Option<&'static [u8]> {
        None
    }

    fn entry(&self, directory: Node, index: usize) -> Result<Option<DirectoryEntry>, FileError> {
        Volume::entry(self, directory, index)
    }
}

struct State {
    ext4: Ext4,
    geometry: Geometry,
    nodes: Nodes,
    files: OpenFiles,
    listing: Option<Listing>,
    faults: u64,
}

impl State {
    fn kind(&self, node: Node) -> Result<Kind, FileError> {
        self.nodes.kind(node).ok_or(FileError::NotFound)
    }

    fn must_be_directory(&self, node: Node) -> Result<(), FileError> {
        if self.kind(node)? == Kind::Directory { Ok(()) } else { Err(FileError::NotADirectory) }
    }

    fn child(&mut self, directory: Node, name: &[u8]) -> Result<Node, FileError> {
        self.must_be_directory(directory)?;
        if matches!(name, b"" | b"." | b"..")
            || name.len() > 255
            || name.iter().any(|byte| matches!(byte, 0 | b'/'))
        {
            return Err(FileError::NotFound);
        }
        if let Some(node) = self.nodes.find(directory, name) {
            return Ok(node);
        }
        let found = self.ext4.symlink_metadata(self.nodes.path(directory, name).as_slice());
        let metadata = found.map_err(|error| self.told(error))?;
        let metadata = facts(&metadata).ok_or(FileError::NotFound)?;
        Ok(self.nodes.number(directory, name, metadata))
    }

    fn read(&mut self, node: Node, offset: u64, buffer: &mut [u8]) -> Result<usize, FileError> {
        let metadata = self.nodes.metadata(node).ok_or(FileError::NotFound)?;
        let path = self.nodes.path(node, b"");
        match metadata.kind {
            Kind::Directory => Err(FileError::IsADirectory),
            Kind::Link if metadata.size > LONGEST_TARGET => Err(self.corrupt("a link's target is too long")),
            Kind::Link => {
                let target = files::target(&self.ext4, &path).map_err(|error| self.told(error))?;
                Ok(copy(&target, offset, buffer))
            }
            Kind::File if metadata.size > self.geometry.longest_file() => {
                Err(self.corrupt("a file is longer than the file system"))
            }
            Kind::File if offset >= metadata.size => Ok(0),
            Kind::File => {
                let read = self.files.read(&self.ext4, node, &path, offset, buffer);
                read.map_err(|error| self.told(error))
            }
        }
    }

    fn entry(&mut self, directory: Node, index: usize) -> Result<Option<DirectoryEntry>, FileError> {
        self.must_be_directory(directory)?;
        let mut listing = match self.listing.take().filter(|listing| listing.is_before(directory, index)) {
            Some(listing) => listing,
            None => Listing::new(&self.ext4, directory, &self.nodes.path(directory, b""))
                .map_err(|error| self.told(error))?,
        };
        let Some(entry) = listing.entry(index).map_err(|error| self.told(error))? else { return Ok(None) };
        self.listing = Some(listing);
        let metadata = entry.metadata().map_err(|error| self.told(error))?;
        let Some(metadata) = facts(&metadata) else {
            return Err(self.corrupt("a file is of another type than its name says"));
        };
        let name = entry.file_name().as_ref().to_vec();
        let node = self.nodes.number(directory, &name, metadata);
        Ok(Some(DirectoryEntry { kind: metadata.kind, name, node }))
    }

    /// What the reader's error is to a user; it is logged where that says less.
    fn told(&mut self, error: Ext4Error) -> FileError {
        match error {
            Ext4Error::NotFound | Ext4Error::PathTooLong => FileError::NotFound,
            Ext4Error::Io(_) => {
                self.report(&error);
                FileError::DiskFailed
            }
            error => self.corrupt(error),
        }
    }

    fn corrupt(&mut self, fault: impl Display) -> FileError {
        self.report(&fault);
        FileError::Corrupt
    }

    /// Logs a fault, each time that there are twice as many: whoever asks for a corrupt file can't fill the log.
    fn report(&mut self, fault: &dyn Display) {
        self.faults += 1;
        if self.faults.is_power_of_two() {
            log::warn!("{fault} ({} faults so far)", self.faults);
        }
    }
}

/// What is told about a node; `None` for devices, pipes and sockets.
fn facts(metadata: &ext4_view::Metadata) -> Option<Metadata> {
    let kind = files::kind(metadata.file_type())?;
    Some(Metadata {
        kind,
        size: if kind == Kind::Directory { 0 } else { metadata.len() },
        modified: metadata.modified().seconds().try_into().unwrap_or(0),
        mode: metadata.mode(),
    })
}

fn copy(bytes: &[u8], offset: u64, buffer: &mut [u8]) -> usize {
    let rest = usize::try_from(offset).ok().and_then(|offset| bytes.get(offset..)).unwrap_or_default();
    let length = rest.len().min(buffer.len());
    buffer[..length].copy_from_slice(&rest[..length]);
    length
}
