//! Two kernels: the machine's own, and a process of this crate with sockets over a stack that reaches itself.

use alloc::boxed::Box;
use std::io;

use iface_clock::Clock;
use iface_events::fake::FakeEvents;
use iface_net_device::fake::{WireConfig, wire};
use iface_net_stack::NetStack;
use iface_scheduler::Scheduler;
use iface_scheduler::fake::FakeScheduler;
use iface_shutdown::Absent;
use iface_sockets::Sockets;
use linux_raw_sys::general::{__NR_rt_sigaction, SIGPIPE};

use crate::Needs;
use crate::linux::{Linux, World};
use crate::tests::{Fake, call};

/// Whatever makes system calls.
pub trait Kernel {
    /// Makes a call: its value, or the negative number of an error.
    fn call(&self, number: u32, arguments: &[usize]) -> isize;
}

/// The machine that runs the tests.
pub struct Machine;

impl Kernel for Machine {
    fn call(&self, number: u32, arguments: &[usize]) -> isize {
        let mut registers = [0; 6];
        registers[..arguments.len()].copy_from_slice(arguments);
        let [a, b, c, d, e, f] = registers;
        // SAFETY: the tests pass numbers, and addresses of their own memory with its length; or wrong ones, which the
        // kernel refuses.
        let value = unsafe { libc::syscall(number.into(), a, b, c, d, e, f) };
        match value {
            -1 => -(io::Error::last_os_error().raw_os_error().expect("a call that fails says why") as isize),
            value => value as isize,
        }
    }
}

impl<W: World> Kernel for Linux<W> {
    fn call(&self, number: u32, arguments: &[usize]) -> isize {
        call(self, number, arguments)
    }
}

/// Calls `test` with a process that has nothing but sockets, and 10.0.0.1 beside the addresses of loopback.
pub fn with_image<T>(test: impl FnOnce(&dyn Kernel) -> T) -> T {
    let events = FakeEvents::new(Box::leak(Box::default()));
    let needs = sched_coop::Needs {
        arch: host_threads::HostThreads,
        clock: events.clock(),
        events,
        memory: host_threads::HostStacks,
    };
    let Ok(provided) = sched_coop::init(&sched_coop::Config { stack_kib: 64 }, needs);
    let net_stack = stack(events, provided.scheduler);
    let linux = process(events.clock(), provided.scheduler, sockets_over(net_stack));
    start(&linux);
    test(&linux)
}

/// Calls `test` with a process over the machine's own sockets, as on the platform `linux`.
pub fn with_image_on_machine<T>(test: impl FnOnce(&dyn Kernel) -> T) -> T {
    let clock = ::linux::LinuxClock::start();
    let events = ::linux::LinuxEvents::new(clock);
    let scheduler = FakeScheduler::new(events, clock);
    let needs = host_sockets::Needs { clock, events, platform: Fake, scheduler };
    let config = &host_sockets::Config { resolve_timeout_ms: 100 };
    let net_stack = host_sockets::init(config, needs).expect("the stack starts").net_stack;
    let linux = process(clock, scheduler, sockets_over(net_stack));
    start(&linux);
    test(&linux)
}

fn start(linux: &Linux<impl World>) {
    linux.adopt_thread();
    ignore_broken_pipes(linux);
}

/// Is asked how much memory there is, and has none.
static MEMORY: alloc_talc::Provider = alloc_talc::Provider::new(&alloc_talc::Config {});

fn stack<S: Scheduler>(events: &'static FakeEvents, scheduler: S) -> impl NetStack {
    let (card, _) = wire(events, WireConfig::default());
    let needs = tcpip::Needs {
        allocator: &MEMORY,
        clock: events.clock(),
        entropy: Fake,
        events,
        net_device: card,
        platform: Fake,
        scheduler,
    };
    tcpip::init(&STACK, needs).expect("the stack starts").net_stack
}

fn sockets_over(net_stack: impl NetStack) -> impl Sockets {
    let Ok(provided) = linux_sockets::init(&linux_sockets::Config {}, linux_sockets::Needs { net_stack });
    provided.sockets
}

static STACK: tcpip::Config = tcpip::Config {
    address: Some("10.0.0.1/24"),
    gateway: None,
    address6: None,
    gateway6: None,
    dns: &[],
    dhcp: false,
    dhcp_timeout_s: 1,
    ipv6: true,
    sockets: 1000,
    backlog: 64,
    tcp_receive_buffer_kib: 64,
    tcp_send_buffer_kib: 64,
    tcp_send_buffer_most_kib: 64,
    udp_datagrams: 64,
    udp_buffer_kib: 64,
    nagle: false,
    ack_delay_ms: 10,
    congestion_control: tcpip::CongestionControl::None,
    keep_alive_s: None,
    dead_peer_s: 60,
    linger_s: 30,
};

fn process<C: Clock, S: Scheduler, N: Sockets>(clock: C, scheduler: S, sockets: N) -> Linux<impl World> {
    Linux::<Needs<Fake, alloc_talc::Provider, Fake, C, Fake, Fake, S, Absent, N, Fake, Fake>>::new(Needs {
        address_space: Fake,
        allocator: &MEMORY,
        arch: Fake,
        clock,
        entropy: Fake,
        platform: Fake,
        scheduler,
        shutdown: None,
        sockets,
        thread_pointer: Fake,
        vfs: Fake,
    })
}

/// As the tests' own runtime does on the machine.
fn ignore_broken_pipes(linux: &dyn Kernel) {
    const IGNORE: usize = 1;
    let action = [IGNORE, 0, 0, 0];
    let address = action.as_ptr() as usize;
    assert_eq!(linux.call(__NR_rt_sigaction, &[SIGPIPE as usize, address, 0, 8]), 0);
}
