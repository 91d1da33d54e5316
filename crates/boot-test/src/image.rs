//! The running image.

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::console::Console;
use crate::disks::Disks;
use crate::group::Group;
use crate::transcript::Transcript;
use crate::{Exchange, Failure, Scenario, exchange, http};

/// How often a process is asked whether it has ended.
const POLL: Duration = Duration::from_millis(10);

/// An image that was started; dropping it ends it.
pub(crate) struct Image {
    group: Group,
    pub(crate) console: Console,
    pub(crate) deadline: Instant,
    /// Addresses that gave an answer before.
    answered: Vec<SocketAddr>,
    /// Last, so that nothing writes them any more when they go.
    _disks: Disks,
}

impl Image {
    /// Starts `run` of the scenario's image in a process group of its own.
    pub(crate) fn start(scenario: &Scenario, deadline: Instant) -> Result<Self, Failure> {
        let compared = scenario.transcript.as_deref().map(Transcript::read).transpose();
        let compared = compared.map_err(Failure::NoTranscript)?;
        let disks = Disks::new(&scenario.disks).map_err(Failure::Disk)?;
        let mut group = Group::start(&mut command(scenario, &disks)).map_err(Failure::Start)?;
        let (output, errors) = group.streams();
        let streams = [
            output.map(|stream| Box::new(stream) as Box<dyn Read + Send>),
            errors.map(|stream| Box::new(stream) as Box<dyn Read + Send>),
        ];
        let streams = streams.into_iter().flatten().collect();
        let expected = [scenario.console.as_slice(), &scenario.last_words].concat();
        let console = Console::new(streams, &expected, &scenario.absent, compared);
        Ok(Self { group, console, deadline, answered: Vec::new(), _disks: disks })
    }

    /// Where a service of the image is, once something there answers HTTP.
    pub(crate) fn answering(&mut self, service: &str) -> Result<SocketAddr, Failure> {
        let address = self.console.address(service, self.deadline)?;
        if !self.answered.contains(&address) {
            http::wait_for_answer(address, self.deadline, || self.still_runs())?;
            self.answered.push(address);
        }
        Ok(address)
    }

    /// Types at the console, whose input stays open.
    pub(crate) fn take_input(&mut self, text: &str) -> Result<(), Failure> {
        let typed = self.group.input().map_or(Ok(()), |input| input.write_all(text.as_bytes()));
        typed.map_err(Failure::Input)
    }

    /// Where a service is that speaks something else, once it gave an answer to what is sent.
    pub(crate) fn exchanging(&mut self, exchange: &Exchange) -> Result<SocketAddr, Failure> {
        let address = self.console.address(&exchange.service, self.deadline)?;
        if !self.answered.contains(&address) {
            exchange::wait_for_answer(address, exchange, self.deadline, || self.still_runs())?;
            self.answered.push(address);
        }
        Ok(address)
    }

    /// Asks the image to end.
    pub(crate) fn stop(&mut self) -> Result<(), Failure> {
        self.still_runs()?;
        self.group.terminate().map_err(Failure::Stop)
    }

    /// Fails where the image has ended.
    pub(crate) fn still_runs(&mut self) -> Result<(), Failure> {
        match self.ended()? {
            Some(status) => Err(Failure::Ended { status }),
            None => Ok(()),
        }
    }

    /// Waits for the image's end and its last words.
    pub(crate) fn exits_with(&mut self, wanted: i32) -> Result<(), Failure> {
        let got = loop {
            if let Some(status) = self.ended()? {
                break status;
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

    fn ended(&mut self) -> Result<Option<i32>, Failure> {
        self.group.ended().map_err(Failure::Start)
    }
}

fn command(scenario: &Scenario, disks: &Disks) -> Command {
    let mut command = Command::new(scenario.image.join("run"));
    if let Some(memory) = scenario.memory_mib {
        command.arg("--memory").arg(memory.to_string());
    }
    if let Some(initrd) = &scenario.initrd {
        command.arg("--initrd").arg(initrd);
    }
    for disk in disks.paths() {
        command.arg("--disk").arg(disk);
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
    let input = if scenario.input.is_some() { Stdio::piped() } else { Stdio::null() };
    command.stdin(input).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}
