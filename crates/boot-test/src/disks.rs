//! The files that are disks of a machine.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::scenario::Disk;

/// Tells the scenarios of one process apart.
static NEXT: AtomicU32 = AtomicU32::new(0);

/// Files as a scenario names them, or copies that an image may write; the copies go with this.
pub(crate) struct Disks {
    paths: Vec<PathBuf>,
    /// Holds the copies, if there are any.
    directory: Option<PathBuf>,
}

impl Disks {
    /// The files of these disks.
    pub(crate) fn new(disks: &[Disk]) -> io::Result<Self> {
        let mut made = Self { paths: Vec::new(), directory: None };
        for disk in disks {
            let path = if disk.writable { made.copy(&disk.file)? } else { disk.file.clone() };
            made.paths.push(path);
        }
        Ok(made)
    }

    pub(crate) fn paths(&self) -> &[PathBuf] {
        &self.paths
    }

    fn copy(&mut self, file: &Path) -> io::Result<PathBuf> {
        let directory = match &self.directory {
            Some(directory) => directory,
            None => self.directory.insert(new_directory()?),
        };
        let copy = directory.join(format!("disk{}", self.paths.len()));
        fs::copy(file, &copy)?;
        // The copy of a file from the store is as little for writing as that one.
        fs::set_permissions(&copy, Permissions::from_mode(0o600))?;
        Ok(copy)
    }
}

impl Drop for Disks {
    fn drop(&mut self) {
        if let Some(directory) = &self.directory {
            // What is left of them lies in the directory for temporary files.
            let _ = fs::remove_dir_all(directory);
        }
    }
}

fn new_directory() -> io::Result<PathBuf> {
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let directory = std::env::temp_dir().join(format!("boot-test-{}-{number}", std::process::id()));
    fs::create_dir(&directory)?;
    Ok(directory)
}
