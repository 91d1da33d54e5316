extern crate std;

use alloc::{format, string::ToString, vec, vec::Vec};

use iface_filesystem::{FileError, Kind, Metadata, conformance};
use iface_platform::{CommandLine, ExitStatus};
use proptest::prelude::*;

use super::*;

const DIRECTORY: u32 = 0o040_755;
const FILE: u32 = 0o100_644;
const LINK: u32 = 0o120_777;

/// An archive that a test writes entry by entry.
#[derive(Default)]
struct Writer {
    image: Vec<u8>,
    inode: u32,
}

impl Writer {
    fn entry(self, name: &str, mode: u32, data: &[u8]) -> Self {
        let inode = self.inode + 1;
        self.linked(name, mode, data, inode, 1)
    }

    fn linked(mut self, name: &str, mode: u32, data: &[u8], inode: u32, links: u32) -> Self {
        self.inode = inode;
        let (size, name_size) = (data.len() as u32, name.len() as u32 + 1);
        let fields = [inode, mode, 0, 0, links, 1_700_000_000, size, 8, 1, 0, 0, name_size, 0];
        self.image.extend(b"070701");
        self.image.extend(fields.iter().flat_map(|field| format!("{field:08x}").into_bytes()));
        self.image.extend([name.as_bytes(), b"\0"].concat());
        self.pad();
        self.image.extend(data);
        self.pad();
        self
    }

    fn pad(&mut self) {
        self.image.resize(self.image.len().next_multiple_of(4), 0);
    }

    fn end(self) -> Vec<u8> {
        self.entry("TRAILER!!!", 0, b"").image
    }
}

fn sample() -> Writer {
    Writer::default()
        .entry(".", DIRECTORY, b"")
        .entry("bin", DIRECTORY, b"")
        .entry("bin/sh", 0o100_755, b"#!")
        .entry("sh", LINK, b"bin/sh")
        .entry("./var/log/old/messages", FILE, b"hello\n")
        .entry("var", 0o040_700, b"")
        .entry("empty", FILE, b"")
}

fn tree(image: Vec<u8>) -> Result<&'static Tree<'static>, ImageError> {
    Tree::new(Vec::leak(image)).map(|tree| &*Box::leak(Box::new(tree)))
}

fn fault(image: Vec<u8>) -> Option<Fault> {
    Tree::new(&image).err().map(|error| error.fault)
}

fn contents(tree: &'static Tree<'static>, path: &str) -> Option<&'static [u8]> {
    tree.bytes(tree.lookup(path.as_bytes()).ok()?)
}

#[test]
fn a_tree_conforms() {
    let tree = tree(sample().end()).unwrap();
    assert_eq!(conformance::consistent(tree), 9);
    conformance::read_only(tree);
}

#[test]
fn files_are_found_where_they_lie() {
    let image = Vec::leak(sample().end());
    let tree: &'static Tree<'static> = Box::leak(Box::new(Tree::new(image).unwrap()));
    let bytes = contents(tree, "/var/log/old/messages").unwrap();
    assert_eq!(bytes, b"hello\n");
    assert!(image.as_ptr_range().contains(&bytes.as_ptr()), "the data were copied");
    assert_eq!(contents(tree, "sh"), Some(b"#!".as_slice()));
    assert_eq!(contents(tree, "empty"), Some(b"".as_slice()));
    let shell = tree.metadata(tree.lookup(b"bin/sh").unwrap());
    assert_eq!(shell, Ok(Metadata { kind: Kind::File, size: 2, modified: 1_700_000_000, mode: 0o755 }));
}

#[test]
fn directories_are_listed_in_order_with_the_modes_of_their_entries() {
    let tree = tree(sample().end()).unwrap();
    let listed = (0..).map_while(|index| tree.entry(tree.root(), index).unwrap());
    let names: Vec<_> = listed.map(|entry| entry.name).collect();
    assert_eq!(names, [b"bin".as_slice(), b"empty", b"sh", b"var"]);
    let mode = |path: &[u8]| tree.metadata(tree.lookup(path).unwrap()).unwrap().mode;
    assert_eq!((mode(b"var"), mode(b"var/log")), (0o700, 0o555), "told, and implied");
}

#[test]
fn hard_links_are_one_file() {
    for first_has_data in [true, false] {
        let (first, second) = if first_has_data {
            (b"x".as_slice(), b"".as_slice())
        } else {
            (b"".as_slice(), b"x".as_slice())
        };
        let image = Writer::default().linked("a", FILE, first, 7, 2).linked("b", FILE, second, 7, 2).end();
        let tree = tree(image).unwrap();
        assert_eq!(tree.lookup(b"a"), tree.lookup(b"b"));
        assert_eq!(contents(tree, "a"), Some(b"x".as_slice()));
    }
    let both = Writer::default().linked("a", FILE, b"x", 7, 2).linked("b", FILE, b"y", 7, 2).end();
    assert_eq!(fault(both), Some(Fault::LinkedTwice));
}

#[test]
fn malformed_entries_are_refused() {
    let one = |name: &str, mode, data: &[u8]| fault(sample().entry(name, mode, data).end());
    for name in ["/etc", "..", "a/../b", "a//b", "a/", "", "a/./b", "../a", ".//a", &"n".repeat(256)] {
        assert_eq!(one(name, FILE, b""), Some(Fault::BadName), "{name:?}");
    }
    for name in ["empty", "bin", "sh", "var/log"] {
        assert_eq!(one(name, FILE, b""), Some(Fault::Duplicate), "{name:?}");
    }
    assert_eq!(one("bin", DIRECTORY, b""), Some(Fault::Duplicate));
    assert_eq!(one("empty/x", FILE, b""), Some(Fault::ParentNotADirectory));
    assert_eq!(one("sh/x/y", FILE, b""), Some(Fault::ParentNotADirectory));
    assert_eq!(one("new", DIRECTORY, b"data"), Some(Fault::BadSize));
    assert_eq!(one("new", LINK, b""), Some(Fault::BadSize));
    assert_eq!(one("dev/console", 0o020_600, b""), Some(Fault::BadKind));
    assert_eq!(one("zero\0inside", FILE, b""), Some(Fault::NameUnterminated));
    assert_eq!(one(&"long/".repeat(900), FILE, b""), Some(Fault::NameTooLong));
}

#[test]
fn headers_are_checked() {
    let with = |at: usize, bytes: &[u8]| {
        let mut image = sample().end();
        image[at..at + bytes.len()].copy_from_slice(bytes);
        fault(image)
    };
    assert_eq!(with(5, b"2"), Some(Fault::BadMagic));
    assert_eq!(with(6, b"0000000g"), Some(Fault::BadNumber));
    assert_eq!(with(6, b"+0000001"), Some(Fault::BadNumber));
    assert_eq!(with(54, b"ffffffff"), Some(Fault::DataTruncated));
    assert_eq!(with(94, b"00000fff"), Some(Fault::NameTruncated));
    assert_eq!(with(94, b"00000000"), Some(Fault::NameUnterminated));
    assert_eq!(with(94, b"00000001"), Some(Fault::NameUnterminated));
    assert_eq!(with(94, b"0000000A"), Some(Fault::NameUnterminated));
}

#[test]
fn the_end_is_checked() {
    assert_eq!(fault(vec![]), Some(Fault::NoTrailer));
    assert_eq!(fault(sample().image), Some(Fault::NoTrailer));
    assert_eq!(fault([sample().end(), vec![0; 512]].concat()), None);
    assert_eq!(fault([sample().end(), sample().end()].concat()), Some(Fault::AfterTrailer));
}

#[test]
fn every_truncation_is_refused() {
    let image = sample().end();
    for length in 0..image.len() {
        assert!(Tree::new(&image[..length]).is_err(), "{length} of {} bytes", image.len());
    }
}

#[test]
fn an_error_tells_its_place() {
    let mut image = sample().image;
    let offset = image.len();
    image.extend(Writer::default().entry("cut", FILE, &[0; 100]).image);
    image.truncate(offset + 150);
    let error = Tree::new(&image).unwrap_err();
    assert_eq!(error, ImageError { entry: 8, offset, fault: Fault::DataTruncated });
    let shown = InitError::Initrd(error).to_string();
    assert_eq!(shown, format!("initrd: entry 8 at offset {offset:#x}: data ends beyond the image"));
}

#[derive(Clone, Copy)]
struct Started(Option<&'static [u8]>);

impl Platform for Started {
    fn command_line(&self) -> CommandLine<'static> {
        CommandLine::default()
    }

    fn initrd(&self) -> Option<&'static [u8]> {
        self.0
    }

    fn exit(&self, _: ExitStatus) -> ! {
        unreachable!("a file system ends nothing")
    }
}

#[test]
fn the_initrd_comes_before_the_packed_tree() {
    let image = |name| &*Vec::leak(Writer::default().entry(name, FILE, b"").end());
    let names = |packed, initrd| {
        let config = Box::leak(Box::new(Config { tree: packed }));
        let files = init(config, Needs { platform: Started(initrd) })?.filesystem;
        Ok(["packed", "initrd"].map(|name| files.lookup(name.as_bytes()).is_ok()))
    };
    assert_eq!(names(Some(image("packed")), None), Ok([true, false]));
    assert_eq!(names(Some(image("packed")), Some(image("initrd"))), Ok([false, true]));
    assert_eq!(names(None, None), Err(InitError::Missing));
    let bad: &'static [u8] = b"gzip";
    assert!(matches!(names(Some(image("packed")), Some(bad)), Err(InitError::Initrd(_))));
    assert!(matches!(names(Some(bad), None), Err(InitError::Tree(_))));
}

#[test]
fn nodes_that_do_not_exist_are_not_found() {
    let tree = tree(sample().end()).unwrap();
    for number in [9, u64::from(u32::MAX), 1 << 32, u64::MAX] {
        let node = iface_filesystem::Node(number);
        assert_eq!(tree.metadata(node), Err(FileError::NotFound));
        assert_eq!(tree.child(node, b"bin"), Err(FileError::NotFound));
        assert_eq!(tree.bytes(node), None);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn changed_images_do_not_panic(
        changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>(), any::<bool>()), 1..6),
        length in proptest::option::weighted(0.2, any::<proptest::sample::Index>()),
    ) {
        let mut image = sample().end();
        for (at, byte, digit) in changes {
            let at = at.index(image.len());
            // Digits keep most headers readable, so that what they say is tried.
            image[at] = if digit { b"0123456789abcdef"[usize::from(byte % 16)] } else { byte };
        }
        if let Some(length) = length {
            image.truncate(length.index(image.len()));
        }
        if let Ok(tree) = Tree::new(&image) {
            prop_assert!(tree.nodes() < 100);
        }
    }

    #[test]
    fn random_images_do_not_panic(mut image in proptest::collection::vec(any::<u8>(), 0..300), header: bool) {
        if header && image.len() >= 110 {
            image[..6].copy_from_slice(b"070701");
            image[6..110].iter_mut().for_each(|byte| *byte = b"0123456789abcdef"[usize::from(*byte % 16)]);
        }
        prop_assert!(Tree::new(&image).is_err());
    }
}
