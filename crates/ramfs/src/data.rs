//! The bytes of a file.

use alloc::{
    boxed::Box,
    collections::{BTreeMap, btree_map::Entry},
    vec::Vec,
};

use iface_filesystem::FileError;

use crate::budget::Budget;

/// Bytes of a chunk.
pub(crate) const CHUNK: u64 = 4096;
/// As `off_t` has it.
const LARGEST: u64 = i64::MAX as u64;

/// Bytes in chunks by position; where there is none, they are zeros.
#[derive(Debug, Default)]
pub(crate) struct Data {
    chunks: BTreeMap<u64, Box<[u8]>>,
    size: u64,
}

impl Data {
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// How many chunks it holds.
    pub(crate) fn chunks(&self) -> u64 {
        self.chunks.len() as u64
    }

    /// Reads from `offset` into `buffer`, and says how many bytes: fewer than asked only at the end.
    pub(crate) fn read(&self, offset: u64, buffer: &mut [u8]) -> usize {
        let length = self.size.saturating_sub(offset).min(buffer.len() as u64) as usize;
        let mut rest = &mut buffer[..length];
        let mut at = offset;
        while !rest.is_empty() {
            let (chunk, within, part) = place(at, rest.len());
            let (now, later) = rest.split_at_mut(part);
            match self.chunks.get(&chunk) {
                Some(bytes) => now.copy_from_slice(&bytes[within..within + part]),
                None => now.fill(0),
            }
            at += part as u64;
            rest = later;
        }
        length
    }

    /// Writes all of `bytes` at `offset`, or a first part of them where the space ends.
    pub(crate) fn write(&mut self, budget: &mut Budget, offset: u64, bytes: &[u8]) -> Result<(), FileError> {
        let end = offset.checked_add(bytes.len() as u64).filter(|end| *end <= LARGEST);
        end.ok_or(FileError::NoSpace)?;
        let mut rest = bytes;
        let mut at = offset;
        while !rest.is_empty() {
            let (chunk, within, part) = place(at, rest.len());
            let (now, later) = rest.split_at(part);
            self.chunk(budget, chunk)?[within..within + part].copy_from_slice(now);
            at += part as u64;
            self.size = self.size.max(at);
            rest = later;
        }
        Ok(())
    }

    /// Cuts to `size` bytes, or fills up with zeros.
    pub(crate) fn resize(&mut self, budget: &mut Budget, size: u64) -> Result<(), FileError> {
        if size > LARGEST {
            return Err(FileError::NoSpace);
        }
        if size < self.size {
            let cut = self.chunks.split_off(&size.div_ceil(CHUNK));
            budget.give(cut.len() as u64 * CHUNK);
            // What lies behind the end must read as zeros when the file grows again.
            if let Some(last) = self.chunks.get_mut(&(size / CHUNK)) {
                last[(size % CHUNK) as usize..].fill(0);
            }
        }
        self.size = size;
        Ok(())
    }

    /// The bytes of a chunk, made where there is none.
    fn chunk(&mut self, budget: &mut Budget, number: u64) -> Result<&mut [u8], FileError> {
        match self.chunks.entry(number) {
            Entry::Occupied(chunk) => Ok(chunk.into_mut()),
            Entry::Vacant(place) => {
                budget.take(CHUNK)?;
                Ok(place.insert(zeros().inspect_err(|_| budget.give(CHUNK))?))
            }
        }
    }
}

/// Which chunk holds byte `at`, where in it, and how many of `length` bytes from there it holds.
fn place(at: u64, length: usize) -> (u64, usize, usize) {
    let within = (at % CHUNK) as usize;
    (at / CHUNK, within, length.min(CHUNK as usize - within))
}

fn zeros() -> Result<Box<[u8]>, FileError> {
    let mut chunk = Vec::new();
    chunk.try_reserve_exact(CHUNK as usize).map_err(|_| FileError::NoSpace)?;
    chunk.resize(CHUNK as usize, 0);
    Ok(chunk.into_boxed_slice())
}
