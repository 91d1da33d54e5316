#![doc = include_str!("../README.md")]
#![no_std]

extern crate alloc;

use alloc::format;
use alloc::rc::Rc;
use alloc::vec::Vec;

use iface_clock::Clock;
use iface_vfs::{Errno, OpenFile, OpenOptions, Vfs};

/// The page.
const PAGE: &str = "/www/deep/page.html";
const READ: OpenOptions = OpenOptions {
    read: true,
    write: false,
    truncate: false,
    create: false,
    exclusive: false,
    directory: false,
    no_follow: false,
    hold: false,
    permissions: 0o644,
};

/// Settings, from `app.settings`.
pub struct Config {
    /// How often the page is opened.
    pub rounds: u64,
}

/// What it needs.
pub struct Needs<C, V> {
    /// Time.
    pub clock: C,
    /// The tree.
    pub vfs: V,
}

/// Uses the tree, and tells what came of it.
pub fn main<C: Clock, V: Vfs>(config: &'static Config, needs: Needs<C, V>) {
    let Needs { clock, vfs } = needs;
    let console = open(vfs, "/dev/console", OpenOptions { write: true, ..READ }).expect("a console");
    let say = |line: &str| assert_eq!(console.write(format!("{line}\n").as_bytes()), Ok(line.len() + 1));
    for path in [PAGE, "/etc/resolv.conf", "/proc/meminfo", "/proc/mounts"] {
        say(&format!("{path}: {}", text(vfs, path).expect("a text").trim_end()));
    }
    write_and_move(vfs).expect("a directory that can be written");
    say(&format!("/tmp: {}", names(vfs, "/tmp").expect("names").trim_end()));
    let begin = clock.now();
    for _ in 0..config.rounds {
        page(vfs).expect("the page");
    }
    let each = clock.now().since(begin).as_nanos() as u64 / config.rounds.max(1);
    say(&format!("a page in {each} ns"));
}

fn open<V: Vfs>(vfs: V, path: &str, options: OpenOptions) -> Result<Rc<dyn OpenFile>, Errno> {
    vfs.open(vfs.root(), path.as_bytes(), options)
}

/// All of a file.
fn text<V: Vfs>(vfs: V, path: &str) -> Result<alloc::string::String, Errno> {
    let file = open(vfs, path, READ)?;
    let (mut text, mut piece) = (Vec::new(), [0; 512]);
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(alloc::string::String::from_utf8_lossy(&text).into_owned()),
            count => text.extend_from_slice(&piece[..count]),
        }
    }
}

fn write_and_move<V: Vfs>(vfs: V) -> Result<(), Errno> {
    let file = open(vfs, "/tmp/new", OpenOptions { write: true, create: true, ..READ })?;
    file.write(b"written")?;
    vfs.rename((vfs.root(), b"/tmp/new"), (vfs.root(), b"/tmp/moved"))?;
    let mut bytes = [0; 8];
    assert_eq!((file.read_at(0, &mut bytes)?, &bytes[..7]), (7, &b"written"[..]));
    Ok(())
}

/// The names in a directory.
fn names<V: Vfs>(vfs: V, path: &str) -> Result<alloc::string::String, Errno> {
    let file = open(vfs, path, READ)?;
    let directory = file.directory().ok_or(Errno::ENOTDIR)?;
    let mut names = alloc::string::String::new();
    while let Some(name) = directory.next_name()? {
        names += &format!("{} ", name.name.escape_ascii());
    }
    Ok(names)
}

/// Open, fstat, read, close.
fn page<V: Vfs>(vfs: V) -> Result<usize, Errno> {
    let file = open(vfs, PAGE, READ)?;
    assert!(file.status()?.size > 0);
    file.read(&mut [0; 64])
}
