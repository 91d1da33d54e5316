//! The tree on fakes.

mod facts;
mod files;
mod hostile;
mod linux;
mod mounting;
mod numbers;
mod terminal;
mod worlds;

use alloc::boxed::Box;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::RefCell;
use core::net::IpAddr;

use iface_allocator::Usage;
use iface_allocator::fake::FakeAllocator;
use iface_clock::fake::FakeClock;
use iface_console::Console;
use iface_entropy::{Entropy, EntropyError};
use iface_events::fake::FakeEvents;
use iface_filesystem::FileSystem;
use iface_filesystem::fake::Tree;
use iface_mount::{Mount, Mounted};
use iface_platform::{CommandLine, ExitStatus, Platform};
use iface_scheduler::fake::FakeScheduler;
use iface_vfs::{Errno, OpenFile, OpenOptions, Place, Process, Vfs};

use crate::{Config, InitError, Needs, Provides, init};

/// Half of its memory is in use.
static ALLOCATOR: FakeAllocator = FakeAllocator(Usage { total: 8 << 20, used: 4 << 20 });

/// A console on which something was typed.
#[derive(Clone, Copy)]
struct FakeConsole {
    typed: &'static RefCell<Vec<u8>>,
    written: &'static RefCell<Vec<u8>>,
}

impl Console for FakeConsole {
    fn write(&self, bytes: &[u8]) {
        self.written.borrow_mut().extend_from_slice(bytes);
    }

    fn read(&self, buffer: &mut [u8]) -> usize {
        let mut typed = self.typed.borrow_mut();
        let count = typed.len().min(buffer.len());
        for (to, from) in buffer.iter_mut().zip(typed.drain(..count)) {
            *to = from;
        }
        count
    }
}

/// Bytes that are all 7.
#[derive(Clone, Copy)]
struct FakeEntropy;

impl Entropy for FakeEntropy {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), EntropyError> {
        buffer.fill(7);
        Ok(())
    }
}

#[derive(Clone, Copy)]
struct FakePlatform(&'static str);

impl Platform for FakePlatform {
    fn command_line(&self) -> CommandLine<'static> {
        CommandLine::new(self.0)
    }

    fn initrd(&self) -> Option<&'static [u8]> {
        None
    }

    fn exit(&self, status: ExitStatus) -> ! {
        panic!("the image ended with {status:?}")
    }
}

type FakeThreads = &'static FakeScheduler<&'static FakeEvents, &'static FakeClock>;

/// A tree and what it stands on.
struct Fixture<V> {
    vfs: V,
    clock: &'static FakeClock,
    scheduler: FakeThreads,
    typed: &'static RefCell<Vec<u8>>,
    written: &'static RefCell<Vec<u8>>,
}

/// Mounts what the settings say on a root.
fn start<F: FileSystem>(root: F, config: Config, line: &'static str) -> Result<Fixture<impl Vfs>, InitError> {
    start_with(root, &[], config, line)
}

/// As [`start`], with further file systems.
fn start_with<F: FileSystem>(
    root: F,
    mount: &'static [&'static dyn Mount],
    config: Config,
    line: &'static str,
) -> Result<Fixture<impl Vfs>, InitError> {
    let events = FakeEvents::new(Box::leak(Box::default()));
    let clock = events.clock();
    let scheduler = FakeScheduler::new(events, clock);
    clock.advance(iface_clock::Duration::from_secs(1000));
    let (typed, written) = (Box::leak(Box::default()), Box::leak(Box::default()));
    let needs = Needs {
        allocator: &ALLOCATOR,
        clock,
        console: FakeConsole { typed, written },
        entropy: FakeEntropy,
        filesystem: root,
        mount,
        platform: FakePlatform(line),
        scheduler,
    };
    let Provides { vfs } = init(Box::leak(Box::new(config)), needs)?;
    Ok(Fixture { vfs, clock, scheduler, typed, written })
}

/// With `/tmp` and `/var/log` to be written, on a root that a test writes down.
fn fixture(root: &'static Tree) -> Fixture<impl Vfs> {
    let config = Config { writable: &["/tmp", "/var/log"], writable_mib: 4, name_servers: &["10.0.2.3"] };
    start(root, config, "hostname=here").expect("a tree")
}

/// A small root.
fn root() -> &'static Tree {
    Tree::new(&[
        ("etc", iface_filesystem::Kind::Directory, ""),
        ("etc/hosts", iface_filesystem::Kind::File, "1.2.3.4 it\n"),
        ("www", iface_filesystem::Kind::Directory, ""),
        ("www/index.html", iface_filesystem::Kind::File, "<p>hello"),
        ("www/old", iface_filesystem::Kind::Link, "index.html"),
        ("home", iface_filesystem::Kind::Link, "/www"),
        ("file", iface_filesystem::Kind::File, ""),
    ])
}

const READ: OpenOptions = OpenOptions {
    read: true,
    write: false,
    truncate: false,
    create: false,
    exclusive: false,
    directory: false,
    no_follow: false,
    hold: false,
    permissions: 0o600,
};
const WRITE: OpenOptions = OpenOptions { read: false, write: true, ..READ };
const CREATE: OpenOptions = OpenOptions { write: true, create: true, ..READ };

impl<V: Vfs> Fixture<V> {
    fn open(&self, path: &str, options: OpenOptions) -> Result<Rc<dyn OpenFile>, Errno> {
        self.vfs.open(self.vfs.root(), path.as_bytes(), options)
    }

    fn find(&self, path: &str) -> Result<Place, Errno> {
        self.vfs.find(self.vfs.root(), path.as_bytes(), true)
    }

    /// All that a file has, read in pieces.
    fn text(&self, path: &str) -> std::string::String {
        let file = self.open(path, READ).unwrap_or_else(|errno| panic!("{path}: {errno}"));
        let (mut text, mut piece) = (Vec::new(), [0; 100]);
        loop {
            match file.read(&mut piece).expect("a file that can be read") {
                0 => return std::string::String::from_utf8(text).expect("text"),
                count => text.extend_from_slice(&piece[..count]),
            }
        }
    }

    /// The names in a directory, with a space between.
    fn names(&self, path: &str) -> std::string::String {
        let file = self.open(path, READ).unwrap_or_else(|errno| panic!("{path}: {errno}"));
        let directory = file.directory().expect("a directory");
        let next = || directory.next_name().expect("a name");
        let names: Vec<_> = core::iter::from_fn(next).map(|name| name.name).collect();
        std::string::String::from_utf8(names.join(&b' ')).expect("text")
    }
}

/// A process with a few descriptors.
#[derive(Default)]
struct FakeProcess {
    files: RefCell<Vec<Option<Rc<dyn OpenFile>>>>,
    directory: core::cell::Cell<Option<Place>>,
    name_servers: RefCell<Vec<IpAddr>>,
}

impl Process for FakeProcess {
    fn arguments(&self) -> Vec<Vec<u8>> {
        Vec::from([b"server".into(), b"-v".into()])
    }

    fn environment(&self) -> Vec<Vec<u8>> {
        Vec::from([b"HOME=/".into()])
    }

    fn name(&self) -> Vec<u8> {
        b"server".into()
    }

    fn threads(&self) -> usize {
        3
    }

    fn directory(&self) -> Place {
        self.directory.get().expect("a working directory")
    }

    fn maps(&self) -> Vec<u8> {
        b"1000-2000 r--p 00000000 00:00 0\n".into()
    }

    fn most_descriptors(&self) -> usize {
        1024
    }

    fn descriptors(&self) -> Vec<u32> {
        let files = self.files.borrow();
        (0..).zip(files.iter()).filter(|(_, file)| file.is_some()).map(|(number, _)| number).collect()
    }

    fn file(&self, descriptor: u32) -> Option<Rc<dyn OpenFile>> {
        self.files.borrow().get(descriptor as usize).cloned().flatten()
    }

    fn name_servers(&self) -> Vec<IpAddr> {
        self.name_servers.borrow().clone()
    }
}
