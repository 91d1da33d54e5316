//! Walking a path, the same for every file system.

use alloc::{vec, vec::Vec};

use crate::{FileError, FileSystem, Kind, Node};

/// As Linux has it (path_resolution(7)).
const MAX_LINKS: usize = 40;

pub(crate) fn lookup<F: FileSystem>(files: F, path: &[u8]) -> Result<Node, FileError> {
    let mut trail = vec![files.root()];
    let mut links = 0;
    // Names still to walk, the next one last.
    let mut names: Vec<Vec<u8>> = split(path);
    while let Some(name) = names.pop() {
        let here = *trail.last().expect("the root is never taken off");
        match name.as_slice() {
            b"." => {}
            b".." => {
                if trail.len() > 1 {
                    trail.pop();
                }
            }
            _ => {
                if files.metadata(here)?.kind != Kind::Directory {
                    return Err(FileError::NotADirectory);
                }
                let node = files.child(here, &name)?;
                if files.metadata(node)?.kind == Kind::Link {
                    links += 1;
                    if links > MAX_LINKS {
                        return Err(FileError::TooManyLinks);
                    }
                    let target = read_link(files, node)?;
                    if target.first() == Some(&b'/') {
                        trail.truncate(1);
                    }
                    names.extend(split(&target));
                } else {
                    trail.push(node);
                }
            }
        }
    }
    let found = *trail.last().expect("the root is never taken off");
    if path.last() == Some(&b'/') && files.metadata(found)?.kind != Kind::Directory {
        return Err(FileError::NotADirectory);
    }
    Ok(found)
}

fn split(path: &[u8]) -> Vec<Vec<u8>> {
    path.split(|byte| *byte == b'/').filter(|name| !name.is_empty()).rev().map(<[u8]>::to_vec).collect()
}

fn read_link<F: FileSystem>(files: F, node: Node) -> Result<Vec<u8>, FileError> {
    let size = usize::try_from(files.metadata(node)?.size).map_err(|_| FileError::Corrupt)?;
    if size > 4096 {
        return Err(FileError::Corrupt);
    }
    let mut target = vec![0; size];
    let read = files.read(node, 0, &mut target)?;
    target.truncate(read);
    Ok(target)
}
