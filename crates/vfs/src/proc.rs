//! `/proc`, as far as programs ask (proc(5)).

use alloc::format;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::RefCell;

use iface_allocator::Allocator;
use iface_clock::Clock;
use iface_entropy::Entropy;
use iface_vfs::RELEASE;

use crate::descriptors::ProcessCell;
use crate::own;
use crate::special::{ROOT, Special};

/// What the texts are made from.
pub(crate) struct Sources<A: 'static, C, E> {
    pub allocator: &'static A,
    pub clock: C,
    pub entropy: E,
    pub process: ProcessCell,
    pub host: Rc<str>,
    /// `/proc/mounts`, written when all is mounted.
    pub mounts: Rc<RefCell<Vec<u8>>>,
}

/// The tree, without `fd`, which is a volume of its own.
pub(crate) fn tree<A: Allocator, C: Clock, E: Entropy>(sources: &Sources<A, C, E>, made: u64) -> Special {
    let tree = Special::new("proc", made);
    processor(&tree);
    memory(&tree, sources.allocator);
    time(&tree, sources.clock, &sources.process);
    kernel(&tree, sources);
    tree.link(ROOT, "mounts", "self/mounts");
    tree.text(ROOT, "filesystems", b"nodev\tproc\nnodev\tdevtmpfs\nnodev\ttmpfs\n".into());
    own::add(&tree, sources);
    tree.link(ROOT, "self", "1");
    tree
}

fn processor(tree: &Special) {
    // Images run on one processor. What it is, the platform knows and does not say.
    tree.text(ROOT, "cpuinfo", b"processor\t: 0\ncpu cores\t: 1\n\n".into());
}

fn memory<A: Allocator>(tree: &Special, allocator: &'static A) {
    tree.made(ROOT, "meminfo", move || {
        let usage = allocator.usage();
        let (total, free) = (usage.total / 1024, (usage.total - usage.used.min(usage.total)) / 1024);
        let lines = [
            ("MemTotal", total),
            ("MemFree", free),
            ("MemAvailable", free),
            ("Buffers", 0),
            ("Cached", 0),
            ("SwapTotal", 0),
            ("SwapFree", 0),
        ];
        lines
            .iter()
            .flat_map(|(name, kib)| format!("{:<15} {kib:>8} kB\n", format!("{name}:")).into_bytes())
            .collect()
    });
}

fn time<C: Clock>(tree: &Special, clock: C, process: &ProcessCell) {
    tree.made(ROOT, "uptime", move || {
        let hundredths = clock.now().as_nanos() / 10_000_000;
        format!("{}.{:02} 0.00\n", hundredths / 100, hundredths % 100).into_bytes()
    });
    let running = Rc::clone(process);
    tree.made(ROOT, "loadavg", move || {
        let threads = running.get().map_or(1, |process| process.threads());
        format!("0.00 0.00 0.00 1/{threads} 1\n").into_bytes()
    });
    tree.made(ROOT, "stat", move || {
        let now = clock.now().as_nanos() / 1_000_000_000;
        let started = clock.wall_clock().map_or(0, |since| since.as_secs().saturating_sub(now));
        // How long the processor did what is not measured.
        let idle = "0 0 0 0 0 0 0 0 0 0";
        format!(
            "cpu  {idle}\ncpu0 {idle}\nintr 0\nctxt 0\nbtime {started}\nprocesses 1\nprocs_running 1\nprocs_blocked 0\n"
        )
        .into_bytes()
    });
}

fn kernel<A: Allocator, C: Clock, E: Entropy>(tree: &Special, sources: &Sources<A, C, E>) {
    tree.text(ROOT, "version", format!("Linux version {RELEASE} (Unicore)\n").into_bytes());
    let sys = tree.directory(ROOT, "sys");
    let kernel = tree.directory(sys, "kernel");
    tree.text(kernel, "ostype", b"Linux\n".into());
    tree.text(kernel, "osrelease", format!("{RELEASE}\n").into_bytes());
    tree.text(kernel, "version", b"Unicore\n".into());
    tree.text(kernel, "hostname", format!("{}\n", sources.host).into_bytes());
    tree.text(kernel, "domainname", b"(none)\n".into());
    tree.text(kernel, "pid_max", b"32768\n".into());
    tree.text(kernel, "cap_last_cap", b"40\n".into());
    let random = tree.directory(kernel, "random");
    tree.text(random, "boot_id", uuid(sources.entropy));
    let entropy = sources.entropy;
    tree.made(random, "uuid", move || uuid(entropy));
    let net = tree.directory(sys, "net");
    let core = tree.directory(net, "core");
    tree.text(core, "somaxconn", b"4096\n".into());
}

/// A random identifier (RFC 9562, section 5.4); one of zeros where there are no random bytes.
fn uuid<E: Entropy>(entropy: E) -> Vec<u8> {
    let mut bytes = [0; 16];
    if entropy.fill(&mut bytes).is_err() {
        bytes = [0; 16];
    }
    let mut number = u128::from_be_bytes(bytes);
    number = number & !(0xf << 76) | 4 << 76;
    number = number & !(0b11 << 62) | 0b10 << 62;
    let (a, b, c) = (number >> 96, number >> 80 & 0xffff, number >> 64 & 0xffff);
    let (d, e) = (number >> 48 & 0xffff, number & 0xffff_ffff_ffff);
    format!("{a:08x}-{b:04x}-{c:04x}-{d:04x}-{e:012x}\n").into_bytes()
}
