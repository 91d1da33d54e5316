//! What is mounted where.

use iface_filesystem::Kind as Stored;

use super::*;

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
