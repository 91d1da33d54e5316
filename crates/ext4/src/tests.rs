//! The trees on images of mke2fs (`images/make`), as they are and damaged.

extern crate std;
use std::{eprintln, format, panic::AssertUnwindSafe, string::ToString, vec};

use alloc::{collections::BTreeSet, vec::Vec};

use iface_block_device::{BlockDevice, BlockError, fake::Disk};
use iface_events::fake::FakeEvents;
use iface_filesystem::{FileError, FileSystem, Kind, Node, conformance};
use iface_scheduler::fake::FakeScheduler;

use crate::{Config, Fault, InitError, Needs, init, volume::Volume};

/// Bytes of an image.
const IMAGE: usize = 256 * 1024;

const CHECKSUMS: &[u8] = include_bytes!("images/checksums.blocks");
const PLAIN: &[u8] = include_bytes!("images/plain.blocks");
const EXT2: &[u8] = include_bytes!("images/ext2.blocks");

/// The image whose blocks were kept.
fn image(blocks: &[u8]) -> Vec<u8> {
    let mut image = vec![0; IMAGE];
    for kept in blocks.chunks_exact(4 + 1024) {
        let (number, block) = kept.split_first_chunk().unwrap();
        image[u32::from_le_bytes(*number) as usize * 1024..][..1024].copy_from_slice(block);
    }
    image
}

fn scheduler() -> impl iface_scheduler::Scheduler {
    let events = FakeEvents::new(alloc::boxed::Box::leak(Default::default()));
    FakeScheduler::new(events, events.clock())
}

fn mount<D: BlockDevice>(block_device: D) -> Result<impl FileSystem, InitError> {
    Ok(init(&Config {}, Needs { block_device, scheduler: scheduler() })?.filesystem)
}

fn contents(files: impl FileSystem, path: &str) -> Result<Vec<u8>, FileError> {
    let node = files.lookup(path.as_bytes())?;
    let mut bytes = vec![0xaa; files.metadata(node)?.size as usize];
    assert_eq!(files.read(node, 0, &mut bytes)?, bytes.len());
    Ok(bytes)
}

/// What `images/make` writes into `holes`.
fn holes() -> Vec<u8> {
    let mut bytes = vec![0; 40_000];
    for piece in 0..10 {
        bytes[piece * 3 * 1024..][..7].copy_from_slice(format!("piece {piece}").as_bytes());
    }
    bytes
}

#[test]
fn every_kind_of_image_has_the_same_tree() {
    for (blocks, block_size) in
        [(CHECKSUMS, 512), (PLAIN, 512), (EXT2, 512), (CHECKSUMS, 4096), (PLAIN, 1024)]
    {
        let files = mount(Disk::read_only(block_size, image(blocks))).unwrap();
        // Five directories, six files (one by two names) and three links, and 61 files of a directory with an index.
        assert_eq!(conformance::consistent(files), 75);
        conformance::read_only(files);
        assert_eq!(contents(files, "/etc/conf/name").unwrap(), b"unicore");
        for other in ["/link", "long-link", "/directory/conf/name", "/directory/../link"] {
            assert_eq!(contents(files, other).unwrap(), b"unicore", "{other}");
        }
        assert_eq!(contents(files, "/hard"), contents(files, "/etc/run"));
        assert_eq!(contents(files, "/empty").unwrap(), b"");
        assert_eq!(contents(files, "/holes").unwrap(), holes());
        let lines: std::string::String =
            (0..=600).map(|line| format!("{line:05}: a line of a file of 20 KiB\n")).collect();
        assert_eq!(contents(files, "/lines").unwrap(), lines.as_bytes());
        assert_eq!(contents(files, "/many/a-file-with-a-long-name-60").unwrap(), b"");
        for missing in ["/pipe", "/many/a-file-with-a-long-name-61", "/Empty", "/etc/conf/name/x/../y"] {
            let error = contents(files, missing).unwrap_err();
            assert!(matches!(error, FileError::NotFound | FileError::NotADirectory), "{missing}: {error}");
        }
        let facts = files.metadata(files.lookup(b"/etc/run").unwrap()).unwrap();
        assert_eq!((facts.kind, facts.mode, facts.modified), (Kind::File, 0o750, 1_700_000_000));
        for name in [&b""[..], b".", b"..", b"etc/run", b"a\0b", &[b'x'; 300]] {
            assert_eq!(files.child(files.root(), name), Err(FileError::NotFound), "{}", name.escape_ascii());
        }
        assert_eq!(files.metadata(Node(1 << 40)), Err(FileError::NotFound));
    }
}

#[test]
fn readers_at_many_places_of_a_file_do_not_disturb_each_other() {
    let files = mount(Disk::read_only(512, image(PLAIN))).unwrap();
    let node = files.lookup(b"/holes").unwrap();
    let expected = holes();
    let mut places: Vec<usize> = (0..40).map(|reader| reader * 977).collect();
    for _ in 0..30 {
        for place in &mut places {
            let mut part = [0xaa; 333];
            let length = files.read(node, *place as u64, &mut part).unwrap();
            assert_eq!(
                part[..length],
                expected[(*place).min(40_000)..(*place + 333).min(40_000)],
                "at {place}"
            );
            *place += length;
        }
    }
    assert_eq!(files.read(node, 7, &mut []), Ok(0));
}

#[test]
fn a_disk_that_fails_for_a_while_is_told_from_a_corrupt_one() {
    let disk = Disk::read_only(512, image(CHECKSUMS));
    let files = mount(disk).unwrap();
    disk.set_fault(Some(BlockError::Gone));
    assert_eq!(contents(files, "/lines"), Err(FileError::DiskFailed));
    disk.set_fault(None);
    let before = contents(files, "/holes").unwrap();
    assert_eq!(before, holes());
    let node = files.lookup(b"/lines").unwrap();
    disk.set_fault(Some(BlockError::Failed));
    assert_eq!(files.read(node, 0, &mut vec![0; 30_000]), Err(FileError::DiskFailed));
    disk.set_fault(None);
    assert_eq!(contents(files, "/lines").unwrap().len(), 601 * 34);
}

#[test]
fn what_is_no_file_system_of_this_disk_is_refused_with_the_mend() {
    let changed = |at: usize, bytes: &[u8]| {
        let mut image = image(PLAIN);
        image[1024 + at..][..bytes.len()].copy_from_slice(bytes);
        match mount(Disk::new(512, image)) {
            Err(InitError::Superblock(fault)) => Some(fault),
            _ => None,
        }
    };
    assert_eq!(changed(0x38, &[0]), Some(Fault::NoMagic));
    assert!(Fault::NoMagic.to_string().contains("mkfs.ext4"));
    assert_eq!(changed(0x18, &[7]), Some(Fault::BlockSize));
    assert_eq!(changed(0x18, &[0xff; 4]), Some(Fault::BlockSize));
    assert_eq!(changed(0x4, &257_u32.to_le_bytes()), Some(Fault::BeyondDisk));
    assert_eq!(changed(0x150, &[1]), Some(Fault::BeyondDisk));
    assert_eq!(changed(0x20, &255_u32.to_le_bytes()), Some(Fault::GroupSize));
    assert_eq!(changed(0x20, &256_u32.to_le_bytes()), None);
    for length in [0, 512, 1024, 1536] {
        let error = mount(Disk::new(512, vec![0; length])).err();
        assert!(matches!(error, Some(InitError::Disk(BlockError::OutOfRange))), "{length} bytes");
    }
    let error = mount(Disk::new(512, image(PLAIN)[..100 * 1024].to_vec())).err();
    assert!(matches!(error, Some(InitError::Superblock(Fault::BeyondDisk))));
}

/// Marsaglia's xorshift64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }
}

/// Changes up to eight fields that lie in blocks with metadata, mostly to values that mean something.
fn damage(image: &mut [u8], blocks: &[usize], random: &mut Random) {
    for _ in 0..1 + random.below(8) {
        let block = blocks[random.below(blocks.len())];
        let at = block * 1024 + random.below(1021);
        match random.below(6) {
            0 => image[at] ^= 1 << random.below(8),
            1 => image[at] = random.next() as u8,
            2 => image[at..][..2].copy_from_slice(&(random.below(300) as u16).to_le_bytes()),
            3 => image[at & !3..][..4].copy_from_slice(&(random.below(300) as u32).to_le_bytes()),
            4 => image[at & !3..][..4].copy_from_slice(&[0xff, 0xff, 0xff, [0x7f, 0xff][random.below(2)]]),
            _ => {
                let from = blocks[random.below(blocks.len())] * 1024 + random.below(1000);
                image.copy_within(from..from + 4, at & !3);
            }
        }
    }
}

/// Reads all that a volume shows, as far as 300 nodes and 64 KiB of each file; returns how many nodes it saw and how many
/// errors.
fn look_around<S: iface_scheduler::Scheduler>(volume: &Volume<S>) -> (usize, usize) {
    let (mut seen, mut errors) = (BTreeSet::from([crate::nodes::ROOT]), 0);
    let mut todo = vec![crate::nodes::ROOT];
    let mut buffer = vec![0; 64 * 1024];
    while let Some(node) = todo.pop().filter(|_| seen.len() < 300) {
        for index in 0..200 {
            match volume.entry(node, index) {
                Ok(Some(entry)) => {
                    assert_eq!(volume.child(node, &entry.name), Ok(entry.node));
                    todo.extend(seen.insert(entry.node).then_some(entry.node));
                }
                Ok(None) => break,
                Err(FileError::NotADirectory) => break,
                Err(error) => {
                    assert!(matches!(error, FileError::Corrupt | FileError::NotFound), "{error}");
                    errors += 1;
                }
            }
        }
        for offset in [0, 5000, 39_999] {
            errors += usize::from(volume.read(node, offset, &mut buffer) == Err(FileError::Corrupt));
        }
        errors += usize::from(volume.child(node, b"a-file-with-a-long-name-7") == Err(FileError::Corrupt));
    }
    (seen.len(), errors)
}

/// Cases are as many as `EXT4_CASES` says, and begin with seed `EXT4_SEED`.
#[test]
fn damaged_images_are_never_more_than_an_error() {
    let setting = |name, default| std::env::var(name).map_or(default, |value| value.parse().unwrap());
    let (cases, seed): (u64, u64) = (setting("EXT4_CASES", 100_000), setting("EXT4_SEED", 1));
    eprintln!("{cases} cases from EXT4_SEED={seed} on");
    let images = [PLAIN, EXT2, CHECKSUMS].map(image);
    let metadata = images.each_ref().map(|image| blocks_of_metadata(image));
    let disk = Disk::read_only(512, images[0].clone());
    let (scheduler, mut mounted, mut corrupt) = (scheduler(), 0, 0);
    for case in seed..seed + cases {
        // Checksums turn nearly all damage away, so that such an image is tried less.
        let which = if case % 16 == 0 { 2 } else { case as usize % 2 };
        let mut image = images[which].clone();
        damage(&mut image, &metadata[which], &mut Random(case.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1));
        disk.replace(image);
        let attempt = || Volume::new(disk, scheduler).map(|volume| look_around(&volume));
        let result = std::panic::catch_unwind(AssertUnwindSafe(attempt));
        let Ok(result) = result else { panic!("EXT4_SEED={case} EXT4_CASES=1 repeats this") };
        if let Ok((_, errors)) = result {
            mounted += 1;
            corrupt += u64::from(errors != 0);
        }
    }
    // Otherwise the damage does not reach what it is meant for.
    assert!(
        mounted > cases / 2 && corrupt > cases / 10 || cases < 1000,
        "{mounted} mounted, {corrupt} corrupt"
    );
}

/// Blocks that are not those of text: the superblock, tables, directories, maps of blocks.
fn blocks_of_metadata(image: &[u8]) -> Vec<usize> {
    let is_metadata = |block: &[u8]| block.contains(&0) && block.iter().any(|byte| *byte != 0);
    image.chunks(1024).enumerate().filter(|(_, block)| is_metadata(block)).map(|(number, _)| number).collect()
}
