//! What files hold.

use alloc::vec;

use iface_block_device::BlockDevice;
use iface_filesystem::{FileError, Kind};

use crate::{extents::Extents, volume::Volume};

/// The longest file, in bytes.
const LONGEST: u64 = u32::MAX as u64;
/// How many files it is remembered of where they lie.
const OPEN_FILES: usize = 64;
/// Zeros that are written at once.
const ZEROS: usize = 64 << 10;

impl<D: BlockDevice> Volume<D> {
    /// Reads from byte `offset` of a file, and says how many bytes there were.
    pub(crate) fn read(&mut self, node: u64, offset: u64, buffer: &mut [u8]) -> Result<usize, FileError> {
        let size = self.size(node)?;
        let length = size.saturating_sub(offset).min(buffer.len() as u64) as usize;
        if length != 0 {
            self.with_extents(node, |volume, extents| {
                volume.read_extents(extents, offset, &mut buffer[..length])
            })?;
        }
        Ok(length)
    }

    /// Writes all of `bytes` at byte `offset` of a file.
    pub(crate) fn write(&mut self, node: u64, offset: u64, bytes: &[u8]) -> Result<(), FileError> {
        let size = self.size(node)?;
        if bytes.is_empty() {
            return Ok(());
        }
        let end =
            offset.checked_add(bytes.len() as u64).filter(|end| *end <= LONGEST).ok_or(FileError::NoSpace)?;
        if end > size {
            self.lengthen(node, size, end, offset)?;
        }
        self.with_extents(node, |volume, extents| volume.write_extents(extents, offset, bytes))?;
        if end > size {
            self.set_size(node, end)?;
        }
        Ok(())
    }

    /// Cuts a file to `size` bytes, or fills it up with zeros.
    pub(crate) fn resize(&mut self, node: u64, size: u64) -> Result<(), FileError> {
        let before = self.size(node)?;
        if size > LONGEST {
            return Err(FileError::NoSpace);
        }
        if size > before {
            self.lengthen(node, before, size, size)?;
        } else {
            self.shorten(node, size)?;
        }
        self.set_size(node, size)
    }

    /// Frees all that a node has, which has no name any more.
    pub(crate) fn free_all(&mut self, node: u64) -> Result<(), FileError> {
        self.with_extents(node, |volume, extents| {
            while let Some(cluster) = extents.pop() {
                volume.table.free_late(cluster);
            }
            Ok(())
        })
    }

    /// Bytes of a file.
    fn size(&self, node: u64) -> Result<u64, FileError> {
        let item = self.item(node)?;
        match item.kind() {
            Kind::Directory => Err(FileError::IsADirectory),
            Kind::File | Kind::Link => Ok(item.entry.size().into()),
        }
    }

    fn set_size(&mut self, node: u64, size: u64) -> Result<(), FileError> {
        // As long as `LONGEST` at most.
        self.item_mut(node)?.entry.set_size(size as u32);
        self.changed.insert(node);
        Ok(())
    }

    /// Gives a file of `size` bytes clusters for `end`, with zeros up to byte `zeros`. Its size is to be set then.
    fn lengthen(&mut self, node: u64, size: u64, end: u64, zeros: u64) -> Result<(), FileError> {
        let wanted = self.clusters_for(end);
        let kind = self.table.kind();
        let first = self.with_extents(node, |volume, extents| {
            volume.extend(extents, wanted)?;
            volume.clear(extents, size, zeros)?;
            Ok(extents.first())
        })?;
        // A file that had no cluster has a first one now.
        self.item_mut(node)?.entry.set_first_cluster(kind, first);
        Ok(())
    }

    /// Has `extents` be `wanted` clusters long.
    fn extend(&mut self, extents: &mut Extents, wanted: u32) -> Result<(), FileError> {
        let missing = wanted.saturating_sub(extents.count());
        if missing == 0 {
            return Ok(());
        }
        // Where a chain was cut, what was behind is needed until the cut is on the disk.
        let is_cut = extents.last().is_some_and(|last| self.table.is_cut(last));
        if is_cut || missing > self.table.free() {
            self.synchronize()?;
        }
        if missing > self.table.free() {
            return Err(FileError::NoSpace);
        }
        for _ in 0..missing {
            let last = extents.last();
            let cluster = self.table.allocate(last).ok_or(FileError::NoSpace)?;
            if let Some(last) = last {
                self.table.link(last, cluster);
            }
            extents.push(cluster);
        }
        Ok(())
    }

    /// Writes zeros from byte `start` to byte `end` of what lies in `extents`.
    fn clear(&mut self, extents: &Extents, start: u64, end: u64) -> Result<(), FileError> {
        let zeros = vec![0; end.saturating_sub(start).min(ZEROS as u64) as usize];
        let mut at = start;
        while at < end {
            let length = zeros.len().min((end - at) as usize);
            self.write_extents(extents, at, &zeros[..length])?;
            at += length as u64;
        }
        Ok(())
    }

    /// Frees the clusters of a file that `size` bytes do not need.
    fn shorten(&mut self, node: u64, size: u64) -> Result<(), FileError> {
        let wanted = self.clusters_for(size);
        let kind = self.table.kind();
        let is_empty = self.with_extents(node, |volume, extents| {
            if extents.count() > wanted {
                while extents.count() > wanted {
                    extents.pop().into_iter().for_each(|cluster| volume.table.free_late(cluster));
                }
                extents.last().into_iter().for_each(|last| volume.table.end_late(last));
            }
            Ok(extents.count() == 0)
        })?;
        if is_empty {
            self.item_mut(node)?.entry.set_first_cluster(kind, 0);
        }
        Ok(())
    }

    /// Does `work` with where a file lies.
    fn with_extents<R>(
        &mut self,
        node: u64,
        work: impl FnOnce(&mut Self, &mut Extents) -> Result<R, FileError>,
    ) -> Result<R, FileError> {
        let mut extents = match self.files.iter().position(|(of, _)| *of == node) {
            Some(at) => self.files.remove(at).map(|(_, extents)| extents).unwrap_or_default(),
            None => self.find_extents(node)?,
        };
        let result = work(self, &mut extents);
        self.files.truncate(OPEN_FILES - 1);
        self.files.push_front((node, extents));
        result
    }

    /// Where a file lies, by its chain. What of that is behind the file's end, as a power cut may leave it, is not its own.
    fn find_extents(&self, node: u64) -> Result<Extents, FileError> {
        let item = self.item(node)?;
        let wanted = self.clusters_for(item.entry.size().into());
        let extents = Extents::read(&self.table, item.entry.first_cluster(self.table.kind()), wanted)?;
        if extents.count() == wanted { Ok(extents) } else { Err(FileError::Corrupt) }
    }
}
