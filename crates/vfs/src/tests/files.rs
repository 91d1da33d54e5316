//! Files of the root and of memory.

use open_file::{Kind, Seek};

use super::*;

#[test]
fn files_of_the_root_are_read_where_they_lie() {
    let fixture = fixture(root());
    let file = fixture.open("/home/old", READ).unwrap();
    assert_eq!(file.fixed_bytes(), Some(&b"<p>hello"[..]));
    let mut buffer = [0; 5];
    assert_eq!(file.read(&mut buffer), Ok(5));
    assert_eq!(file.read_at(1, &mut buffer), Ok(5));
    assert_eq!(&buffer, b"p>hel");
    assert_eq!(file.seek(Seek::Current(0)), Ok(5));
    assert_eq!(file.read(&mut buffer), Ok(3));
    assert_eq!(file.read(&mut buffer), Ok(0));
    let status = file.status().unwrap();
    assert_eq!((status.kind, status.size, status.links), (Kind::Regular, 8, 1));
    assert_eq!(fixture.vfs.status(fixture.find("/www/index.html").unwrap()), Ok(status));
}

#[test]
fn paths_that_can_lead_elsewhere_are_walked_each_time() {
    let fixture = fixture(root());
    let (vfs, top) = (&fixture.vfs, fixture.vfs.root());
    let page = fixture.find("/www/index.html").unwrap();
    let in_etc = vfs.find(fixture.find("/etc").unwrap(), b"hosts", true).unwrap();
    for _ in 0..3 {
        assert_eq!(fixture.find("/www/index.html"), Ok(page));
        assert_eq!(vfs.find(top, b"/home/old", true), Ok(page));
        assert_eq!(vfs.place(&*fixture.open("/home/old", READ).unwrap()), Some(page));
        assert_ne!(vfs.find(top, b"/home/old", false), Ok(page), "the link itself");
        assert_eq!(
            fixture.open("/home/old", OpenOptions { no_follow: true, ..READ }).err(),
            Some(Errno::ELOOP)
        );
        let directory = OpenOptions { directory: true, ..READ };
        assert_eq!(fixture.open("/www/index.html", directory).err(), Some(Errno::ENOTDIR));
        assert_eq!(vfs.find(top, b"hosts", true), Err(Errno::ENOENT), "the same words from elsewhere");
        assert_eq!(vfs.find(fixture.find("/etc").unwrap(), b"hosts", true), Ok(in_etc));
    }
    vfs.make_link(b"/www", top, b"/tmp/way").unwrap();
    assert_eq!(fixture.find("/tmp/way/index.html"), Ok(page));
    assert!(fixture.open("/tmp/way/index.html", READ).is_ok());
    vfs.remove(top, b"/tmp/way", false).unwrap();
    vfs.make_link(b"/etc", top, b"/tmp/way").unwrap();
    assert_eq!(fixture.find("/tmp/way/index.html"), Err(Errno::ENOENT));
    assert_eq!(fixture.open("/tmp/way/index.html", READ).err(), Some(Errno::ENOENT));
    assert_eq!(fixture.find("/tmp/way/hosts"), Ok(in_etc));
}

#[test]
fn a_socket_has_a_file_until_that_is_removed_and_let_go() {
    let fixture = fixture(root());
    let (vfs, top) = (&fixture.vfs, fixture.vfs.root());
    let held = vfs.make_socket(top, b"/tmp/s", 0o700).unwrap();
    let status = vfs.status(fixture.find("/tmp/s").unwrap()).unwrap();
    assert_eq!((status.kind, status.permissions, held.status()), (Kind::Socket, 0o700, Ok(status)));
    assert_eq!(vfs.make_socket(top, b"/tmp/s", 0o700).err(), Some(Errno::EEXIST));
    assert_eq!(vfs.make_socket(top, b"/www/s", 0o700).err(), Some(Errno::EROFS));
    assert_eq!(fixture.open("/tmp/s", READ).err(), Some(Errno::ENXIO));
    vfs.remove(top, b"/tmp/s", false).unwrap();
    let other = vfs.make_socket(top, b"/tmp/s", 0o700).unwrap();
    assert_ne!(held.status().unwrap().inode, other.status().unwrap().inode);
    drop((held, other));
    vfs.remove(top, b"/tmp/s", false).unwrap();
    // Whatever number it gets, a file of bytes is one.
    for name in ["/tmp/a", "/tmp/b", "/tmp/c"] {
        let made = fixture.open(name, OpenOptions { create: true, ..WRITE }).unwrap();
        assert_eq!(made.status().unwrap().kind, Kind::Regular);
    }
}

#[test]
fn what_is_held_stays_and_does_nothing_else() {
    let fixture = fixture(root());
    let (vfs, top) = (&fixture.vfs, fixture.vfs.root());
    let hold = OpenOptions { hold: true, ..READ };
    drop(fixture.open("/tmp/file", OpenOptions { create: true, ..WRITE }).unwrap());
    let file = fixture.open("/tmp/file", hold).unwrap();
    vfs.remove(top, b"/tmp/file", false).unwrap();
    assert_eq!(file.status().map(|status| (status.kind, status.links)), Ok((Kind::Regular, 0)));
    assert!(file.read(&mut [0]).is_err() && file.directory().is_none());
    let link = fixture.open("/home/old", OpenOptions { no_follow: true, ..hold }).unwrap();
    assert_eq!(link.status().unwrap().kind, Kind::Link);
    let directory = fixture.open("/home", hold).unwrap();
    let place = vfs.place(&*directory).unwrap();
    assert_eq!(vfs.find(place, b"old", false), vfs.find(top, b"/home/old", false));
    assert_eq!(directory.directory().unwrap().next_name(), Err(Errno::EBADF));
}

#[test]
fn forty_links_and_no_more() {
    let fixture = fixture(root());
    let link = |target: &str, path: &str| {
        fixture.vfs.make_link(target.as_bytes(), fixture.vfs.root(), path.as_bytes()).expect("a link");
    };
    link("/www/index.html", "/tmp/1");
    (2..=41).for_each(|number: u32| link(&std::format!("{}", number - 1), &std::format!("/tmp/{number}")));
    assert_eq!(fixture.text("/tmp/40"), "<p>hello");
    assert_eq!(fixture.open("/tmp/41", READ).err(), Some(Errno::ELOOP));
    assert_eq!(fixture.find("/tmp/41"), Err(Errno::ELOOP));
}

#[test]
fn the_root_cannot_be_changed() {
    let fixture = fixture(root());
    let (vfs, top) = (&fixture.vfs, fixture.vfs.root());
    assert_eq!(fixture.open("/file", WRITE).err(), Some(Errno::EROFS));
    assert_eq!(fixture.open("/new", CREATE).err(), Some(Errno::EROFS));
    assert_eq!(fixture.open("/www", WRITE).err(), Some(Errno::EISDIR));
    assert_eq!(vfs.make_directory(top, b"new", 0o755), Err(Errno::EROFS));
    assert_eq!(vfs.make_directory(top, b"www", 0o755), Err(Errno::EEXIST));
    assert_eq!(vfs.remove(top, b"file", false), Err(Errno::EROFS));
    assert_eq!(vfs.rename((top, b"file"), (top, b"new")), Err(Errno::EROFS));
    assert_eq!(vfs.rename((top, b"file"), (top, b"/tmp/new")), Err(Errno::EXDEV));
    assert_eq!(vfs.link(fixture.find("/file").unwrap(), top, b"new"), Err(Errno::EROFS));
    assert_eq!(vfs.set_permissions(fixture.find("/file").unwrap(), 0), Err(Errno::EROFS));
    assert_eq!(vfs.is_writable(fixture.find("/file").unwrap()), Ok(false));
    assert_eq!(vfs.is_writable(fixture.find("/tmp").unwrap()), Ok(true));
    assert_eq!(vfs.is_writable(fixture.find("/dev/null").unwrap()), Ok(true));
}

#[test]
fn a_removed_file_lives_until_it_is_closed() {
    let fixture = fixture(root());
    let (vfs, top) = (&fixture.vfs, fixture.vfs.root());
    let free = || vfs.capacity(fixture.find("/tmp").unwrap()).unwrap().2;
    let before = free();
    let file = fixture.open("/tmp/f", OpenOptions { read: true, ..CREATE }).unwrap();
    assert_eq!(file.write(&[1; 10_000]), Ok(10_000));
    assert_eq!(vfs.remove(top, b"/tmp/f", false), Ok(()));
    assert_eq!(fixture.open("/tmp/f", READ).err(), Some(Errno::ENOENT));
    assert_eq!(file.read_at(9_999, &mut [0; 4]), Ok(1));
    assert_eq!(file.status().unwrap().links, 0);
    assert!(free() < before);
    drop(file);
    assert_eq!(free(), before);
}

#[test]
fn space_that_ends_takes_a_part() {
    let fixture = fixture(root());
    let file = fixture.open("/tmp/f", CREATE).unwrap();
    let bytes = std::vec![1; 5 << 20];
    let written = file.write(&bytes).unwrap();
    assert!((3 << 20..4 << 20).contains(&written), "{written}");
    assert_eq!(file.status().unwrap().size, written as u64);
    assert_eq!(file.write(&bytes), Err(Errno::ENOSPC));
    assert_eq!(file.seek(Seek::Current(0)), Ok(written as u64));
}

#[test]
fn a_hole_that_cannot_be_filled_is_told() {
    let fixture = fixture(root());
    let sparse = fixture.open("/tmp/sparse", CREATE).unwrap();
    sparse.resize(1 << 30).unwrap();
    let rest = fixture.open("/tmp/rest", CREATE).unwrap();
    rest.write(&std::vec![1; 5 << 20]).unwrap();
    assert_eq!(sparse.write_at(0, &[1; 10_000]), Err(Errno::ENOSPC));
    assert_eq!(sparse.status().unwrap().size, 1 << 30);
}

#[test]
fn a_file_is_told_by_the_name_by_which_it_was_opened() {
    let fixture = fixture(root());
    let (vfs, top) = (&fixture.vfs, fixture.vfs.root());
    let process: &'static FakeProcess = Box::leak(Box::default());
    vfs.set_process(process);
    let file = fixture.open("/tmp/a", CREATE).unwrap();
    process.files.replace(Vec::from([Some(file.clone())]));
    vfs.link(fixture.find("/tmp/a").unwrap(), top, b"/tmp/b").unwrap();
    let shown = || vfs.read_link(top, b"/dev/fd/0").unwrap();
    vfs.rename((top, b"/tmp/b"), (top, b"/tmp/c")).unwrap();
    assert_eq!((shown(), file.status().unwrap().links), (b"/tmp/a".into(), 2));
    vfs.rename((top, b"/tmp/a"), (top, b"/var/log/a")).unwrap_err();
    vfs.rename((top, b"/tmp/a"), (top, b"/tmp/d")).unwrap();
    assert_eq!(shown(), b"/tmp/d");
    vfs.remove(top, b"/tmp/d", false).unwrap();
    assert_eq!((shown(), file.status().unwrap().links), (b"/tmp/d (deleted)".into(), 1));
    process.files.take();
    drop(file);
    assert_eq!(fixture.text("/tmp/c"), "");
}

#[test]
fn changes_are_dated() {
    let fixture = fixture(root());
    let file = fixture.open("/tmp/f", CREATE).unwrap();
    fixture.clock.advance(iface_clock::Duration::from_secs(5));
    file.write(b"x").unwrap();
    assert_eq!(file.status().unwrap().modified, 1_005_000_000_000);
    let place = fixture.vfs.place(&*file).unwrap();
    assert_eq!(fixture.vfs.set_modified(place, 7_000_000_000), Ok(()));
    assert_eq!(file.status().unwrap().modified, 7_000_000_000);
}

#[test]
fn positions_in_a_directory_can_be_gone_back_to() {
    let fixture = fixture(root());
    let file = fixture.open("/", READ).unwrap();
    let directory = file.directory().unwrap();
    let next = || directory.next_name().unwrap().map(|name| name.name);
    let all: Vec<_> = core::iter::from_fn(|| {
        let position = file.seek(Seek::Current(0)).unwrap();
        next().map(|name| (position, name))
    })
    .collect();
    for (position, name) in all.iter().rev() {
        assert_eq!(file.seek(Seek::Start(*position)), Ok(*position));
        assert_eq!(next().as_ref(), Some(name));
    }
    directory.put_back();
    assert_eq!(next().as_ref(), all.first().map(|(_, name)| name));
}

#[test]
fn a_directory_that_is_emptied_while_it_is_listed_is_listed_whole() {
    let fixture = fixture(root());
    let top = fixture.vfs.root();
    for number in 0..100 {
        fixture.open(&std::format!("/tmp/{number}"), CREATE).unwrap();
    }
    let file = fixture.open("/tmp", READ).unwrap();
    let mut removed = 0;
    while let Some(name) = file.directory().unwrap().next_name().unwrap() {
        removed += u32::from(fixture.vfs.remove(top, &[b"/tmp/", &*name.name].concat(), false).is_ok());
    }
    assert_eq!((removed, &*fixture.names("/tmp")), (100, ". .."));
    file.seek(Seek::Start(0)).unwrap();
    let again = core::iter::from_fn(|| file.directory().unwrap().next_name().unwrap());
    assert_eq!(again.count(), 2);
}
