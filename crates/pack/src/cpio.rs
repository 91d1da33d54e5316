//! A directory tree as a newc archive: the same tree gives the same bytes.
//!
//! The form is that of Linux `Documentation/driver-api/early-userspace/buffer-format.rst`: a header of thirteen fields
//! of eight hexadecimal digits behind the magic number 070701, the name, the data, each padded to four bytes.

use std::fs::{self, Metadata};
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::Error;

const DIRECTORY: u32 = 0o040_000;
const REGULAR: u32 = 0o100_000;
const SYMBOLIC_LINK: u32 = 0o120_000;

/// Writes the tree below `root` into `out`: entries in order of their names, owned by root, dated `mtime` seconds
/// after 1970, without permission to write.
///
/// # Errors
/// When something cannot be read or written, is a device, socket or pipe, or has 4 GiB or more.
pub fn archive(root: &Path, mtime: u32, out: &mut impl Write) -> Result<(), Error> {
    let mut archive = Archive { out, mtime, inode: 0 };
    archive.directory(root, b"")?;
    archive.entry(root, b"TRAILER!!!", 0, &[])
}

struct Archive<'a, W> {
    out: &'a mut W,
    mtime: u32,
    /// Number of the last entry.
    inode: u32,
}

impl<W: Write> Archive<'_, W> {
    fn directory(&mut self, path: &Path, name: &[u8]) -> Result<(), Error> {
        let listing = fs::read_dir(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        let mut entries = listing.map_err(Error::file("list", path))?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let mut below = name.to_vec();
            if !below.is_empty() {
                below.push(b'/');
            }
            below.extend_from_slice(entry.file_name().as_bytes());
            self.node(&entry.path(), &below)?;
        }
        Ok(())
    }

    fn node(&mut self, path: &Path, name: &[u8]) -> Result<(), Error> {
        let metadata = fs::symlink_metadata(path).map_err(Error::file("read", path))?;
        let kind = metadata.file_type();
        if kind.is_dir() {
            self.entry(path, name, DIRECTORY | permissions(&metadata), &[])?;
            self.directory(path, name)
        } else if kind.is_file() {
            let data = fs::read(path).map_err(Error::file("read", path))?;
            self.entry(path, name, REGULAR | permissions(&metadata), &data)
        } else if kind.is_symlink() {
            let target = fs::read_link(path).map_err(Error::file("read", path))?;
            self.entry(path, name, SYMBOLIC_LINK | 0o777, target.as_os_str().as_bytes())
        } else {
            Err(Error::Kind(path.to_owned()))
        }
    }

    fn entry(&mut self, path: &Path, name: &[u8], mode: u32, data: &[u8]) -> Result<(), Error> {
        let size = u32::try_from(data.len()).map_err(|_| Error::TooLarge(path.to_owned()))?;
        // The trailer is no file, and has no number.
        self.inode += u32::from(mode != 0);
        let inode = if mode == 0 { 0 } else { self.inode };
        let mtime = if mode == 0 { 0 } else { self.mtime };
        let links = if mode & DIRECTORY == DIRECTORY { 2 } else { 1 };
        let name_size = u32::try_from(name.len() + 1).map_err(|_| Error::TooLarge(path.to_owned()))?;
        let fields = [inode, mode, 0, 0, links, mtime, size, 0, 0, 0, 0, name_size, 0];
        let mut header = b"070701".to_vec();
        header.extend(fields.iter().flat_map(|field| format!("{field:08X}").into_bytes()));
        header.extend_from_slice(name);
        header.push(0);
        self.padded(path, &header)?;
        self.padded(path, data)
    }

    fn padded(&mut self, path: &Path, bytes: &[u8]) -> Result<(), Error> {
        let padding = [0; 3];
        let length = bytes.len().next_multiple_of(4) - bytes.len();
        self.out
            .write_all(bytes)
            .and_then(|()| self.out.write_all(&padding[..length]))
            .map_err(Error::file("pack", path))
    }
}

/// Who may read and run it; nobody writes to an image.
fn permissions(metadata: &Metadata) -> u32 {
    if metadata.is_dir() || metadata.permissions().mode() & 0o111 != 0 { 0o555 } else { 0o444 }
}
