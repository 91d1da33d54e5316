//! `/proc/1`, which `/proc/self` leads to: what the process knows of itself.

use alloc::format;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;

use iface_allocator::Allocator;
use iface_clock::Clock;
use iface_entropy::Entropy;
use iface_vfs::Process;

use crate::descriptors::ProcessCell;
use crate::proc::Sources;
use crate::special::{ROOT, Special};
use crate::volume::Target;

/// Bytes of a page.
const PAGE: usize = 4096;

/// Adds the directory.
pub(crate) fn add<A: Allocator, C: Clock, E: Entropy>(tree: &Special, sources: &Sources<A, C, E>) {
    let own = tree.directory(ROOT, "1");
    texts(tree, own, &sources.process);
    places(tree, own, &sources.process);
    counts(tree, own, sources.allocator, &sources.process);
    let mounts = Rc::clone(&sources.mounts);
    tree.made(own, "mounts", move || mounts.borrow().clone());
}

/// Adds a text that `make` makes from the process, empty where there is none yet.
fn text(
    tree: &Special,
    own: u64,
    name: &'static str,
    process: &ProcessCell,
    make: impl Fn(&dyn Process) -> Vec<u8> + 'static,
) {
    let process = Rc::clone(process);
    tree.made(own, name, move || process.get().map(&make).unwrap_or_default());
}

fn texts(tree: &Special, own: u64, process: &ProcessCell) {
    text(tree, own, "cmdline", process, |process| with_zeros(process.arguments()));
    text(tree, own, "environ", process, |process| with_zeros(process.environment()));
    text(tree, own, "maps", process, |process| process.maps());
    text(tree, own, "comm", process, |process| [&*process.name(), b"\n"].concat());
    text(tree, own, "limits", process, limits);
}

fn with_zeros(texts: Vec<Vec<u8>>) -> Vec<u8> {
    texts.into_iter().flat_map(|text| text.into_iter().chain([0])).collect()
}

/// Limits that say something; all others are none.
fn limits(process: &dyn Process) -> Vec<u8> {
    let most = process.most_descriptors();
    format!(
        "{:<25} {:<20} {:<20} {:<10}\n{:<25} {most:<20} {most:<20} {:<10}\n",
        "Limit", "Soft Limit", "Hard Limit", "Units", "Max open files", "files"
    )
    .into_bytes()
}

fn places(tree: &Special, own: u64, process: &ProcessCell) {
    let here = Rc::clone(process);
    tree.leading(own, "cwd", move || match here.get() {
        Some(process) => Target::Place(process.directory()),
        None => Target::Path(b"/".into()),
    });
    tree.link(own, "root", "/");
    let program = Rc::clone(process);
    tree.leading(own, "exe", move || Target::Path(program.get().map(path).unwrap_or_default()));
}

/// The path of the program, which is no file of the tree: its first argument, as from the root.
fn path(process: &dyn Process) -> Vec<u8> {
    let name = process.arguments().into_iter().next().unwrap_or_default();
    if name.starts_with(b"/") { name } else { [b"/", &*name].concat() }
}

fn counts<A: Allocator>(tree: &Special, own: u64, allocator: &'static A, process: &ProcessCell) {
    text(tree, own, "status", process, move |process| status(process, allocator.usage().used));
    text(tree, own, "stat", process, move |process| stat(process, allocator.usage().used));
    tree.made(own, "statm", move || {
        let pages = allocator.usage().used / PAGE;
        format!("{pages} {pages} 0 0 0 {pages} 0\n").into_bytes()
    });
}

fn name(process: &dyn Process) -> String {
    String::from_utf8_lossy(&process.name()).into_owned()
}

/// proc_pid_status(5). All memory of the image is the process's.
fn status(process: &dyn Process, used: usize) -> Vec<u8> {
    let (name, threads, kib) = (name(process), process.threads(), used / 1024);
    let descriptors = process.descriptors().len();
    format!(
        "Name:\t{name}\nState:\tR (running)\nTgid:\t1\nNgid:\t0\nPid:\t1\nPPid:\t0\nTracerPid:\t0\n\
         Uid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\nFDSize:\t{descriptors}\nGroups:\t \n\
         VmSize:\t{kib:>8} kB\nVmRSS:\t{kib:>8} kB\nThreads:\t{threads}\n\
         Cpus_allowed:\t1\nCpus_allowed_list:\t0\n"
    )
    .into_bytes()
}

/// proc_pid_stat(5): 52 fields, of which those say 0 that are not measured.
fn stat(process: &dyn Process, used: usize) -> Vec<u8> {
    let (name, threads, pages) = (name(process), process.threads(), used / PAGE);
    let mut fields = [0_usize; 52];
    // Fields count from 1: process, group and session; priority, threads, sizes in bytes and in pages.
    for (number, value) in
        [(5, 1), (6, 1), (18, 20), (20, threads), (23, used), (24, pages), (25, usize::MAX)]
    {
        fields[number - 1] = value;
    }
    let mut line = format!("1 ({name}) R");
    for field in &fields[3..] {
        line += &format!(" {field}");
    }
    line.push('\n');
    line.into_bytes()
}
