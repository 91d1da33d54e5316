//! Files and a directory that are open: what is read on needs no search.

use alloc::{collections::VecDeque, vec::Vec};

use ext4_view::{DirEntry, Ext4, Ext4Error, File, ReadDir};
use iface_filesystem::{Kind, Node};

/// How many files stay open: as many readers may be at different places without a new beginning.
const OPEN_FILES: usize = 16;

/// Open files, the one used last in front.
#[derive(Default)]
pub(crate) struct OpenFiles(VecDeque<(Node, File)>);

impl OpenFiles {
    /// Reads from byte `offset` of the file at `path` into `buffer`, and says how many bytes.
    ///
    /// A file is read forwards alone: `File::seek_to` passes over errors, and the next read then panics.
    pub(crate) fn read(
        &mut self,
        ext4: &Ext4,
        node: Node,
        path: &[u8],
        offset: u64,
        buffer: &mut [u8],
    ) -> Result<usize, Ext4Error> {
        let mut file = match self.take(node, offset) {
            Some(file) => file,
            None => ext4.open(path)?,
        };
        // A file that failed is dropped: it is at an unknown place, and does not tell of the failure again.
        skip_to(&mut file, offset, buffer)?;
        let length = fill(&mut file, buffer)?;
        self.0.truncate(OPEN_FILES - 1);
        self.0.push_front((node, file));
        Ok(length)
    }

    /// The open file of `node` that is nearest before byte `offset`.
    fn take(&mut self, node: Node, offset: u64) -> Option<File> {
        let before = |(of, file): &&(Node, File)| *of == node && file.position() <= offset;
        let nearest = self.0.iter().filter(before).map(|(_, file)| file.position()).max()?;
        let at = self.0.iter().position(|(of, file)| *of == node && file.position() == nearest)?;
        self.0.remove(at).map(|(_, file)| file)
    }
}

/// Reads up to byte `offset`, which is not behind the file's end, over and over into `buffer`.
fn skip_to(file: &mut File, offset: u64, buffer: &mut [u8]) -> Result<(), Ext4Error> {
    loop {
        let rest = usize::try_from(offset - file.position()).unwrap_or(usize::MAX);
        let length = rest.min(buffer.len());
        if file.read_bytes(&mut buffer[..length])? == 0 {
            return Ok(());
        }
    }
}

fn fill(file: &mut File, buffer: &mut [u8]) -> Result<usize, Ext4Error> {
    let mut filled = 0;
    loop {
        match file.read_bytes(&mut buffer[filled..])? {
            0 => return Ok(filled),
            length => filled += length,
        }
    }
}

/// A directory that is listed entry by entry.
pub(crate) struct Listing {
    node: Node,
    /// Position of the next entry.
    index: usize,
    entries: ReadDir,
}

impl Listing {
    pub(crate) fn new(ext4: &Ext4, node: Node, path: &[u8]) -> Result<Self, Ext4Error> {
        Ok(Self { node, index: 0, entries: ext4.read_dir(path)? })
    }

    /// Whether it can go on to entry `index` of `node`.
    pub(crate) fn is_before(&self, node: Node, index: usize) -> bool {
        self.node == node && self.index <= index
    }

    /// Entry `index`, which was not passed yet; `None` behind the last.
    pub(crate) fn entry(&mut self, index: usize) -> Result<Option<DirEntry>, Ext4Error> {
        for entry in self.entries.by_ref() {
            let entry = entry?;
            if !is_shown(&entry)? {
                continue;
            }
            self.index += 1;
            if self.index > index {
                return Ok(Some(entry));
            }
        }
        Ok(None)
    }
}

/// Whether it is a name of the tree: of a file, directory or link, and not one of the two of every directory.
fn is_shown(entry: &DirEntry) -> Result<bool, Ext4Error> {
    let is_own = matches!(entry.file_name().as_ref(), b"." | b"..");
    Ok(!is_own && kind(entry.file_type()?).is_some())
}

/// What a type of file is in a tree; `None` for devices, pipes and sockets.
pub(crate) fn kind(file_type: ext4_view::FileType) -> Option<Kind> {
    match file_type {
        kind if kind.is_regular_file() => Some(Kind::File),
        kind if kind.is_dir() => Some(Kind::Directory),
        kind if kind.is_symlink() => Some(Kind::Link),
        _ => None,
    }
}

/// The bytes of a link's target.
pub(crate) fn target(ext4: &Ext4, path: &[u8]) -> Result<Vec<u8>, Ext4Error> {
    ext4.read_link(path).map(|target| target.as_ref().to_vec())
}
