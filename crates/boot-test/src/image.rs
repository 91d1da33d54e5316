//! The running image.

use std::io::Read;
use std::net::SocketAddr;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicI32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

use crate::console::Console;
use crate::{Failure, Scenario, http};

/// How often a process is asked whether it has ended.
const POLL: Duration = Duration::from_millis(10);

/// Process group of the image that was started last, 0 for none: for the handler of an interrupt.
static RUNNING: AtomicI32 = AtomicI32::new(0);

/// Kills the image that was started last where it runs still; for who ends this process early.
pub fn kill_running_image() {
    kill(RUNNING.load(Ordering::SeqCst));
}

fn kill(group: i32) {
    if let Some(group) = Pid::from_raw(group) {
        // The group may be gone already, which is what is wanted.
        let _ = kill_process_group(group, Signal::KILL);
    }
}

/// An image that was started; dropping it kills the process and its children.
pub(crate) struct Image {
    child: Child,
    /// Its process group, which has the number of the child.
    group: i32,
    pub(crate) console: Console,
    pub(crate) deadline: Instant,
    /// Addresses that gave an answer before.
    answered: Vec<SocketAddr>,
}

impl Image {
    /// Starts `run` of the scenario's image in a process group of its own.
    pub(crate) fn start(scenario: &Scenario, deadline: Instant) -> Result<Self, Failure> {
        let mut child = command(scenario).spawn().map_err(Failure::Start)?;
        let group = child.id().cast_signed();
        RUNNING.store(group, Ordering::SeqCst);
        let streams = [
            child.stdout.take().map(|stream| Box::new(stream) as Box<dyn Read + Send>),
            child.stderr.take().map(|stream| Box::new(stream) as Box<dyn Read + Send>),
        ];
        let streams = streams.into_iter().flatten().collect();
        let console = Console::new(streams, &scenario.console, &scenario.absent);
        Ok(Self { child, group, console, deadline, answered: Vec::new() })
    }

    /// Where a service of the image is, once something there answers HTTP.
    ///
    /// QEMU accepts a forwarded connection before its guest is up, so that a connection alone says nothing.
    pub(crate) fn answering(&mut self, service: &str) -> Result<SocketAddr, Failure> {
        let address = self.console.address(service, self.deadline)?;
        let mut patience = Duration::from_millis(500);
        while !self.answered.contains(&address) {
            self.still_runs()?;
            if http::answers(address, patience) {
                self.answered.push(address);
            } else if Instant::now() >= self.deadline {
                return Err(Failure::TimedOut {
                    waiting_for: format!("an answer of {service}://{address}/"),
                });
            } else {
                thread::sleep(POLL);
                patience = (patience * 2).min(Duration::from_secs(8));
            }
        }
        Ok(address)
    }

    /// Fails where the image has ended.
    pub(crate) fn still_runs(&mut self) -> Result<(), Failure> {
        match self.ended()? {
            Some(status) => Err(Failure::Ended { status: code(status) }),
            None => Ok(()),
        }
    }

    /// Waits for the image's end and its last words.
    pub(crate) fn exits_with(&mut self, wanted: i32) -> Result<(), Failure> {
        let got = loop {
            if let Some(status) = self.ended()? {
                break code(status);
            }
            if Instant::now() >= self.deadline {
                return Err(Failure::TimedOut { waiting_for: "the image's end".into() });
            }
            thread::sleep(POLL);
        };
        if got == wanted {
            self.console.ends(self.deadline)
        } else {
            Err(Failure::ExitStatus { got, wanted })
        }
    }

    /// The console's last lines; of an image that has ended, those still on their way too.
    pub(crate) fn last_words(&mut self) -> Vec<String> {
        if self.still_runs().is_err() {
            // Children that hold the console open longer than this have nothing more to say about the end.
            let _ = self.console.ends(Instant::now() + Duration::from_secs(1));
        }
        self.console.last_lines()
    }

    fn ended(&mut self) -> Result<Option<ExitStatus>, Failure> {
        self.child.try_wait().map_err(Failure::Start)
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        kill(self.group);
        // Another image may have been started meanwhile, which is then the one to remember.
        let _ = RUNNING.compare_exchange(self.group, 0, Ordering::SeqCst, Ordering::SeqCst);
        // A killed process ends; an error here could only say that it was waited for before.
        let _ = self.child.wait();
    }
}

fn command(scenario: &Scenario) -> Command {
    let mut command = Command::new(scenario.image.join("run"));
    if let Some(memory) = scenario.memory_mib {
        command.arg("--memory").arg(memory.to_string());
    }
    if let Some(initrd) = &scenario.initrd {
        command.arg("--initrd").arg(initrd);
    }
    for setting in &scenario.settings {
        command.arg("--append").arg(setting);
    }
    if !scenario.arguments.is_empty() {
        command.arg("--").args(&scenario.arguments);
    }
    if std::env::var_os("UNICORE_ACCEL").is_none() {
        command.env("UNICORE_ACCEL", "tcg");
    }
    command.env("UNICORE_PORT_BASE", "0").envs(&scenario.environment);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
    command
}

/// The status as a shell tells it: 128 + n for signal n.
fn code(status: ExitStatus) -> i32 {
    status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0))
}
