//! `/etc`, `/dev` and `/proc`.

use open_file::Seek;

use super::*;

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
fn name_servers_of_the_network_are_shown_as_they_come_and_go() {
    let config = Config { writable: &[], writable_mib: 1, name_servers: &[] };
    let fixture = start(root(), config, "").unwrap();
    assert_eq!(fixture.text("/etc/resolv.conf"), "");
    let process: &'static FakeProcess = Box::leak(Box::default());
    fixture.vfs.set_process(process);
    process.name_servers.replace(Vec::from(["10.0.2.3", "fd00::3"].map(|server| server.parse().unwrap())));
    assert_eq!(fixture.text("/etc/resolv.conf"), "nameserver 10.0.2.3\nnameserver fd00::3\n");
    let status = fixture.vfs.status(fixture.find("/etc/resolv.conf").unwrap()).unwrap();
    assert_eq!(status.size, 39);
    process.name_servers.take();
    assert_eq!(fixture.text("/etc/resolv.conf"), "");
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
