//! Where the clusters of a file are, found without a walk from its beginning.

use alloc::vec::Vec;

use iface_filesystem::FileError;

use crate::table::Table;

/// Clusters of a file that lie one behind the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Run {
    /// Which of the file's the first of them is.
    index: u32,
    cluster: u32,
    count: u32,
}

/// A chain.
#[derive(Clone, Debug, Default)]
pub(crate) struct Extents {
    runs: Vec<Run>,
    count: u32,
}

impl Extents {
    /// The first `most` clusters of the chain that begins with `first`; 0 is none.
    ///
    /// # Errors
    /// [`FileError::Corrupt`] where the chain leaves the data area, or has more clusters than that.
    pub(crate) fn read(table: &Table, first: u32, most: u32) -> Result<Self, FileError> {
        let mut extents = Self::default();
        let mut next = (first != 0).then_some(first);
        while let Some(cluster) = next.filter(|_| extents.count < most) {
            // A chain that comes back to itself is longer than the table.
            if !table.contains(cluster) || extents.count >= table.clusters() {
                return Err(FileError::Corrupt);
            }
            extents.push(cluster);
            // What the last one leads to is not asked: nothing of the file lies there.
            next = if extents.count < most { table.next(cluster)? } else { None };
        }
        Ok(extents)
    }

    /// How many clusters it has.
    pub(crate) fn count(&self) -> u32 {
        self.count
    }

    pub(crate) fn first(&self) -> u32 {
        self.runs.first().map_or(0, |run| run.cluster)
    }

    pub(crate) fn last(&self) -> Option<u32> {
        self.runs.last().map(|run| run.cluster + (run.count - 1))
    }

    pub(crate) fn push(&mut self, cluster: u32) {
        match self.runs.last_mut() {
            Some(run) if run.cluster + run.count == cluster => run.count += 1,
            _ => self.runs.push(Run { index: self.count, cluster, count: 1 }),
        }
        self.count += 1;
    }

    /// Takes the last one away.
    pub(crate) fn pop(&mut self) -> Option<u32> {
        let run = self.runs.last_mut()?;
        run.count -= 1;
        self.count -= 1;
        let cluster = run.cluster + run.count;
        if run.count == 0 {
            self.runs.pop();
        }
        Some(cluster)
    }

    /// Cluster `index` of the file, and how many lie one behind the other from there on.
    pub(crate) fn at(&self, index: u32) -> Option<(u32, u32)> {
        let behind = self.runs.partition_point(|run| run.index <= index);
        let run = self.runs[..behind].last()?;
        let within = index - run.index;
        (within < run.count).then(|| (run.cluster + within, run.count - within))
    }
}
