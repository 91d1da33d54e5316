//! Walking a path, the same for every file system (POSIX.1-2017, section 4.13; path_resolution(7)).

use alloc::{borrow::Cow, vec, vec::Vec};

use crate::{FileError, FileSystem, Kind, Node};

/// How many links one path may lead through, as Linux has it.
const MAX_LINKS: usize = 40;
/// Bytes of a link's target, as Linux has it (`PATH_MAX`).
const MAX_TARGET: u64 = 4096;

pub(crate) fn lookup<F: FileSystem>(files: F, path: &[u8]) -> Result<Node, FileError> {
    if path.is_empty() {
        return Err(FileError::NotFound);
    }
    let root = files.root();
    // The directories walked through, for `..`; what was found is last.
    let mut trail = vec![root];
    let mut links = 0;
    let mut path = Cow::Borrowed(path);
    let mut at = 0;
    while let Some(name) = next_name(&path, &mut at) {
        let here = trail.last().copied().unwrap_or(root);
        if files.metadata(here)?.kind != Kind::Directory {
            return Err(FileError::NotADirectory);
        }
        match name {
            b"." => {}
            b".." => trail.truncate((trail.len() - 1).max(1)),
            _ => {
                let node = files.child(here, name)?;
                if files.metadata(node)?.kind != Kind::Link {
                    trail.push(node);
                    continue;
                }
                links += 1;
                if links > MAX_LINKS {
                    return Err(FileError::TooManyLinks);
                }
                let target = read_link(files, node)?;
                if target.starts_with(b"/") {
                    trail.truncate(1);
                }
                path = Cow::Owned([&target, &path[at..]].concat());
                at = 0;
            }
        }
    }
    Ok(trail.last().copied().unwrap_or(root))
}

/// The name at `at`, which moves behind it. Slashes at the end of a path stand for `.`: what they follow must be a
/// directory.
fn next_name<'a>(path: &'a [u8], at: &mut usize) -> Option<&'a [u8]> {
    let rest = path.get(*at..).filter(|rest| !rest.is_empty())?;
    let start = rest.iter().position(|byte| *byte != b'/').unwrap_or(rest.len());
    let length = rest[start..].iter().position(|byte| *byte == b'/').unwrap_or(rest.len() - start);
    *at += start + length;
    Some(if length == 0 { b"." } else { &rest[start..][..length] })
}

fn read_link<F: FileSystem>(files: F, node: Node) -> Result<Vec<u8>, FileError> {
    let size = files.metadata(node)?.size;
    if size > MAX_TARGET {
        return Err(FileError::Corrupt);
    }
    let mut target = vec![0; size as usize];
    let read = files.read(node, 0, &mut target)?;
    target.truncate(read);
    if target.is_empty() { Err(FileError::NotFound) } else { Ok(target) }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::format;

    use super::*;
    use crate::fake::Tree;

    fn tree() -> &'static Tree {
        Tree::new(&[
            ("bin", Kind::Directory, ""),
            ("bin/sh", Kind::File, "#!"),
            ("etc", Kind::Directory, ""),
            ("etc/conf", Kind::Directory, ""),
            ("etc/conf/name", Kind::File, "unicore"),
            ("absolute", Kind::Link, "/bin/sh"),
            ("relative", Kind::Link, "bin/sh"),
            ("directory", Kind::Link, "etc/conf"),
            ("slash", Kind::Link, "bin/sh/"),
            ("up", Kind::Link, "../../../bin"),
            ("etc/back", Kind::Link, "../bin/sh"),
            ("loop", Kind::Link, "loop"),
            ("ping", Kind::Link, "pong"),
            ("pong", Kind::Link, "/ping/x"),
            ("empty", Kind::Link, ""),
            ("dangling", Kind::Link, "nowhere"),
        ])
    }

    fn found(path: &str) -> Result<&'static str, FileError> {
        let tree = tree();
        tree.lookup(path.as_bytes()).map(|node| tree.path(node))
    }

    #[test]
    fn plain_paths() {
        for path in ["bin/sh", "/bin/sh", "//bin///sh", "./bin/./sh", "/etc/../bin/sh", "/../../bin/sh"] {
            assert_eq!(found(path), Ok("bin/sh"), "{path}");
        }
        for path in ["/", "//", ".", "..", "/.", "bin/..", "etc/conf/../.."] {
            assert_eq!(found(path), Ok(""), "{path}");
        }
        for path in ["", "nothing", "bin/nothing", "nothing/..", "dangling", "empty"] {
            assert_eq!(found(path), Err(FileError::NotFound), "{path:?}");
        }
    }

    #[test]
    fn links_are_followed_wherever_they_are() {
        for path in ["absolute", "relative", "up/sh", "etc/back", "/etc/../etc/back"] {
            assert_eq!(found(path), Ok("bin/sh"), "{path}");
        }
        assert_eq!(found("directory/name"), Ok("etc/conf/name"));
        // `..` goes up from where the link leads, not from where it lies.
        assert_eq!(found("directory/../back"), Ok("bin/sh"));
        assert_eq!(found("directory/"), Ok("etc/conf"));
    }

    #[test]
    fn a_file_is_no_directory() {
        for path in ["bin/sh/", "bin/sh/.", "bin/sh/..", "bin/sh/x", "relative/", "slash", "absolute/.."] {
            assert_eq!(found(path), Err(FileError::NotADirectory), "{path}");
        }
    }

    #[test]
    fn loops_end() {
        for path in ["loop", "ping", "loop/x"] {
            assert_eq!(found(path), Err(FileError::TooManyLinks), "{path}");
        }
    }

    #[test]
    fn forty_links_and_no_more() {
        let names: Vec<_> = (0..=41).map(|number| format!("{number}")).collect();
        let mut entries = vec![("0", Kind::File, "")];
        entries.extend(names.windows(2).map(|pair| (pair[1].as_str(), Kind::Link, pair[0].as_str())));
        let tree = Tree::new(&entries);
        assert!(tree.lookup(b"40").is_ok());
        assert_eq!(tree.lookup(b"41"), Err(FileError::TooManyLinks));
    }
}
