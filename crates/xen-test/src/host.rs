//! The host: its program, and the channel by which it takes commands.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use boot_test::group::Group;

use crate::{Failure, Scenario};

/// The port of each domain that is asked from outside.
const HTTP: u16 = 80;
/// How often the control channel is tried until the host has it.
const POLL: Duration = Duration::from_millis(20);

/// What a command wrote, and its exit status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) output: String,
    pub(crate) status: i32,
}

/// A running host; dropping it ends it.
pub(crate) struct Host {
    control: BufReader<UnixStream>,
    /// Where each domain is reached from here.
    addresses: BTreeMap<String, SocketAddr>,
    group: Group,
    /// Holds the socket. It goes after the program that listens there.
    _directory: Directory,
}

impl Host {
    /// Starts the host of a scenario, and waits until it takes commands.
    pub(crate) fn start(scenario: &Scenario, deadline: Instant) -> Result<Self, Failure> {
        let directory = Directory::new().map_err(Failure::Host)?;
        let socket = directory.0.join("control");
        let addresses = free_addresses(scenario.addresses.keys())?;
        let mut command = command(scenario, &socket, &addresses);
        let mut group = Group::start(&mut command).map_err(Failure::Host)?;
        let stream = connect(&socket, &mut group, deadline)?;
        let mut host = Self { control: BufReader::new(stream), addresses, group, _directory: directory };
        host.run("true", deadline)?;
        Ok(host)
    }

    /// Runs a command of the shell on the host.
    pub(crate) fn run(&mut self, command: &str, deadline: Instant) -> Result<Answer, Failure> {
        let late = || Failure::TimedOut { waiting_for: format!("`{command}` on the host") };
        let mut output = String::new();
        writeln!(self.control.get_mut(), "{command}").map_err(Failure::Host)?;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(late());
            }
            self.control.get_ref().set_read_timeout(Some(left)).map_err(Failure::Host)?;
            let mut line = String::new();
            match self.control.read_line(&mut line) {
                Ok(0) => return Err(Failure::HostEnded),
                Ok(_) => {}
                Err(error) if is_time_out(&error) => return Err(late()),
                Err(error) => return Err(Failure::Host(error)),
            }
            match line.trim_end().strip_prefix("status ").and_then(|status| status.parse().ok()) {
                Some(status) => return Ok(Answer { output, status }),
                None => output += &line,
            }
        }
    }

    /// Where a domain is reached from here.
    pub(crate) fn address(&self, domain: &str) -> Result<SocketAddr, Failure> {
        let missing = || Failure::Unknown(format!("what address {domain} has"));
        self.addresses.get(domain).copied().ok_or_else(missing)
    }

    /// Fails where the host has ended.
    pub(crate) fn still_runs(&mut self) -> Result<(), Failure> {
        match self.group.ended().map_err(Failure::Host)? {
            Some(_) => Err(Failure::HostEnded),
            None => Ok(()),
        }
    }
}

/// A directory of this process alone, which is removed when it is dropped.
struct Directory(PathBuf);

impl Directory {
    fn new() -> io::Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("xen-test-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // What is left of it lies in the directory for temporary files.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn command(scenario: &Scenario, socket: &Path, addresses: &BTreeMap<String, SocketAddr>) -> Command {
    let mut command = Command::new(scenario.host.join("bin/test-host"));
    command.arg("serve").arg("--control").arg(socket);
    for (name, file) in &scenario.files {
        command.arg("--file").arg(format!("{name}={}", file.display()));
    }
    for (domain, here) in addresses {
        let there: &Ipv4Addr = &scenario.addresses[domain];
        command.arg("--forward").arg(format!("{}:{there}:{HTTP}", here.port()));
    }
    command.stdin(Stdio::null());
    command
}

/// A free port of this machine for each domain. All are held until the last is found, so that they differ.
fn free_addresses<'a>(
    domains: impl Iterator<Item = &'a String>,
) -> Result<BTreeMap<String, SocketAddr>, Failure> {
    let mut held = Vec::new();
    let mut addresses = BTreeMap::new();
    for domain in domains {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(Failure::Host)?;
        addresses.insert(domain.clone(), listener.local_addr().map_err(Failure::Host)?);
        held.push(listener);
    }
    Ok(addresses)
}

/// The control channel, once the host has it.
fn connect(socket: &Path, group: &mut Group, deadline: Instant) -> Result<UnixStream, Failure> {
    loop {
        if let Ok(stream) = UnixStream::connect(socket) {
            return Ok(stream);
        }
        if group.ended().map_err(Failure::Host)?.is_some() {
            return Err(Failure::HostEnded);
        }
        if Instant::now() >= deadline {
            return Err(Failure::TimedOut { waiting_for: "the host's control channel".into() });
        }
        thread::sleep(POLL);
    }
}

fn is_time_out(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}
