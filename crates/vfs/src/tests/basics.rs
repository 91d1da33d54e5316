//! Files of the root, of memory, and those that the image makes itself.

use iface_filesystem::Kind as Stored;
use open_file::{Kind, Seek};

use super::*;

fn root() -> &'static Tree {
    Tree::new(&[
        ("etc", Stored::Directory, ""),
        ("etc/hosts", Stored::File, "1.2.3.4 it\n"),
        ("www", Stored::Directory, ""),
        ("www/index.html", Stored::File, "<p>hello"),
        ("www/old", Stored::Link, "index.html"),
        ("home", Stored::Link, "/www"),
        ("file", Stored::File, ""),
    ])
}

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
fn what_is_mounted_is_seen_among_the_rest() {
    let fixture = fixture(root());
    assert_eq!(fixture.names("/"), ". .. etc www home file dev proc tmp var");
    assert_eq!(fixture.names("/var"), ". .. log");
    assert_eq!(fixture.names("/var/log"), ". ..");
    let log = fixture.find("/var/log").unwrap();
    assert_eq!(fixture.vfs.path(log), Ok(b"/var/log".into()));
    assert_eq!(fixture.vfs.find(log, b"../../www/../var/log", true), Ok(log));
    assert_eq!(fixture.vfs.remove(fixture.vfs.root(), b"/var/log", true), Err(Errno::EROFS));
    assert_eq!(fixture.vfs.remove(log, b"/tmp/..", true), Err(Errno::ENOTEMPTY));
    assert_eq!(
        fixture.text("/proc/mounts").lines().collect::<Vec<_>>(),
        [
            "rootfs / rootfs ro 0 0",
            "devtmpfs /dev devtmpfs ro 0 0",
            "proc /proc proc ro 0 0",
            "proc /proc/1/fd proc ro 0 0",
            "tmpfs /tmp tmpfs rw 0 0",
            "tmpfs /var/log tmpfs rw 0 0",
        ]
    );
}

#[test]
fn files_of_etc_are_there_where_the_root_has_none() {
    let fixture = fixture(root());
    assert_eq!(fixture.text("/etc/hosts"), "1.2.3.4 it\n");
    assert_eq!(fixture.text("/etc/hostname"), "here\n");
    assert_eq!(fixture.text("/etc/resolv.conf"), "nameserver 10.0.2.3\n");
    assert!(fixture.text("/etc/passwd").starts_with("root:x:0:0:"));
    assert_eq!(fixture.names("/etc"), ". .. hosts passwd group hostname resolv.conf");
    let status = fixture.vfs.status(fixture.find("/etc/resolv.conf").unwrap()).unwrap();
    assert_eq!((status.size, status.modified), (20, 1_000_000_000_000));
    assert_eq!(fixture.open("/etc/passwd", WRITE).err(), Some(Errno::EROFS));
}

#[test]
fn name_servers_of_the_command_line_come_first() {
    let config = || Config { writable: &[], writable_mib: 1, name_servers: &["10.0.2.3"] };
    let text = |line| start(root(), config(), line).unwrap().text("/etc/resolv.conf");
    assert_eq!(text("dns=1.1.1.1,8.8.8.8"), "nameserver 1.1.1.1\nnameserver 8.8.8.8\n");
    assert_eq!(text("dns="), "");
    assert_eq!(text(""), "nameserver 10.0.2.3\n");
}

#[test]
fn what_cannot_be_mounted_is_told() {
    let refusal = |writable: &'static [&'static str]| {
        start(root(), Config { writable, writable_mib: 1, name_servers: &[] }, "").err()
    };
    assert_eq!(refusal(&["tmp"]), Some(InitError::BadPath("tmp")));
    for path in [&["/"][..], &["/a//b"], &["/a/../b"], &["/a/"], &[""], &["/a/.."], &["/."]] {
        assert_eq!(refusal(path), Some(InitError::BadPath(path[0])));
    }
    assert_eq!(refusal(&["/file"]), Some(InitError::NotADirectory("/file")));
    assert_eq!(refusal(&["/file/below"]), Some(InitError::NotADirectory("/file/below")));
    assert_eq!(refusal(&["/home/cache", "/www/cache/deep"]), None);
}

fn memory() -> impl FileSystem {
    let clock: &'static FakeClock = Box::leak(Box::default());
    let Ok(ramfs::Provides { filesystem }) =
        ramfs::init(&ramfs::Config { max_mib: 1 }, ramfs::Needs { clock });
    filesystem
}

fn mounts(paths: &[Option<&'static str>]) -> &'static [&'static dyn Mount] {
    let mounts = paths.iter().map(|path| &*Box::leak(Box::new(Mounted::new(memory(), "vfat", *path))) as _);
    Box::leak(mounts.collect::<Vec<_>>().into_boxed_slice())
}

#[test]
fn further_file_systems_are_shown_at_their_paths() {
    let config = Config { writable: &["/data/tmp", "/srv/tmp", "/srv2"], writable_mib: 1, name_servers: &[] };
    let others = mounts(&[Some("/srv/tmp/deep"), None, Some("/data")]);
    let fixture = start_with(root(), others, config, "").unwrap();
    assert_eq!(fixture.names("/data"), ". ..");
    assert_eq!(fixture.names("/srv/tmp"), ". .. deep");
    fixture.open("/data/base", CREATE).unwrap().write(b"kept").unwrap();
    let data = others[2].files();
    assert_eq!(data.read(data.lookup(b"/base").unwrap(), 0, &mut [0; 8]), Ok(4));
    let lines = fixture.text("/proc/mounts");
    let shown: Vec<_> = lines.lines().filter(|line| line.contains("rw")).collect();
    assert_eq!(
        shown,
        [
            "vfat /data vfat rw 0 0",
            "tmpfs /srv/tmp tmpfs rw 0 0",
            "vfat /srv/tmp/deep vfat rw 0 0",
            "tmpfs /srv2 tmpfs rw 0 0"
        ]
    );
}

#[test]
fn two_file_systems_at_a_path_are_told() {
    let config = Config { writable: &[], writable_mib: 1, name_servers: &[] };
    let refusal = start_with(root(), mounts(&[Some("/data"), Some("/data")]), config, "").err();
    assert_eq!(refusal, Some(InitError::Twice("/data")));
}

#[test]
fn what_is_mounted_at_a_link_is_where_that_leads() {
    let root = Tree::new(&[
        ("run", Stored::Directory, ""),
        ("var", Stored::Directory, ""),
        ("var/run", Stored::Link, "../run"),
        ("var/tmp", Stored::Link, "/nowhere"),
        ("up", Stored::Link, "/"),
        ("etc", Stored::Directory, ""),
        ("etc/hostname", Stored::Link, "../run/hostname"),
    ]);
    let config = |writable| Config { writable, writable_mib: 1, name_servers: &[] };
    let fixture = start(root, config(&["/run", "/var/run", "/var/tmp"]), "").unwrap();
    fixture.open("/var/run/server.pid", CREATE).unwrap();
    assert_eq!(fixture.names("/run"), ". .. server.pid");
    assert_eq!(fixture.vfs.path(fixture.find("/var/run").unwrap()), Ok(b"/run".into()));
    assert_eq!(fixture.names("/var/tmp"), ". ..");
    assert_eq!(fixture.text("/etc/hostname"), "unicore\n");
    assert_eq!(start(root, config(&["/up"]), "").err(), Some(InitError::BadPath("/up")));
}

#[test]
fn a_writable_root_has_what_it_is_mounted_on() {
    let clock: &'static FakeClock = Box::leak(Box::default());
    let Ok(ramfs::Provides { filesystem }) =
        ramfs::init(&ramfs::Config { max_mib: 1 }, ramfs::Needs { clock });
    let config = Config { writable: &["/var/tmp"], writable_mib: 1, name_servers: &[] };
    let fixture = start(filesystem, config, "").unwrap();
    assert_eq!(fixture.names("/"), ". .. etc var dev proc");
    assert_eq!(fixture.vfs.make_directory(fixture.vfs.root(), b"/var/mine", 0o755), Ok(()));
    assert_eq!(fixture.names("/var"), ". .. mine tmp");
    assert_eq!(fixture.text("/etc/hostname"), "unicore\n");
}

#[test]
fn devices_do_what_they_are_for() {
    let fixture = fixture(root());
    let both = OpenOptions { write: true, ..READ };
    let used = |name: &str| {
        let device = fixture.open(name, both).unwrap();
        let mut buffer = [0xaa; 4];
        let read = device.read(&mut buffer).unwrap();
        (read, buffer[0], device.write(b"xy"), device.status().unwrap().special)
    };
    assert_eq!(used("/dev/null"), (0, 0xaa, Ok(2), (1, 3)));
    assert_eq!(used("/dev/zero"), (4, 0, Ok(2), (1, 5)));
    assert_eq!(used("/dev/full"), (4, 0, Err(Errno::ENOSPC), (1, 7)));
    assert_eq!(used("/dev/random"), (4, 7, Ok(2), (1, 8)));
    assert_eq!(used("/dev/urandom"), (4, 7, Ok(2), (1, 9)));
    let null = fixture.open("/dev/null", READ).unwrap();
    assert_eq!((null.write(b"x"), null.seek(Seek::End(5))), (Err(Errno::EBADF), Ok(0)));
    assert_eq!(fixture.open("/dev/null/", READ).err(), Some(Errno::ENOTDIR));
    assert_eq!(fixture.open("/dev/new", CREATE).err(), Some(Errno::EROFS));
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

#[test]
fn proc_tells_of_the_image() {
    let fixture = fixture(root());
    assert!(
        fixture.text("/proc/meminfo").contains("MemTotal:           8192 kB\nMemFree:            4096 kB\n")
    );
    assert_eq!(fixture.text("/proc/uptime"), "1000.00 0.00\n");
    fixture.clock.advance(iface_clock::Duration::from_millis(1250));
    assert_eq!(fixture.text("/proc/uptime"), "1001.25 0.00\n");
    assert_eq!(fixture.text("/proc/loadavg"), "0.00 0.00 0.00 1/1 1\n");
    assert_eq!(fixture.text("/proc/sys/kernel/hostname"), "here\n");
    assert_eq!(fixture.text("/proc/sys/kernel/random/uuid"), "07070707-0707-4707-8707-070707070707\n");
    assert!(fixture.text("/proc/cpuinfo").starts_with("processor\t: 0\n"));
    assert!(fixture.text("/proc/stat").contains("\nbtime 0\n"));
    assert_eq!(fixture.text("/proc/self/cmdline"), "");
}

#[test]
fn proc_tells_of_the_process() {
    let fixture = fixture(root());
    let process: &'static FakeProcess = Box::leak(Box::default());
    process.directory.set(fixture.find("/www").ok());
    fixture.vfs.set_process(process);
    assert_eq!(fixture.text("/proc/self/cmdline"), "server\0-v\0");
    assert_eq!(fixture.text("/proc/1/environ"), "HOME=/\0");
    assert_eq!(fixture.text("/proc/self/comm"), "server\n");
    assert_eq!(fixture.text("/proc/self/maps"), "1000-2000 r--p 00000000 00:00 0\n");
    assert!(fixture.text("/proc/self/status").contains("\nThreads:\t3\n"));
    assert!(fixture.text("/proc/self/limits").contains("Max open files            1024 "));
    let stat = fixture.text("/proc/self/stat");
    let fields: Vec<_> = stat.split(' ').collect();
    // Threads, bytes and pages (proc_pid_stat(5)).
    assert_eq!((fields.len(), fields[19], fields[22], fields[23]), (52, "3", "4194304", "1024"));
    let read_link = |path: &str| fixture.vfs.read_link(fixture.vfs.root(), path.as_bytes());
    assert_eq!(read_link("/proc/self/cwd"), Ok(b"/www".into()));
    assert_eq!(read_link("/proc/self/exe"), Ok(b"/server".into()));
    assert_eq!(read_link("/proc/self"), Ok(b"1".into()));
    assert_eq!(fixture.text("/proc/self/cwd/index.html"), "<p>hello");
}

#[test]
fn descriptors_are_links() {
    let fixture = fixture(root());
    let process: &'static FakeProcess = Box::leak(Box::default());
    fixture.vfs.set_process(process);
    let console = fixture.open("/dev/console", OpenOptions { write: true, ..READ }).unwrap();
    let page = fixture.open("/home/index.html", READ).unwrap();
    let gone = fixture.open("/tmp/gone", CREATE).unwrap();
    fixture.vfs.remove(fixture.vfs.root(), b"/tmp/gone", false).unwrap();
    process.files.replace(Vec::from([None, Some(console), Some(page.clone()), Some(gone)]));
    assert_eq!(fixture.names("/dev/fd/"), ". .. 1 2 3");
    let read_link = |path: &str| fixture.vfs.read_link(fixture.vfs.root(), path.as_bytes());
    assert_eq!(read_link("/proc/self/fd/1"), Ok(b"/dev/console".into()));
    assert_eq!(read_link("/dev/fd/2"), Ok(b"/www/index.html".into()));
    assert_eq!(read_link("/dev/fd/3"), Ok(b"/tmp/gone (deleted)".into()));
    for none in ["/dev/fd/0", "/dev/fd/4", "/dev/fd/01", "/dev/fd/+1", "/dev/fd/x", "/dev/stdin"] {
        assert_eq!(fixture.open(none, READ).err(), Some(Errno::ENOENT), "{none}");
    }
    let out = fixture.open("/dev/stdout", OpenOptions { create: true, ..WRITE }).unwrap();
    assert_eq!((out.write(b"out"), &**fixture.written.borrow()), (Ok(3), &b"out"[..]));
    page.read(&mut [0; 3]).unwrap();
    let again = fixture.open("/dev/stderr", READ).unwrap();
    assert_eq!(again.seek(Seek::Current(0)), Ok(0), "a position of its own");
    process.files.borrow_mut()[1] = Some(again);
    assert_eq!(read_link("/proc/self/fd/1"), Ok(b"/www/index.html".into()));
}
