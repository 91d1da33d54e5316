extern crate std;

use alloc::{boxed::Box, vec};

use iface_clock::{Duration, fake::FakeClock};
use iface_filesystem::{Capacity, FileError, FileSystem, Kind, Node, conformance};

use crate::{Config, ramfs::RamFs};

pub(crate) fn empty() -> (&'static RamFs<&'static FakeClock>, &'static FakeClock) {
    let clock: &'static FakeClock = Box::leak(Box::default());
    (Box::leak(Box::new(RamFs::new(&Config { max_mib: 1 }, clock))), clock)
}

fn file(files: &'static RamFs<&'static FakeClock>, name: &[u8]) -> Node {
    files.create(files.root(), name, Kind::File, 0o644).unwrap()
}

#[test]
fn conforms() {
    let (files, _) = empty();
    conformance::writable(files);
    conformance::several_names(files);
    assert_eq!(files.used(), 0);
    assert_eq!(conformance::consistent(files), 1);
}

#[test]
fn space_ends_and_comes_back() {
    let (files, _) = empty();
    let node = file(files, b"large");
    let megabyte = vec![7; 1 << 20];
    assert_eq!(files.write(node, 0, &megabyte), Err(FileError::NoSpace));
    assert_eq!(files.write(node, 0, &megabyte[8192..]), Ok(()));
    assert_eq!(files.resize(node, 5000), Ok(()));
    assert_eq!(files.used(), 512 + 2 * 4096);
    assert_eq!(files.remove(files.root(), b"large"), Ok(()));
    files.forget(node);
    assert_eq!(files.used(), 0);
}

#[test]
fn names_take_space_too() {
    let (files, _) = empty();
    let directory = files.create(files.root(), b"d", Kind::Directory, 0o755).unwrap();
    let create =
        |number: usize| files.create(directory, std::format!("{number}").as_bytes(), Kind::File, 0o644);
    let refused = (0..10_000).find_map(|number| create(number).err());
    assert_eq!(refused, Some(FileError::NoSpace));
    assert!(files.used() <= 1 << 20);
    conformance::consistent(files);
}

#[test]
fn holes_take_no_space() {
    let (files, _) = empty();
    let node = file(files, b"sparse");
    assert_eq!(files.write(node, 1 << 40, b"x"), Ok(()));
    assert_eq!(files.metadata(node).unwrap().size, (1 << 40) + 1);
    assert!(files.used() < 8192);
    let mut bytes = [1; 16];
    assert_eq!(files.read(node, (1 << 40) - 15, &mut bytes), Ok(16));
    assert_eq!(bytes, *b"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0x");
    assert_eq!(files.resize(node, i64::MAX as u64), Ok(()));
    assert_eq!(files.resize(node, 1 << 63), Err(FileError::NoSpace));
}

#[test]
fn changes_are_dated() {
    let (files, clock) = empty();
    let modified = |node| files.metadata(node).unwrap().modified;
    clock.advance(Duration::from_secs(100));
    let node = file(files, b"f");
    assert_eq!((modified(node), modified(files.root())), (100, 100));
    clock.advance(Duration::from_secs(1));
    files.write(node, 0, b"x").unwrap();
    assert_eq!((modified(node), modified(files.root())), (101, 100));
    clock.advance(Duration::from_secs(1));
    files.remove(files.root(), b"f").unwrap();
    assert_eq!((modified(node), modified(files.root())), (101, 102));
}

#[test]
fn facts_can_be_set() {
    let (files, _) = empty();
    let node = file(files, b"f");
    assert_eq!((files.set_mode(node, 0o4711), files.set_modified(node, 7)), (Ok(()), Ok(())));
    let facts = files.metadata(node).unwrap();
    assert_eq!((facts.mode, facts.modified), (0o4711, 7));
    assert_eq!(files.capacity(), Some(Capacity { total: 1 << 20, free: (1 << 20) - 512 }));
    assert_eq!(files.set_mode(Node(77), 0), Err(FileError::NotFound));
}
