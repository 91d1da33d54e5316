//! Paths that nobody would write.

use std::vec::Vec;

use open_file::Seek;

use super::numbers::Numbers;
use super::*;

/// What paths are put together from.
const PIECES: &[&[u8]] = &[
    b"/", b"/", b"/", b"/", b".", b"..", b"a", b"b", b"proc", b"self", b"1", b"fd", b"cwd", b"exe", b"root",
    b"dev", b"stdin", b"console", b"null", b"tmp", b"var", b"log", b"etc", b"passwd", b"www", b"l", b"\xff",
    b" ", b"\0", b"0",
];

fn path(numbers: &mut Numbers) -> Vec<u8> {
    if numbers.below(200) == 0 {
        let length = numbers.of(&[255, 256, 4094, 4095, 4096, 70_000]);
        return std::vec![numbers.of(b"a/."); length];
    }
    let pieces: Vec<_> = (0..numbers.below(10)).map(|_| numbers.of(PIECES)).collect();
    pieces.concat()
}

fn options(numbers: &mut Numbers) -> OpenOptions {
    let bits = numbers.below(1 << 7);
    let is = |bit: u32| bits >> bit & 1 != 0;
    OpenOptions {
        read: is(0),
        write: is(1),
        truncate: is(2),
        create: is(3),
        exclusive: is(4) && is(3),
        directory: is(5),
        no_follow: is(6),
        hold: is(7),
        permissions: numbers.below(0o10000) as u16,
    }
}

fn use_file(file: &dyn OpenFile, numbers: &mut Numbers) {
    let offset = numbers.of(&[0, 1, 5000, i64::MAX as u64 - 1, i64::MAX as u64, 1 << 63, u64::MAX]);
    let mut buffer = std::vec![0; numbers.below(300) as usize];
    let _ = match numbers.below(9) {
        0 => file.read(&mut buffer).map(drop),
        1 => file.write(&buffer).map(drop),
        2 => file.read_at(offset, &mut buffer).map(drop),
        3 => file.write_at(offset, &buffer).map(drop),
        4 => file.seek(Seek::Start(offset)).map(drop),
        5 => file.seek(numbers.of(&[Seek::Current(offset as i64), Seek::End(offset as i64)])).map(drop),
        6 => file.resize(offset).map(drop),
        7 => {
            let request =
                numbers.of(&[0, 0x5401, 0x5402, 0x5404, 0x540f, 0x5410, 0x5413, 0x5414, 0x541b, u32::MAX]);
            file.control(request, &mut buffer).map(drop)
        }
        _ => file.directory().map_or(Ok(()), |directory| directory.next_name().map(drop)),
    };
    assert!(file.status().is_ok());
}

fn do_something<V: Vfs>(vfs: V, base: Place, process: &FakeProcess, numbers: &mut Numbers) {
    let (one, two) = (path(numbers), path(numbers));
    let _ = match numbers.below(13) {
        0 => vfs.find(base, &one, numbers.below(2) == 0).and_then(|place| vfs.status(place)).map(drop),
        1 => vfs.make_directory(base, &one, 0o777),
        2 => vfs.make_link(&two, base, &one),
        3 => vfs.find(base, &one, false).and_then(|from| vfs.link(from, base, &two)),
        4 => vfs.read_link(base, &one).map(drop),
        5 => vfs.remove(base, &one, false),
        6 => vfs.remove(base, &one, true),
        7 => vfs.rename((base, &one), (base, &two)),
        8 => vfs.find(base, &one, true).and_then(|place| vfs.set_permissions(place, 0o7777)),
        9 => vfs.find(base, &one, true).and_then(|place| vfs.set_modified(place, u64::MAX)),
        10 => vfs.find(base, &one, true).map(|place| {
            if vfs.status(place).is_ok_and(|status| status.kind == iface_vfs::Kind::Directory) {
                process.directory.set(Some(place));
            }
            let _ = (vfs.path(place), vfs.capacity(place), vfs.is_writable(place));
        }),
        _ => vfs.open(base, &one, options(numbers)).map(|file| {
            let slot = numbers.below(4) as usize;
            process.files.borrow_mut()[slot] = Some(file);
        }),
    };
}

#[test]
fn every_path_has_an_answer() {
    let fixture = fixture(Tree::new(&[
        ("www", iface_filesystem::Kind::Directory, ""),
        ("www/a", iface_filesystem::Kind::File, "a page"),
        ("www/l", iface_filesystem::Kind::Link, "../l"),
        ("l", iface_filesystem::Kind::Link, "www/../tmp"),
    ]));
    let vfs = fixture.vfs;
    let free = || vfs.capacity(fixture.find("/tmp").expect("a directory")).expect("its capacity").2;
    let all = free();
    let process: &'static FakeProcess = Box::leak(Box::default());
    process.directory.set(Some(vfs.root()));
    process.files.replace(std::vec![None; 4]);
    vfs.set_process(process);
    let mut numbers = Numbers::new(7);
    for _ in 0..100_000 {
        do_something(vfs, process.directory(), process, &mut numbers);
        let file = process.files.borrow()[numbers.below(4) as usize].clone();
        if let Some(file) = file {
            use_file(&*file, &mut numbers);
        }
    }
    process.files.take();
    empty(vfs, vfs.root(), b"/tmp");
    empty(vfs, vfs.root(), b"/var/log");
    assert_eq!(free(), all, "something was never forgotten");
}

/// Removes all that is in the directory called `name` in another.
fn empty<V: Vfs>(vfs: V, parent: Place, name: &[u8]) {
    let file = vfs.open(parent, name, READ).expect("a directory");
    let here = vfs.place(&*file).expect("a place");
    while let Ok(Some(below)) = file.directory().expect("a directory").next_name() {
        let is_dots = matches!(&*below.name, b"." | b"..");
        if !is_dots && vfs.remove(here, &below.name, false) == Err(Errno::EISDIR) {
            empty(vfs, here, &below.name);
            assert_eq!(vfs.remove(here, &below.name, true), Ok(()));
        }
    }
}
