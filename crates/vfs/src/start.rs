//! What is mounted at the start.

use alloc::boxed::Box;
use alloc::rc::Rc;
use core::cell::{Cell, OnceCell};
use core::convert::Infallible;

use iface_allocator::Allocator;
use iface_clock::Clock;
use iface_console::Console;
use iface_entropy::Entropy;
use iface_filesystem::{FileSystem, Kind};
use iface_platform::{CommandLine, Platform};
use iface_vfs::{HOST_NAME, Vfs};

use crate::assembly::Assembly;
use crate::descriptors::{Descriptors, ProcessCell};
use crate::proc::Sources;
use crate::stored::Stored;
use crate::vfs::Files;
use crate::{Config, InitError, Needs, Provides, dev, etc, proc};

/// Permissions of directories that everybody may write in, as `/tmp`.
const FOR_ALL: u16 = 0o1777;

/// Mounts the root, and on it devices, facts and what can be written.
///
/// # Errors
/// As [`InitError`] says.
pub fn init<A: Allocator, C: Clock, O: Console, E: Entropy, F: FileSystem, P: Platform>(
    config: &'static Config,
    needs: Needs<A, C, O, E, F, P>,
) -> Result<Provides<impl Vfs>, InitError> {
    let Needs { allocator, clock, console, entropy, filesystem, platform } = needs;
    let made = clock.wall_clock().map_or(0, |since| since.as_nanos() as u64);
    let line = platform.command_line();
    let host: Rc<str> = line.setting("hostname").unwrap_or(HOST_NAME).into();
    let process: ProcessCell = Rc::new(Cell::new(None));
    let mounts = Rc::new(OnceCell::new());

    let mut assembly = Assembly::new(Rc::new(Stored::new(filesystem, "rootfs")), made);
    let devices = Rc::new(dev::tree(console, entropy, made));
    assembly.mount("/dev", devices, crate::special::ROOT)?;
    let sources =
        Sources { allocator, clock, entropy, process: Rc::clone(&process), host: Rc::clone(&host), mounts };
    assembly.mount("/proc", Rc::new(proc::tree(&sources, made)), crate::special::ROOT)?;
    assembly.mount("/proc/1/fd", Rc::new(Descriptors { process: Rc::clone(&process) }), 0)?;
    assembly.add("/etc", Rc::new(etc::tree(&host, name_servers(config, line), made)))?;
    mount_writable(config, clock, &mut assembly)?;

    let (tree, lines) = assembly.finish();
    // It is empty until here.
    let _ = sources.mounts.set(lines);
    Ok(Provides { vfs: Files::new(tree, process) })
}

/// Addresses from the command line, else from the settings.
fn name_servers(config: &'static Config, line: CommandLine<'static>) -> impl Iterator<Item = &'static str> {
    let said = line.setting("dns");
    let configured = config.name_servers.iter().copied().filter(move |_| said.is_none());
    said.into_iter().flat_map(|list| list.split(',')).filter(|address| !address.is_empty()).chain(configured)
}

/// Mounts a directory of one tree in memory at each path.
fn mount_writable<C: Clock>(config: &Config, clock: C, assembly: &mut Assembly) -> Result<(), InitError> {
    if config.writable.is_empty() {
        return Ok(());
    }
    let settings = Box::leak(Box::new(ramfs::Config { max_mib: config.writable_mib }));
    let ramfs::Provides { filesystem: memory } = match ramfs::init(settings, ramfs::Needs { clock }) {
        Ok(provides) => provides,
        Err(error) => never(error),
    };
    let volume = Rc::new(Stored::new(memory, "tmpfs"));
    let mut sorted = config.writable.to_vec();
    // What is above comes before what is below.
    sorted.sort_unstable();
    sorted.dedup();
    for (number, path) in sorted.into_iter().enumerate() {
        let name = alloc::format!("{number}");
        let made = memory.create(memory.root(), name.as_bytes(), Kind::Directory, FOR_ALL);
        let node = made.map_err(|error| InitError::Mount(path, crate::errno::errno(error)))?;
        assembly.mount(path, volume.clone(), node.0)?;
    }
    Ok(())
}

fn never(error: Infallible) -> ! {
    match error {}
}
