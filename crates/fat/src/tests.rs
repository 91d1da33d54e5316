//! The tree on disks that lose power, on damaged ones, and against a checker that is not of this room.

extern crate std;
use std::{eprintln, format, string::String, vec};

use alloc::{boxed::Box, collections::BTreeMap, vec::Vec};
use core::cell::RefCell;

use hadris_fat_raw::{
    Detail, FatKind,
    io::{BlockBuf, sync as raw},
    layout::{BootFields, Request, plan},
};
use hadris_fs::DateTime;
use hadris_storage::{BlockSize, MemDevice};
use iface_block_device::{BlockDevice, BlockError, check, fake::Disk};
use iface_clock::fake::FakeClock;
use iface_events::fake::FakeEvents;
use iface_filesystem::{FileError, FileSystem, Kind, Node, conformance};
use iface_mount::Mount;
use iface_scheduler::fake::FakeScheduler;

use crate::{Config, InitError, Needs, files::Fat, init, volume::Volume};

/// Marsaglia's xorshift64.
struct Random(u64);

impl Random {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

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

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |value| value.parse().expect(name))
}

/// An empty file system of this kind.
fn formatted(kind: FatKind, bytes: usize, cluster: u32) -> Vec<u8> {
    let mut image = vec![0; bytes];
    let mut device = MemDevice::new(image.as_mut_slice(), BlockSize::new(512).unwrap());
    let mut block = BlockBuf::<[u8; 512]>::new(512).unwrap();
    let request = Request::new(512, bytes as u64 / 512).with_kind(kind).with_cluster_size(cluster);
    let layout = plan(&request).unwrap();
    let now = DateTime::from_unix_seconds(1_700_000_000).unwrap();
    raw::mkfs(&mut device, &mut block, &layout, &BootFields::new(), now).unwrap();
    image
}

/// The least of each kind, which differ in how the table and the root lie.
fn kinds() -> [Vec<u8>; 3] {
    [
        formatted(FatKind::Fat12, 1 << 20, 512),
        formatted(FatKind::Fat16, 9 << 20, 2048),
        formatted(FatKind::Fat32, 34 << 20, 512),
    ]
}

/// What a checker that knows nothing of this room finds.
fn findings(image: &[u8]) -> Vec<(Detail, String)> {
    let mut found = Vec::new();
    let mut image = image.to_vec();
    let mut device = MemDevice::new(image.as_mut_slice(), BlockSize::new(512).unwrap());
    raw::check(&mut device, &mut vec![0; 1 << 16], |finding| {
        let path =
            finding.path().map(|path| path.escape_ascii()).map_or(String::new(), |path| format!("{path}"));
        found.push((Detail::from_code(finding.detail()).unwrap(), path));
    })
    .unwrap();
    found
}

type Threads = &'static FakeScheduler<&'static FakeEvents, &'static FakeClock>;

fn mount<D: BlockDevice>(disk: D) -> Result<&'static Fat<D, &'static FakeClock, Threads>, InitError> {
    let events = FakeEvents::new(Box::leak(Box::default()));
    let clock = events.clock();
    let fat = Fat::new(Volume::new(disk)?, clock, FakeScheduler::new(events, clock));
    Ok(Box::leak(Box::new(fat)))
}

/// Another disk in the place of the one that is mounted: file systems are for ever, so that tests of many use one.
fn mount_again<D: BlockDevice>(
    files: &'static Fat<D, &FakeClock, Threads>,
    disk: D,
) -> Result<(), InitError> {
    let volume = Volume::new(disk)?;
    files.volume.with(|mounted| *mounted = volume);
    Ok(())
}

fn contents(files: impl FileSystem, node: Node) -> Result<Vec<u8>, FileError> {
    let mut bytes = vec![0xaa; files.metadata(node)?.size as usize];
    assert_eq!(files.read(node, 0, &mut bytes)?, bytes.len());
    Ok(bytes)
}

/// The names and contents of all files, by their paths.
fn tree(files: impl FileSystem) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut todo = vec![(Vec::new(), files.root())];
    while let Some((path, directory)) = todo.pop() {
        for index in 0.. {
            let Some(entry) = files.entry(directory, index).unwrap() else { break };
            let path = [path.as_slice(), b"/", &entry.name].concat();
            match entry.kind {
                Kind::Directory => todo.push((path, entry.node)),
                _ => drop(found.insert(path, contents(files, entry.node).unwrap())),
            }
        }
    }
    found
}

fn file(files: impl FileSystem, name: &str, bytes: &[u8]) -> Node {
    let node = files.create(files.root(), name.as_bytes(), Kind::File, 0o644).unwrap();
    files.write(node, 0, bytes).unwrap();
    node
}

#[test]
fn it_is_as_a_file_system_has_to_be() {
    for image in kinds() {
        for block_size in [512, 4096] {
            let disk = Disk::new(block_size, image.clone());
            let files = mount(disk).unwrap();
            conformance::consistent(files);
            conformance::writable(files);
            file(files, "A long name.text", &[7; 5000]);
            files.create(files.root(), b"directory", Kind::Directory, 0o755).unwrap();
            conformance::consistent(files);
            files.synchronize().unwrap();
            assert_eq!(findings(&disk.contents()), []);
            let again = mount(disk).unwrap();
            assert_eq!(tree(again), tree(files));
            let disk = Disk::read_only(block_size, disk.contents());
            conformance::consistent(mount(disk).unwrap());
            conformance::read_only(mount(disk).unwrap());
        }
    }
}

#[test]
fn names_are_found_in_any_case_and_kept_as_they_were_given() {
    let disk = Disk::new(512, formatted(FatKind::Fat12, 1 << 20, 512));
    let files = mount(disk).unwrap();
    let names = [
        "lower.txt",
        "UPPER.TXT",
        "Mixed.Case",
        "two.dots.here",
        "ünïcode",
        "no extension",
        ".hidden",
        "a+b",
    ];
    for name in names {
        file(files, name, name.as_bytes());
    }
    files.synchronize().unwrap();
    let files = mount(disk).unwrap();
    for (index, name) in names.into_iter().enumerate() {
        assert_eq!(files.entry(files.root(), index).unwrap().unwrap().name, name.as_bytes());
        for asked in [name.to_lowercase(), name.to_uppercase()] {
            let node = files.child(files.root(), asked.as_bytes()).unwrap();
            assert_eq!(contents(files, node).unwrap(), name.as_bytes(), "{asked}");
            assert_eq!(
                files.create(files.root(), asked.as_bytes(), Kind::File, 0o644),
                Err(FileError::Exists)
            );
        }
    }
    for name in ["a:b", "a?", "dot.", "space ", "\u{1}", "back\\slash"] {
        let created = files.create(files.root(), name.as_bytes(), Kind::File, 0o644);
        assert_eq!(created, Err(FileError::InvalidName), "{name:?}");
    }
    assert_eq!(files.create(files.root(), b"\xff", Kind::File, 0o644), Err(FileError::InvalidName));
    assert_eq!(files.remove(files.root(), b""), Err(FileError::InvalidName), "which is not ReadOnly");
    assert_eq!(files.create(files.root(), b"link", Kind::Link, 0o777), Err(FileError::Unsupported));
    assert_eq!(files.rename((files.root(), b"lower.txt"), (files.root(), b"LOWER.txt")), Ok(()));
    files.synchronize().unwrap();
    assert!(tree(mount(disk).unwrap()).contains_key(b"/LOWER.txt".as_slice()));
    assert_eq!(findings(&disk.contents()), []);
}

#[test]
fn a_directory_holds_many_names_that_are_alike() {
    for image in kinds() {
        let disk = Disk::new(512, image);
        let files = mount(disk).unwrap();
        let directory = files.create(files.root(), b"many", Kind::Directory, 0o755).unwrap();
        for number in 0..1000 {
            let name = format!("a file with a long name, number {number}");
            files.create(directory, name.as_bytes(), Kind::File, 0o644).unwrap();
        }
        for number in (0..1000).step_by(3) {
            let name = format!("a file with a long name, number {number}");
            let node = files.child(directory, name.as_bytes()).unwrap();
            files.remove(directory, name.as_bytes()).unwrap();
            files.forget(node);
        }
        files.synchronize().unwrap();
        assert_eq!(findings(&disk.contents()), []);
        let again = tree(mount(disk).unwrap());
        assert_eq!(again.len(), 666);
        assert_eq!(again, tree(files));
    }
}

#[test]
fn permissions_and_dates_outlast_as_far_as_fat_has_them() {
    let disk = Disk::new(512, formatted(FatKind::Fat12, 1 << 20, 512));
    let files = mount(disk).unwrap();
    let node = file(files, "file", b"");
    files.set_mode(node, 0o440).unwrap();
    files.set_modified(node, 1_600_000_001).unwrap();
    files.synchronize().unwrap();
    assert_eq!(files.metadata(node).unwrap().mode, 0o440);
    let files = mount(disk).unwrap();
    let facts = files.metadata(files.lookup(b"/file").unwrap()).unwrap();
    assert_eq!((facts.mode, facts.modified), (0o444, 1_600_000_000));
}

#[test]
fn space_is_used_again_and_told() {
    for image in kinds() {
        let disk = Disk::new(512, image);
        let files = mount(disk).unwrap();
        let before = files.capacity().unwrap();
        for _ in 0..3 {
            let node = file(files, "large", &[]);
            let bytes = vec![9; before.free as usize];
            files.write(node, 0, &bytes).unwrap();
            assert_eq!(files.capacity().unwrap().free, 0);
            let other = files.create(files.root(), b"other", Kind::File, 0o644).unwrap();
            assert_eq!(files.write(other, 0, b"x"), Err(FileError::NoSpace));
            assert_eq!(files.write(node, before.free, b"x"), Err(FileError::NoSpace));
            for (name, node) in [("large", node), ("other", other)] {
                files.remove(files.root(), name.as_bytes()).unwrap();
                files.forget(node);
            }
            assert_eq!(files.capacity().unwrap(), before);
        }
        files.synchronize().unwrap();
        assert_eq!(findings(&disk.contents()), []);
    }
}

/// A disk that counts what it is asked.
#[derive(Clone, Copy)]
struct Counted {
    disk: &'static Disk,
    /// Lengths of reads and writes in bytes, and `None` for a flush.
    asked: &'static RefCell<Vec<(char, usize)>>,
}

impl Counted {
    fn new(image: Vec<u8>) -> Self {
        Self { disk: Disk::new(512, image), asked: Box::leak(Box::default()) }
    }
}

impl BlockDevice for Counted {
    fn block_size(&self) -> usize {
        self.disk.block_size()
    }

    fn blocks(&self) -> u64 {
        self.disk.blocks()
    }

    fn is_read_only(&self) -> bool {
        false
    }

    fn read(&self, first: u64, buffer: &mut [u8]) -> Result<(), BlockError> {
        self.asked.borrow_mut().push(('r', buffer.len()));
        self.disk.read(first, buffer)
    }

    fn write(&self, first: u64, bytes: &[u8]) -> Result<(), BlockError> {
        self.asked.borrow_mut().push(('w', bytes.len()));
        self.disk.write(first, bytes)
    }

    fn flush(&self) -> Result<(), BlockError> {
        self.asked.borrow_mut().push(('f', 0));
        self.disk.flush()
    }
}

#[test]
fn pages_are_moved_by_one_request_each_wherever_they_are() {
    let disk = Counted::new(formatted(FatKind::Fat16, 20 << 20, 2048));
    let files = mount(disk).unwrap();
    let node = file(files, "database", &vec![1; 8 << 20]);
    files.synchronize().unwrap();
    let files = mount(disk).unwrap();
    let node_again = files.lookup(b"/database").unwrap();
    assert_eq!(files.read(node_again, 0, &mut [0; 4096]), Ok(4096));
    disk.asked.borrow_mut().clear();
    for page in [2000, 3, 1999, 0, 777] {
        assert_eq!(files.read(node_again, page * 4096, &mut [0; 4096]), Ok(4096));
        files.write(node_again, page * 4096, &[2; 4096]).unwrap();
    }
    assert_eq!(*disk.asked.borrow(), [('r', 4096), ('w', 4096)].repeat(5));
    disk.asked.borrow_mut().clear();
    files.synchronize().unwrap();
    assert_eq!(*disk.asked.borrow(), [('r', 512), ('w', 512), ('f', 0)], "the date, and one flush");
    assert_ne!(node, Node(0));
}

/// A disk that at a power cut has done any part of what it was not asked to flush, sector by sector.
#[derive(Clone, Copy)]
struct Torn(&'static RefCell<TornState>);

struct TornState {
    medium: Vec<u8>,
    /// What is read.
    cached: Vec<u8>,
    /// Sectors that were written since the last flush, in order.
    pending: Vec<(usize, Vec<u8>)>,
    /// How many more writes and flushes there are before the power goes.
    left: usize,
}

impl Torn {
    fn new(image: Vec<u8>) -> Self {
        let (medium, cached, pending) = (image.clone(), image, Vec::new());
        Self(Box::leak(Box::new(RefCell::new(TornState { medium, cached, pending, left: usize::MAX }))))
    }

    /// The same disk with other contents, and this many writes and flushes until the power goes.
    fn replace(&self, image: &[u8], left: usize) {
        let state = &mut *self.0.borrow_mut();
        state.medium.copy_from_slice(image);
        state.cached.copy_from_slice(image);
        state.pending.clear();
        state.left = left;
    }

    /// What is on the medium after the power was cut.
    fn cut(&self, random: &mut Random) -> Vec<u8> {
        let mut state = self.0.borrow_mut();
        // Each sector as one of its writes left it, or as it was.
        for (at, bytes) in core::mem::take(&mut state.pending) {
            if random.below(2) == 0 {
                state.medium[at..at + 512].copy_from_slice(&bytes);
            }
        }
        state.medium.clone()
    }
}

impl TornState {
    fn spend(&mut self) -> Result<(), BlockError> {
        self.left = self.left.checked_sub(1).ok_or(BlockError::Gone)?;
        Ok(())
    }
}

impl BlockDevice for Torn {
    fn block_size(&self) -> usize {
        512
    }

    fn blocks(&self) -> u64 {
        self.0.borrow().cached.len() as u64 / 512
    }

    fn is_read_only(&self) -> bool {
        false
    }

    fn read(&self, first: u64, buffer: &mut [u8]) -> Result<(), BlockError> {
        check(self, first, buffer.len())?;
        buffer.copy_from_slice(&self.0.borrow().cached[first as usize * 512..][..buffer.len()]);
        Ok(())
    }

    fn write(&self, first: u64, bytes: &[u8]) -> Result<(), BlockError> {
        check(self, first, bytes.len())?;
        let state = &mut *self.0.borrow_mut();
        state.spend()?;
        for (index, sector) in bytes.chunks(512).enumerate() {
            let at = (first as usize + index) * 512;
            state.cached[at..at + 512].copy_from_slice(sector);
            state.pending.push((at, sector.to_vec()));
        }
        Ok(())
    }

    fn flush(&self) -> Result<(), BlockError> {
        let state = &mut *self.0.borrow_mut();
        state.spend()?;
        for (at, bytes) in core::mem::take(&mut state.pending) {
            state.medium[at..at + 512].copy_from_slice(&bytes);
        }
        Ok(())
    }
}

/// What is expected of a tree.
#[derive(Clone, Default)]
struct Model {
    now: BTreeMap<String, Vec<u8>>,
    synchronized: BTreeMap<String, Vec<u8>>,
    /// Names that were touched since.
    touched: Vec<String>,
}

/// Does something by chance. The names are those of a few files in two directories.
fn act(files: impl FileSystem, model: &mut Model, random: &mut Random) -> Result<(), FileError> {
    let name = |random: &mut Random| match random.below(12) {
        number @ 0..6 => format!("/file {number} with a name"),
        number => format!("/directory/{number}.dat"),
    };
    let path = name(random);
    let (above, base) = path.rsplit_once('/').unwrap();
    let above = files.lookup(if above.is_empty() { b"/" } else { above.as_bytes() })?;
    match random.below(16) {
        0..9 => {
            model.touched.push(path.clone());
            let node = match files.child(above, base.as_bytes()) {
                Ok(node) => node,
                Err(_) => files.create(above, base.as_bytes(), Kind::File, 0o644)?,
            };
            let bytes = model.now.entry(path.clone()).or_default();
            let (offset, length) = (random.below(6000), 1 + random.below(5000));
            if bytes.len() < offset + length {
                bytes.resize(offset + length, 0);
            }
            let written = vec![random.next() as u8; length];
            bytes[offset..offset + length].copy_from_slice(&written);
            files.write(node, offset as u64, &written)
        }
        9..11 => {
            let Ok(node) = files.child(above, base.as_bytes()) else { return Ok(()) };
            model.touched.push(path.clone());
            let size = random.below(8000);
            model.now.get_mut(&path).unwrap().resize(size, 0);
            files.resize(node, size as u64)
        }
        11..13 => {
            let Ok(node) = files.child(above, base.as_bytes()) else { return Ok(()) };
            model.touched.push(path.clone());
            model.now.remove(&path);
            files.remove(above, base.as_bytes())?;
            files.forget(node);
            Ok(())
        }
        13 => {
            let target = name(random);
            if files.child(above, base.as_bytes()).is_err() || target == path {
                return Ok(());
            }
            model.touched.extend([path.clone(), target.clone()]);
            let moved = model.now.remove(&path).unwrap();
            model.now.insert(target.clone(), moved);
            let (to, to_base) = target.rsplit_once('/').unwrap();
            let to = files.lookup(if to.is_empty() { b"/" } else { to.as_bytes() })?;
            let replaced = files.child(to, to_base.as_bytes());
            files.rename((above, base.as_bytes()), (to, to_base.as_bytes()))?;
            replaced.into_iter().for_each(|node| files.forget(node));
            Ok(())
        }
        _ => {
            files.synchronize()?;
            model.synchronized = model.now.clone();
            model.touched.clear();
            Ok(())
        }
    }
}

/// Whether what a checker finds can be after a power cut without harm.
fn is_harmless(finding: Detail) -> bool {
    use Detail::{CrossLink, FatCopiesDiffer, FreeCount, LfnChecksum, LostClusters, OrphanLfn, SizeMismatch};
    // Clusters that are lost or behind a file's end; halves of a name that was made, moved or removed.
    matches!(
        finding,
        LostClusters | SizeMismatch | FreeCount | FatCopiesDiffer | OrphanLfn | LfnChecksum | CrossLink
    )
}

#[test]
fn nothing_that_was_synchronized_is_lost_with_the_power() {
    let (cuts, seed) = (setting("FAT_CUTS", 1500), setting("FAT_SEED", 1));
    eprintln!("{cuts} power cuts, FAT_SEED={seed}");
    let mut random = Random::new(seed);
    for image in [formatted(FatKind::Fat12, 1 << 18, 512), formatted(FatKind::Fat16, 2200 << 10, 512)] {
        let disk = Torn::new(image.clone());
        let files = mount(disk).unwrap();
        let after = Disk::new(512, image.clone());
        let files_after = mount(after).unwrap();
        for cut in 0..cuts {
            disk.replace(&image, usize::MAX);
            mount_again(files, disk).unwrap();
            files.create(files.root(), b"directory", Kind::Directory, 0o755).unwrap();
            files.synchronize().unwrap();
            // So that chains go from one sector of the table to the next.
            file(files, "filler", &vec![0; (100 + random.below(150)) * 512]);
            files.synchronize().unwrap();
            disk.0.borrow_mut().left = random.below(300);
            let mut model = Model::default();
            while act(files, &mut model, &mut random).is_ok() {}
            let medium = disk.cut(&mut random);
            let bad: Vec<_> =
                findings(&medium).into_iter().filter(|(detail, _)| !is_harmless(*detail)).collect();
            assert_eq!(bad, [], "cut {cut}");
            after.replace(medium);
            mount_again(files_after, after).unwrap();
            let found = tree(files_after);
            for (path, bytes) in model.synchronized.iter().filter(|(path, _)| !model.touched.contains(path)) {
                let found = found.get(path.as_bytes());
                assert!(found == Some(bytes), "cut {cut}: {path} is lost: {:?}", found.map(Vec::len));
            }
        }
    }
}

#[test]
fn a_tree_is_as_it_was_made_by_whatever_steps() {
    let mut random = Random::new(setting("FAT_SEED", 1));
    for image in [formatted(FatKind::Fat12, 1 << 18, 512), formatted(FatKind::Fat32, 34 << 20, 512)] {
        // A large image takes its time to be judged.
        let rounds = if image.len() < 1 << 20 { 40 } else { 5 };
        let disk = Disk::new(512, image);
        let mut model = Model::default();
        let files = mount(disk).unwrap();
        files.create(files.root(), b"directory", Kind::Directory, 0o755).unwrap();
        for round in 0..rounds {
            for _ in 0..100 {
                act(files, &mut model, &mut random).unwrap();
            }
            files.synchronize().unwrap();
            assert_eq!(findings(&disk.contents()), [], "round {round}");
            let expected: BTreeMap<_, _> =
                model.now.iter().map(|(path, bytes)| (path.clone().into_bytes(), bytes.clone())).collect();
            assert!(tree(files) == expected, "round {round}");
            mount_again(files, disk).unwrap();
            assert!(tree(files) == expected, "round {round}, mounted again");
        }
    }
}

/// A tree with something of everything.
fn furnished(kind: FatKind, bytes: usize, cluster: u32) -> Vec<u8> {
    let disk = Disk::new(512, formatted(kind, bytes, cluster));
    let files = mount(disk).unwrap();
    let node = file(files, "a file with a long name", &[1; 3000]);
    let inner = files.create(files.root(), b"inner", Kind::Directory, 0o755).unwrap();
    let deep = files.create(inner, b"deep inside", Kind::Directory, 0o755).unwrap();
    for name in [b"one".as_slice(), b"another long name.text", b"THREE.TXT"] {
        let node = files.create(deep, name, Kind::File, 0o444).unwrap();
        files.write(node, 0, &[2; 1500]).unwrap();
    }
    // In pieces.
    files.write(node, 3000, &[1; 9000]).unwrap();
    files.synchronize().unwrap();
    disk.contents()
}

/// Goes through a tree of a damaged disk and changes it; whatever comes, it comes to an end.
fn use_all(files: impl FileSystem, random: &mut Random) {
    let mut buffer = vec![0; 2000];
    let mut todo = vec![(files.root(), 0)];
    let mut seen = 0;
    while let Some((directory, depth)) = todo.pop() {
        let _ = files.create(directory, format!("new file {seen}").as_bytes(), Kind::File, 0o644);
        for index in 0..200 {
            let Ok(Some(entry)) = files.entry(directory, index) else { break };
            seen += 1;
            assert!(seen < 100_000 && depth < 5000, "a tree without an end");
            if entry.kind == Kind::Directory {
                todo.push((entry.node, depth + 1));
                continue;
            }
            let size = files.metadata(entry.node).unwrap().size;
            let _ = files.read(entry.node, random.next() % (size + 1), &mut buffer);
            match random.below(5) {
                0 => drop(files.write(entry.node, random.next() % (size % 20_000 + 1), &buffer)),
                1 => drop(files.resize(entry.node, random.next() % 4000)),
                2 if files.remove(directory, &entry.name).is_ok() => files.forget(entry.node),
                3 => drop(files.rename((directory, &entry.name), (files.root(), b"moved away"))),
                _ => {}
            }
        }
    }
    let _ = files.synchronize();
}

#[test]
fn no_damage_is_a_panic_or_has_no_end() {
    let (cases, seed) = (setting("FAT_CASES", 100_000), setting("FAT_SEED", 1));
    eprintln!("{cases} damaged images, FAT_SEED={seed}");
    let mut random = Random::new(seed);
    let images = [
        furnished(FatKind::Fat12, 64 << 10, 512),
        furnished(FatKind::Fat12, 128 << 10, 1024),
        furnished(FatKind::Fat16, 2200 << 10, 512),
    ];
    let mut mounted = 0;
    let mounts = images.clone().map(|image| {
        let disk = Disk::new(512, image);
        (disk, mount(disk).unwrap())
    });
    for case in 0..cases {
        let which = if case % 50 == 0 { 2 } else { case as usize % 2 };
        let ((disk, files), mut image) = (mounts[which], images[which].clone());
        damage(&mut image, &mut random);
        disk.replace(image);
        if mount_again(files, disk).is_ok() {
            mounted += 1;
            use_all(files, &mut random);
        }
    }
    assert!(mounted > cases / 2, "{mounted} of {cases} images were file systems at all");
}

/// Changes some bytes, most of them where the structure is.
fn damage(image: &mut [u8], random: &mut Random) {
    let used = image.iter().rposition(|byte| *byte != 0).unwrap_or(0) + 1;
    for _ in 0..1 + random.below(12) {
        let at = match random.below(8) {
            0 => random.below(64),
            1..4 => 512 + random.below(1024),
            _ => random.below(used),
        };
        image[at] = match random.below(4) {
            0 => random.next() as u8,
            1 => image[at] ^ 1 << random.below(8),
            2 => [0, 1, 2, 3, 0xf7, 0xff, 0xe5, 0x0f, 0x10][random.below(9)],
            _ => image[at].wrapping_add(1),
        };
    }
}

#[test]
fn a_tree_is_shown_where_the_user_has_it() {
    static CONFIG: Config = Config { at: Some("/data") };
    let events = FakeEvents::new(Box::leak(Box::default()));
    let clock = events.clock();
    let block_device = Disk::new(512, furnished(FatKind::Fat12, 64 << 10, 512));
    let needs = Needs { block_device, clock, scheduler: FakeScheduler::new(events, clock) };
    let provided = init(&CONFIG, needs).unwrap();
    assert_eq!((provided.mount.path(), provided.mount.kind()), (Some("/data"), "vfat"));
    assert_eq!(conformance::consistent(provided.filesystem), 7);
}

#[test]
fn what_is_no_file_system_is_told() {
    let error = |image: Vec<u8>| mount(Disk::new(512, image)).err().map(|error| format!("{error}")).unwrap();
    assert!(error(vec![0; 1 << 16]).contains("holds no FAT file system"));
    assert!(error(Vec::new()).contains("was it cut?"));
    let mut cut = formatted(FatKind::Fat12, 1 << 20, 512);
    cut.truncate(1 << 19);
    assert!(error(cut).contains("was it cut?"));
    // The root leads to itself.
    let mut loops = formatted(FatKind::Fat32, 34 << 20, 512);
    let start = usize::from(u16::from_le_bytes([loops[14], loops[15]])) * 512;
    loops[start + 8..start + 12].copy_from_slice(&2_u32.to_le_bytes());
    assert!(error(loops).contains("root directory"));
}
