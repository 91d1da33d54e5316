#![doc = include_str!("../README.md")]
#![no_std]
#![expect(unsafe_code, reason = "a program in C is called")]

extern crate alloc;

mod c;

use alloc::boxed::Box;
use alloc::vec::Vec;

use iface_linux_abi::{LinuxAbi, Program};
use iface_log::Log;
use iface_memory::Memory;
use iface_platform::Platform;
use iface_scheduler::Scheduler;

/// What the program is started with.
pub struct Config {
    /// Its arguments, its own name first. Those that the image is started with follow them.
    pub arguments: &'static [&'static str],
    /// Its environment, each `NAME=value`.
    pub environment: &'static [&'static str],
    /// The stack that its `main` runs on, in KiB.
    pub stack_kib: u32,
}

impl Config {
    /// The stack in bytes.
    fn stack_size(&self) -> usize {
        usize::try_from(self.stack_kib).unwrap_or(usize::MAX).saturating_mul(1024)
    }
}

/// What it needs.
pub struct Needs<L, G, M, P, S> {
    /// System calls.
    pub linux_abi: L,
    /// Where system calls are named that are not there.
    pub log: Option<G>,
    /// The stack.
    pub memory: M,
    /// Arguments that the image is started with.
    pub platform: P,
    /// The thread of `main`.
    pub scheduler: S,
}

/// Runs the program in a thread of its own, with whose status the image ends.
///
/// # Panics
/// Where there is no memory for its stack.
pub fn main<L: LinuxAbi, G: Log, M: Memory, P: Platform, S: Scheduler>(
    config: &'static Config,
    needs: Needs<L, G, M, P, S>,
) {
    let Needs { linux_abi, log: _, memory, platform, scheduler } = needs;
    let stack = memory
        .stack(config.stack_size())
        .unwrap_or_else(|error| panic!("a stack of {} KiB (libs.musl.stackKiB): {error}", config.stack_kib));
    let run = move || {
        let mut arguments = Vec::from(config.arguments);
        arguments.extend(platform.command_line().arguments());
        linux_abi.run(&Program {
            entry: c::entry,
            thread_locals: c::thread_locals(),
            arguments: &arguments,
            environment: config.environment,
        })
    };
    scheduler
        .spawn_on("main", stack, Box::new(run))
        .unwrap_or_else(|error| panic!("the program's first thread: {error}"));
    // The threads of the program end by themselves, and the image with the last one.
    loop {
        scheduler.park(None);
    }
}
