//! The stack in this process: the platform's events and time, and a scheduler of one thread.

use iface_platform::{CommandLine, ExitStatus, Platform};
use iface_scheduler::fake::FakeScheduler;
use linux::{LinuxClock, LinuxEvents};

use crate::{Config, HostSockets, Needs, init};

const CONFIG: Config = Config { resolve_timeout_ms: 100 };

/// The stack as it is here.
pub type Stack = HostSockets<LinuxClock, &'static FakeScheduler<LinuxEvents, LinuxClock>>;

/// A platform that has a command line and no end.
#[derive(Clone, Copy)]
struct CommandLineOnly(&'static str);

impl Platform for CommandLineOnly {
    fn command_line(&self) -> CommandLine<'static> {
        CommandLine::new(self.0)
    }

    fn initrd(&self) -> Option<&'static [u8]> {
        None
    }

    fn exit(&self, status: ExitStatus) -> ! {
        panic!("the image exits with {}", status.0)
    }
}

/// A stack started with `command_line`, its events and its clock.
pub fn stack(command_line: &'static str) -> (Stack, LinuxEvents, LinuxClock) {
    let clock = LinuxClock::start();
    let events = LinuxEvents::new(clock);
    let scheduler = FakeScheduler::new(events, clock);
    let needs = Needs { clock, events, platform: CommandLineOnly(command_line), scheduler };
    (init(&CONFIG, needs).expect("the stack starts").net_stack, events, clock)
}
