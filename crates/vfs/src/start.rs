//! What is mounted at the start.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::convert::Infallible;

use iface_allocator::Allocator;
use iface_clock::Clock;
use iface_console::Console;
use iface_entropy::Entropy;
use iface_filesystem::{FileSystem, Kind};
use iface_mount::Mount;
use iface_platform::{CommandLine, Platform};
use iface_scheduler::Scheduler;
use iface_vfs::{HOST_NAME, Vfs};

use crate::assembly::Assembly;
use crate::descriptors::{Descriptors, ProcessCell};
use crate::errno::errno;
use crate::proc::Sources;
use crate::special::ROOT;
use crate::stored::Stored;
use crate::terminal::Terminal;
use crate::vfs::Files;
use crate::volume::Volume;
use crate::{Config, InitError, Needs, Provides, descriptors, dev, etc, proc};

/// Permissions of directories that everybody may write in, as `/tmp`.
const FOR_ALL: u16 = 0o1777;

/// Mounts the root, and on it devices, facts and what can be written.
///
/// # Errors
/// As [`InitError`] says.
pub fn init<A: Allocator, C: Clock, O: Console, E: Entropy, F: FileSystem, P: Platform, S: Scheduler>(
    config: &'static Config,
    needs: Needs<A, C, O, E, F, P, S>,
) -> Result<Provides<impl Vfs>, InitError> {
    let Needs { allocator, clock, console, entropy, filesystem, mount, platform, scheduler } = needs;
    let made = clock.wall_clock().map_or(0, |since| since.as_nanos() as u64);
    let line = platform.command_line();
    let host: Rc<str> = line.setting("hostname").unwrap_or(HOST_NAME).into();
    let process = ProcessCell::default();
    let sources = Sources { allocator, clock, entropy, process, host, mounts: Rc::default() };
    let terminal = Terminal::new(console, clock, scheduler);

    let mut assembly = Assembly::new(Rc::new(Stored::new(filesystem, "rootfs")), made);
    assembly.mount("/dev", Rc::new(dev::tree(terminal, entropy, made)), ROOT)?;
    assembly.mount("/proc", Rc::new(proc::tree(&sources, made)), ROOT)?;
    let descriptors = Descriptors::new(&sources.process);
    assembly.mount("/proc/1/fd", Rc::new(descriptors), descriptors::ROOT)?;
    let servers = name_servers(config, line);
    assembly.add("/etc", Rc::new(etc::tree(&sources.host, servers, &sources.process, made)))?;
    let mut points = others(mount)?;
    add_writable(config, clock, &mut points)?;
    for (path, (volume, root)) in points {
        assembly.mount(path, volume, root)?;
    }

    let (tree, lines) = assembly.finish();
    sources.mounts.replace(lines);
    Ok(Provides { vfs: Files::new(tree, sources.process) })
}

/// Addresses from the command line, else from the settings; `None` where neither says any.
fn name_servers(config: &'static Config, line: CommandLine<'static>) -> Option<Vec<&'static str>> {
    if let Some(said) = line.setting("dns") {
        return Some(said.split(',').filter(|address| !address.is_empty()).collect());
    }
    (!config.name_servers.is_empty()).then(|| config.name_servers.into())
}

/// What is mounted, by paths: what is above comes before what is below.
type Points = BTreeMap<&'static str, (Rc<dyn Volume>, u64)>;

/// Further file systems.
fn others(mounts: &[&dyn Mount]) -> Result<Points, InitError> {
    let mut points = Points::new();
    for mount in mounts {
        let Some(path) = mount.path() else { continue };
        let volume = Stored::new(mount.files(), mount.kind());
        let root = volume.root();
        if points.insert(path, (Rc::new(volume), root)).is_some() {
            return Err(InitError::Twice(path));
        }
    }
    Ok(points)
}

/// Adds a directory of one tree in memory for each path, but not within other file systems.
fn add_writable<C: Clock>(config: &Config, clock: C, points: &mut Points) -> Result<(), InitError> {
    let is_free = |path: &str| !points.keys().any(|other| is_in(path, other));
    let paths: Vec<_> = config.writable.iter().copied().filter(|path| is_free(path)).collect();
    let settings = Box::leak(Box::new(ramfs::Config { max_mib: config.writable_mib }));
    let ramfs::Provides { filesystem: memory } = match ramfs::init(settings, ramfs::Needs { clock }) {
        Ok(provides) => provides,
        Err(error) => never(error),
    };
    let volume: Rc<dyn Volume> = Rc::new(Stored::new(memory, "tmpfs"));
    for (number, path) in paths.into_iter().enumerate() {
        let name = alloc::format!("{number}");
        let made = memory.create(memory.root(), name.as_bytes(), Kind::Directory, FOR_ALL);
        let node = made.map_err(|error| InitError::Mount(path, errno(error)))?;
        points.insert(path, (Rc::clone(&volume), node.0));
    }
    Ok(())
}

/// Whether a path is another, or below that.
fn is_in(path: &str, above: &str) -> bool {
    path.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn never(error: Infallible) -> ! {
    match error {}
}
