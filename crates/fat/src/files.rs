//! The file system as rooms use it.

use iface_block_device::BlockDevice;
use iface_clock::Clock;
use iface_filesystem::{Capacity, DirectoryEntry, FileError, FileSystem, Kind, Metadata, Node};
use iface_scheduler::{Lock, Scheduler};

use crate::volume::{ROOT, Volume};

/// A volume and who dates its changes; the file system is `&'static Fat`.
pub(crate) struct Fat<D, C, S> {
    clock: C,
    is_writable: bool,
    pub(crate) volume: Lock<S, Volume<D>>,
}

impl<D: BlockDevice, C: Clock, S: Scheduler> Fat<D, C, S> {
    pub(crate) fn new(volume: Volume<D>, clock: C, scheduler: S) -> Self {
        Self { clock, is_writable: !volume.medium.is_read_only(), volume: Lock::new(scheduler, volume) }
    }

    /// Seconds since 1970, or 0 where nobody tells.
    fn now(&self) -> u64 {
        self.clock.wall_clock().map_or(0, |since| since.as_secs())
    }

    /// Does what changes something.
    fn change<R>(&self, work: impl FnOnce(&mut Volume<D>) -> Result<R, FileError>) -> Result<R, FileError> {
        if !self.is_writable {
            return Err(FileError::ReadOnly);
        }
        self.volume.with(|volume| {
            let result = work(volume)?;
            volume.synchronize_much()?;
            Ok(result)
        })
    }

    /// Changes what a file holds, and dates that.
    fn change_contents(
        &self,
        node: Node,
        work: impl FnOnce(&mut Volume<D>) -> Result<(), FileError>,
    ) -> Result<(), FileError> {
        let now = self.now();
        self.change(|volume| {
            work(volume)?;
            volume.item_mut(node.0)?.set_modified(now);
            volume.changed.insert(node.0);
            Ok(())
        })
    }
}

impl<D: BlockDevice, C: Clock, S: Scheduler> FileSystem for &'static Fat<D, C, S> {
    fn root(&self) -> Node {
        Node(ROOT)
    }

    fn child(&self, directory: Node, name: &[u8]) -> Result<Node, FileError> {
        self.volume.with(|volume| volume.child(directory.0, name)).map(Node)
    }

    fn metadata(&self, node: Node) -> Result<Metadata, FileError> {
        self.volume.with(|volume| Ok(volume.item(node.0)?.metadata()))
    }

    fn read(&self, node: Node, offset: u64, buffer: &mut [u8]) -> Result<usize, FileError> {
        self.volume.with(|volume| volume.read(node.0, offset, buffer))
    }

    fn bytes(&self, _: Node) -> Option<&'static [u8]> {
        None
    }

    fn entry(&self, directory: Node, index: usize) -> Result<Option<DirectoryEntry>, FileError> {
        self.volume.with(|volume| volume.entry(directory.0, index))
    }

    fn is_writable(&self) -> bool {
        self.is_writable
    }

    fn create(&self, directory: Node, name: &[u8], kind: Kind, mode: u16) -> Result<Node, FileError> {
        let now = self.now();
        self.change(|volume| volume.create(directory.0, name, kind, mode, now)).map(Node)
    }

    fn write(&self, node: Node, offset: u64, bytes: &[u8]) -> Result<(), FileError> {
        self.change_contents(node, |volume| volume.write(node.0, offset, bytes))
    }

    fn resize(&self, node: Node, size: u64) -> Result<(), FileError> {
        self.change_contents(node, |volume| volume.resize(node.0, size))
    }

    fn remove(&self, directory: Node, name: &[u8]) -> Result<(), FileError> {
        self.change(|volume| volume.remove(directory.0, name))
    }

    fn rename(&self, from: (Node, &[u8]), to: (Node, &[u8])) -> Result<(), FileError> {
        self.change(|volume| volume.rename((from.0.0, from.1), (to.0.0, to.1)))
    }

    fn forget(&self, node: Node) {
        self.volume.with(|volume| volume.forget(node.0));
    }

    fn set_mode(&self, node: Node, mode: u16) -> Result<(), FileError> {
        self.change(|volume| {
            volume.item_mut(node.0)?.set_mode(mode);
            volume.changed.insert(node.0);
            Ok(())
        })
    }

    fn set_modified(&self, node: Node, seconds: u64) -> Result<(), FileError> {
        self.change(|volume| {
            volume.item_mut(node.0)?.set_modified(seconds);
            volume.changed.insert(node.0);
            Ok(())
        })
    }

    fn synchronize(&self) -> Result<(), FileError> {
        if self.is_writable { self.volume.with(Volume::synchronize) } else { Ok(()) }
    }

    fn capacity(&self) -> Option<Capacity> {
        Some(self.volume.with(|volume| volume.capacity()))
    }
}
