//! Finding out what a file is.

use alloc::string::String;

use rustix::{
    fd::OwnedFd,
    fs::{FileType, FlockOperation, Mode, OFlags, SeekFrom, flock, fstat, open as open_file, seek},
    io::Errno,
};

use crate::{disk::Disk, error::InitError};

/// Opens the file as a disk with blocks of `block_size` bytes, for writing where that may be.
pub(crate) fn open(path: &str, block_size: usize) -> Result<Disk, InitError> {
    let failed = |errno| InitError::Open(String::from(path), errno);
    let (file, is_read_only) = open_as_may_be(path).map_err(failed)?;
    let facts = fstat(&file).map_err(failed)?;
    if !matches!(FileType::from_raw_mode(facts.st_mode), FileType::RegularFile | FileType::BlockDevice) {
        return Err(InitError::Kind(String::from(path)));
    }
    if !is_read_only {
        flock(&file, FlockOperation::NonBlockingLockExclusive).map_err(|errno| match errno {
            Errno::WOULDBLOCK => InitError::InUse(String::from(path)),
            other => failed(other),
        })?;
    }
    // A block device has no length but where its end is.
    let length = seek(&file, SeekFrom::End(0)).map_err(failed)?;
    Ok(Disk::new(file, length, block_size, is_read_only))
}

/// The file, and whether it is only for reading: its mode says so, to which root is not held, or the kernel does.
fn open_as_may_be(path: &str) -> Result<(OwnedFd, bool), Errno> {
    // What can't be waited for, as a pipe without a writer, is opened all the same, and refused for its kind.
    let flags = OFlags::CLOEXEC | OFlags::NOCTTY | OFlags::NONBLOCK;
    let file = open_file(path, OFlags::RDONLY | flags, Mode::empty())?;
    if !Mode::from_raw_mode(fstat(&file)?.st_mode).contains(Mode::WUSR) {
        return Ok((file, true));
    }
    match open_file(path, OFlags::RDWR | flags, Mode::empty()) {
        Ok(writable) => Ok((writable, false)),
        Err(Errno::ACCESS | Errno::PERM | Errno::ROFS | Errno::TXTBSY | Errno::ISDIR) => Ok((file, true)),
        Err(errno) => Err(errno),
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::{format, fs, os::unix::fs::PermissionsExt, path::PathBuf};

    use iface_block_device::BlockDevice;

    use super::*;

    fn file(name: &str, length: usize, mode: u32) -> PathBuf {
        let path = std::env::temp_dir().join(format!("file-disk-{}-{name}", std::process::id()));
        let _ = fs::remove_file(&path);
        fs::write(&path, std::vec![7; length]).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    #[test]
    fn a_disk_is_what_its_mode_says() {
        for (mode, is_read_only) in [(0o600, false), (0o400, true), (0o444, true)] {
            let path = file("mode", 5000, mode);
            let disk =
                &*std::boxed::Box::leak(std::boxed::Box::new(open(path.to_str().unwrap(), 512).unwrap()));
            assert_eq!((disk.is_read_only(), disk.blocks(), disk.block_size()), (is_read_only, 9, 512));
            fs::remove_file(path).unwrap();
        }
    }

    #[test]
    fn one_process_writes_and_many_read() {
        let path = file("lock", 4096, 0o600);
        let name = path.to_str().unwrap();
        let first = open(name, 512).unwrap();
        assert_eq!(open(name, 512).err(), Some(InitError::InUse(name.into())));
        drop(first);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
        let _first = open(name, 512).unwrap();
        assert!(open(name, 512).is_ok());
        fs::remove_file(path).unwrap();
    }

    #[test]
    fn what_is_no_disk_is_refused() {
        for path in ["/", "/dev/null"] {
            assert_eq!(open(path, 512).err(), Some(InitError::Kind(path.into())), "{path}");
        }
        assert_eq!(open("/none/such", 512).err(), Some(InitError::Open("/none/such".into(), Errno::NOENT)));
    }
}
