//! What every file system is held to; its unit tests call these with trees of their own.

use alloc::{collections::BTreeSet, vec, vec::Vec};

use crate::{FileError, FileSystem, Kind, Node};

/// Walks the whole tree and holds what is told about each node against the rest. Returns how many nodes it saw.
///
/// # Panics
/// When the file system contradicts itself; the message says where.
pub fn consistent<F: FileSystem>(files: F) -> usize {
    assert_eq!(files.lookup(b"/"), Ok(files.root()));
    let mut todo = vec![(Vec::new(), files.root())];
    let mut seen = 0;
    while let Some((path, node)) = todo.pop() {
        seen += 1;
        match files.metadata(node).expect("facts about a node that is named").kind {
            Kind::Directory => todo.extend(directory(files, &path, node)),
            Kind::File => {
                assert_eq!(files.lookup(&path), Ok(node), "{}", path.escape_ascii());
                contents(files, node);
            }
            Kind::Link => contents(files, node),
        }
    }
    seen
}

fn directory<F: FileSystem>(files: F, path: &[u8], directory: Node) -> Vec<(Vec<u8>, Node)> {
    let mut names = BTreeSet::new();
    let mut below = Vec::new();
    for index in 0.. {
        let Some(entry) = files.entry(directory, index).expect("an entry of a directory") else { break };
        let shown = entry.name.escape_ascii();
        assert_eq!(files.child(directory, &entry.name), Ok(entry.node), "{shown} is listed as another node");
        assert_eq!(files.metadata(entry.node).map(|facts| facts.kind), Ok(entry.kind), "{shown}");
        assert!(
            !matches!(entry.name.as_slice(), b"" | b"." | b"..") && !entry.name.contains(&b'/'),
            "{shown}"
        );
        assert!(names.insert(entry.name.clone()), "{shown} is listed twice");
        below.push(([path, b"/", &entry.name].concat(), entry.node));
    }
    assert_eq!(files.entry(directory, below.len() + 1), Ok(None), "an entry behind the last");
    assert_eq!(files.child(directory, b"\x01 no such name"), Err(FileError::NotFound));
    assert_eq!(files.read(directory, 0, &mut [0; 8]), Err(FileError::IsADirectory));
    assert_eq!(files.metadata(directory).map(|facts| facts.size), Ok(0), "the size of a directory");
    assert_eq!(files.bytes(directory), None);
    below
}

fn contents<F: FileSystem>(files: F, node: Node) {
    let size = files.metadata(node).expect("facts about a node that is named").size;
    let mut whole = vec![0xaa; usize::try_from(size).expect("a file that fits into memory") + 1];
    assert_eq!(files.read(node, 0, &mut whole), Ok(whole.len() - 1), "the size that was told");
    whole.pop();
    for offset in [0, 1, size / 2, size.saturating_sub(1), size, size + 1, u64::MAX - 1, u64::MAX] {
        let mut part = [0; 5];
        let rest = usize::try_from(offset).ok().and_then(|offset| whole.get(offset..)).unwrap_or_default();
        let expected = &rest[..rest.len().min(part.len())];
        assert_eq!(files.read(node, offset, &mut part), Ok(expected.len()), "from byte {offset} of {size}");
        assert_eq!(&part[..expected.len()], expected, "from byte {offset} of {size}");
    }
    assert!(files.bytes(node).is_none_or(|bytes| bytes == whole), "`bytes` differs from `read`");
    assert_eq!(files.child(node, b"x"), Err(FileError::NotADirectory));
    assert_eq!(files.entry(node, 0), Err(FileError::NotADirectory));
}

/// Tries every operation that changes something on a file system that cannot be changed.
///
/// # Panics
/// When one does not answer [`FileError::ReadOnly`].
pub fn read_only<F: FileSystem>(files: F) {
    assert!(!files.is_writable());
    let root = files.root();
    assert_eq!(files.create(root, b"new", Kind::File, 0o644), Err(FileError::ReadOnly));
    assert_eq!(files.link(root, (root, b"new")), Err(FileError::ReadOnly));
    assert_eq!(files.remove(root, b"new"), Err(FileError::ReadOnly));
    assert_eq!(files.rename((root, b"a"), (root, b"b")), Err(FileError::ReadOnly));
    assert_eq!(files.write(root, 0, b"x"), Err(FileError::ReadOnly));
    assert_eq!(files.resize(root, 0), Err(FileError::ReadOnly));
    assert_eq!(files.set_mode(root, 0o700), Err(FileError::ReadOnly));
    assert_eq!(files.set_modified(root, 1), Err(FileError::ReadOnly));
    assert_eq!(files.synchronize(), Ok(()));
}

/// Holds an empty writable file system to the rules of each operation.
///
/// # Panics
/// When it breaks one; the message says which.
pub fn writable<F: FileSystem>(files: F) {
    assert!(files.is_writable());
    names_are_checked(files);
    bytes_stay_where_they_were_written(files);
    removed_files_live_until_forgotten(files);
    directories_are_removed_empty(files);
    renaming_moves_and_replaces(files);
    directories_do_not_move_into_themselves(files);
    links_lead_on(files);
    assert_eq!(files.entry(files.root(), 0), Ok(None), "the checks left something");
}

fn file<F: FileSystem>(files: F, name: &[u8]) -> Node {
    files.create(files.root(), name, Kind::File, 0o640).expect("a new file")
}

fn remove<F: FileSystem>(files: F, name: &[u8], node: Node) {
    assert_eq!(files.remove(files.root(), name), Ok(()));
    files.forget(node);
}

fn names_are_checked<F: FileSystem>(files: F) {
    let root = files.root();
    for name in [b"".as_slice(), b".", b"..", b"a/b", b"a\0b", &[b'x'; 256]] {
        let created = files.create(root, name, Kind::File, 0o644);
        assert_eq!(created, Err(FileError::InvalidName), "{}", name.escape_ascii());
    }
    let longest = [b'x'; 255];
    let node = file(files, &longest);
    assert_eq!(
        files.metadata(node).map(|facts| (facts.kind, facts.size, facts.mode)),
        Ok((Kind::File, 0, 0o640))
    );
    assert_eq!(files.create(root, &longest, Kind::Directory, 0o755), Err(FileError::Exists));
    assert_eq!(files.create(node, b"below", Kind::File, 0o644), Err(FileError::NotADirectory));
    assert_eq!(files.rename((root, &longest), (root, b"..")), Err(FileError::InvalidName));
    remove(files, &longest, node);
}

fn bytes_stay_where_they_were_written<F: FileSystem>(files: F) {
    let node = file(files, b"data");
    assert_eq!(files.write(node, 10_000, b"end"), Ok(()));
    assert_eq!(files.write(node, 4090, b"across a page"), Ok(()));
    let mut expected = vec![0; 10_003];
    expected[4090..4103].copy_from_slice(b"across a page");
    expected[10_000..].copy_from_slice(b"end");
    assert_contents(files, node, &expected);
    assert_eq!(files.resize(node, 4095), Ok(()));
    assert_eq!(files.resize(node, 9000), Ok(()));
    expected.truncate(4095);
    expected.resize(9000, 0);
    assert_contents(files, node, &expected);
    assert_eq!(files.write(node, u64::MAX, b"x"), Err(FileError::NoSpace));
    assert_eq!(files.write(files.root(), 0, b"x"), Err(FileError::IsADirectory));
    assert_eq!(files.resize(files.root(), 0), Err(FileError::IsADirectory));
    consistent(files);
    remove(files, b"data", node);
}

fn assert_contents<F: FileSystem>(files: F, node: Node, expected: &[u8]) {
    let mut found = vec![0xaa; expected.len() + 1];
    assert_eq!(files.read(node, 0, &mut found), Ok(expected.len()));
    assert!(
        &found[..expected.len()] == expected,
        "a file of {} bytes reads as it was not written",
        expected.len()
    );
}

fn removed_files_live_until_forgotten<F: FileSystem>(files: F) {
    let node = file(files, b"gone");
    files.forget(node);
    assert_eq!(files.write(node, 0, b"alive"), Ok(()), "forgotten with a name");
    assert_eq!(files.remove(files.root(), b"gone"), Ok(()));
    assert_eq!(files.child(files.root(), b"gone"), Err(FileError::NotFound));
    assert_eq!(files.remove(files.root(), b"gone"), Err(FileError::NotFound));
    assert_contents(files, node, b"alive");
    files.forget(node);
    assert_eq!(files.read(node, 0, &mut [0; 1]), Err(FileError::NotFound));
    assert_ne!(file(files, b"gone"), node, "a node's number was given again");
    let again = files.child(files.root(), b"gone").expect("a new file");
    remove(files, b"gone", again);
}

fn directories_are_removed_empty<F: FileSystem>(files: F) {
    let root = files.root();
    let directory = files.create(root, b"d", Kind::Directory, 0o755).expect("a directory");
    let inside = files.create(directory, b"f", Kind::File, 0o644).expect("a file");
    assert_eq!(files.remove(root, b"d"), Err(FileError::NotEmpty));
    assert_eq!(files.remove(directory, b"f"), Ok(()));
    files.forget(inside);
    assert_eq!(files.remove(root, b"d"), Ok(()));
    assert_eq!(files.create(directory, b"late", Kind::File, 0o644), Err(FileError::NotFound));
    files.forget(directory);
    assert_eq!(files.metadata(directory), Err(FileError::NotFound));
}

fn renaming_moves_and_replaces<F: FileSystem>(files: F) {
    let root = files.root();
    let (old, new) = (file(files, b"old"), file(files, b"new"));
    let directory = files.create(root, b"d", Kind::Directory, 0o755).expect("a directory");
    assert_eq!(files.rename((root, b"none"), (root, b"new")), Err(FileError::NotFound));
    assert_eq!(files.rename((root, b"old"), (root, b"d")), Err(FileError::IsADirectory));
    assert_eq!(files.rename((root, b"d"), (root, b"old")), Err(FileError::NotADirectory));
    assert_eq!(files.rename((root, b"old"), (root, b"old")), Ok(()), "a name onto itself");
    assert_eq!(files.rename((root, b"old"), (root, b"new")), Ok(()));
    assert_eq!(files.lookup(b"/new"), Ok(old));
    assert_eq!(files.lookup(b"/old"), Err(FileError::NotFound));
    assert_contents(files, new, b"");
    files.forget(new);
    assert_eq!(files.rename((root, b"new"), (directory, b"deep")), Ok(()));
    assert_eq!(files.lookup(b"/d/deep"), Ok(old));
    assert_eq!(files.remove(directory, b"deep"), Ok(()));
    files.forget(old);
    remove(files, b"d", directory);
}

fn directories_do_not_move_into_themselves<F: FileSystem>(files: F) {
    let root = files.root();
    let outer = files.create(root, b"outer", Kind::Directory, 0o755).expect("a directory");
    let inner = files.create(outer, b"inner", Kind::Directory, 0o755).expect("a directory");
    for place in [outer, inner] {
        assert_eq!(files.rename((root, b"outer"), (place, b"x")), Err(FileError::InvalidName));
    }
    assert_eq!(files.rename((outer, b"inner"), (root, b"inner")), Ok(()));
    assert_eq!(files.rename((root, b"outer"), (inner, b"outer")), Ok(()), "the other way round");
    assert_eq!(files.lookup(b"/inner/outer"), Ok(outer));
    assert_eq!(files.remove(inner, b"outer"), Ok(()));
    files.forget(outer);
    remove(files, b"inner", inner);
}

fn links_lead_on<F: FileSystem>(files: F) {
    let link = match files.create(files.root(), b"link", Kind::Link, 0o777) {
        Err(FileError::Unsupported) => return,
        link => link.expect("a link"),
    };
    let target = file(files, b"target");
    assert_eq!(files.lookup(b"/link"), Err(FileError::NotFound), "a link without a target");
    assert_eq!(files.write(link, 0, b"target"), Ok(()));
    assert_eq!(files.lookup(b"/link"), Ok(target));
    assert_eq!(files.child(files.root(), b"link"), Ok(link));
    remove(files, b"link", link);
    remove(files, b"target", target);
}

/// Holds an empty writable file system whose files have several names to the rules of that.
///
/// # Panics
/// When it breaks one; the message says which.
pub fn several_names<F: FileSystem>(files: F) {
    let root = files.root();
    let node = file(files, b"one");
    let directory = files.create(root, b"d", Kind::Directory, 0o755).expect("a directory");
    assert_eq!(files.links(node), Some(1));
    assert_eq!(files.link(node, (directory, b"two")), Ok(()));
    assert_eq!((files.child(directory, b"two"), files.links(node)), (Ok(node), Some(2)));
    assert_eq!(files.link(node, (root, b"one")), Err(FileError::Exists));
    assert_eq!(files.link(node, (root, b"..")), Err(FileError::InvalidName));
    assert_eq!(files.link(node, (node, b"below")), Err(FileError::NotADirectory));
    assert_eq!(files.link(directory, (root, b"e")), Err(FileError::IsADirectory));
    assert_eq!(files.rename((root, b"one"), (directory, b"two")), Ok(()), "onto itself: both names stay");
    assert_eq!(files.links(node), Some(2));
    consistent(files);
    assert_eq!(files.remove(root, b"one"), Ok(()));
    files.forget(node);
    assert_eq!((files.write(node, 0, b"alive"), files.links(node)), (Ok(()), Some(1)));
    assert_eq!(files.remove(directory, b"two"), Ok(()));
    assert_eq!(files.links(node), Some(0));
    assert_eq!(
        files.link(node, (root, b"late")),
        Err(FileError::NotFound),
        "what has no name gets none again"
    );
    files.forget(node);
    remove(files, b"d", directory);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::Tree;

    #[test]
    fn the_fake_is_consistent() {
        let tree =
            Tree::new(&[("d", Kind::Directory, ""), ("d/f", Kind::File, "text"), ("l", Kind::Link, "d")]);
        assert_eq!(consistent(tree), 4);
        read_only(tree);
    }
}
