//! A program that runs, mostly a server: one of the two that are compared.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use boot_test::group::Group;

use crate::counter::{Count, Counter};
use crate::error::Error;
use crate::order::Order;

/// How long a server may take to its first answer: a Linux guest on a busy machine takes a minute.
pub const START: Duration = Duration::from_secs(180);
/// How long one attempt to connect may take while a server starts, and the pause behind it.
pub const ATTEMPT: Duration = Duration::from_millis(20);
const PAUSE: Duration = Duration::from_millis(5);

/// Lines of a console that a failure quotes.
const QUOTED_LINES: usize = 15;

/// Clock ticks a second in `/proc` (Linux, `USER_HZ`).
const TICKS: f64 = 100.0;

/// How to start a program, and where it then serves.
pub struct Recipe {
    /// What it is called in the results.
    pub name: String,
    pub command: Command,
    pub address: SocketAddr,
    /// Whether a server answers there; `None` for a program that ends by itself.
    pub answers: Option<fn(SocketAddr) -> bool>,
    /// Where its console is written.
    pub console: PathBuf,
    /// What counts its instructions, where something does.
    pub counter: Option<Counter>,
}

/// A running program; dropping it kills it.
pub struct Server {
    pub name: String,
    pub address: SocketAddr,
    answers: Option<fn(SocketAddr) -> bool>,
    group: Group,
    console: PathBuf,
    counter: Option<Counter>,
    started: Instant,
}

impl Server {
    /// Starts it, and does not wait for it.
    pub fn start(mut recipe: Recipe) -> Result<Self, Error> {
        let console = fs::File::create(&recipe.console).map_err(Error::file(&recipe.console))?;
        let errors = console.try_clone().map_err(Error::file(&recipe.console))?;
        recipe.command.stdin(Stdio::null()).stdout(console).stderr(errors);
        let started = Instant::now();
        let group =
            Group::start(&mut recipe.command).map_err(Error::program("an image, or what is beside it"))?;
        let Recipe { name, address, answers, console, counter, .. } = recipe;
        Ok(Self { name, address, answers, group, console, counter, started })
    }

    /// Starts it, and waits for its first answer.
    pub fn start_and_wait(recipe: Recipe) -> Result<Self, Error> {
        let mut server = Self::start(recipe)?;
        server.first_answer(START).map(|_| server)
    }

    /// Waits for the first answer, and tells how long after the start it came.
    pub fn first_answer(&mut self, patience: Duration) -> Result<Duration, Error> {
        while self.started.elapsed() < patience {
            if let Some(status) = self.ended()? {
                return Err(self.failed(&format!("it ended with status {status}")));
            }
            if self.answers() {
                return Ok(self.started.elapsed());
            }
            thread::sleep(PAUSE);
        }
        Err(self.failed(&format!("no answer in {} s", patience.as_secs())))
    }

    fn answers(&self) -> bool {
        self.answers.is_some_and(|answers| answers(self.address))
    }

    /// Waits for a program that ends by itself, and returns what it wrote.
    pub fn run_to_end(&mut self, patience: Duration) -> Result<String, Error> {
        while self.started.elapsed() < patience {
            if self.ended()?.is_some() {
                let written = fs::read(&self.console).map_err(Error::file(&self.console))?;
                return Ok(String::from_utf8_lossy(&written).into_owned());
            }
            thread::sleep(PAUSE);
        }
        Err(self.failed(&format!("it did not end in {} s", patience.as_secs())))
    }

    fn ended(&mut self) -> Result<Option<i32>, Error> {
        self.group.ended().map_err(Error::system("waiting for what is measured"))
    }

    /// Instructions so far.
    pub fn count(&self) -> Result<Count, Error> {
        self.counter()?.now()
    }

    /// One order of what happens between it and its client, for instructions to be counted: as long as what is returned is there.
    pub fn in_turn(&self) -> Result<Order, Error> {
        Order::in_turn(self.group.number())
    }

    /// The same with a client that does not wait for it.
    pub fn undisturbed(&self) -> Result<Order, Error> {
        Order::beside(self.group.number())
    }

    /// Instructions of a machine that has ended, from reset on.
    pub fn count_at_end(&self) -> Result<Count, Error> {
        self.counter()?.at_end()
    }

    fn counter(&self) -> Result<&Counter, Error> {
        self.counter.as_ref().ok_or_else(|| self.failed("nothing counts its instructions"))
    }

    /// Seconds that its work took of the machine's processors: those of the threads that are a guest's processors where
    /// it is a guest, otherwise those of the process with what the kernel did for it.
    pub fn processor_seconds(&self) -> Result<f64, Error> {
        let tasks = PathBuf::from(format!("/proc/{}/task", self.group.number()));
        let threads = fs::read_dir(&tasks).map_err(Error::file(&tasks))?;
        let times: Vec<(String, f64)> =
            threads.flatten().filter_map(|thread| times(&thread.path())).collect();
        let is_processor = |name: &str| name.starts_with("CPU ");
        let is_guest = times.iter().any(|(name, _)| is_processor(name));
        Ok(times.iter().filter(|(name, _)| !is_guest || is_processor(name)).map(|(_, seconds)| seconds).sum())
    }

    /// Memory that the process has by now, in KiB: counted page by page, as the kernel's own sums are too coarse for little.
    pub fn memory(&self) -> Result<u64, Error> {
        let path = PathBuf::from(format!("/proc/{}/smaps_rollup", self.group.number()));
        let sums = fs::read_to_string(&path).map_err(Error::file(&path))?;
        let resident = sums.lines().find_map(|line| line.strip_prefix("Rss:"));
        let kibibytes = resident.and_then(|text| text.trim().strip_suffix(" kB")?.parse().ok());
        kibibytes.ok_or(Error::Answer { of: "/proc", text: sums })
    }

    /// A failure of this server, with the end of its console.
    pub fn failed(&self, why: &str) -> Error {
        let text = fs::read(&self.console).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().collect();
        let console = lines[lines.len().saturating_sub(QUOTED_LINES)..].join("\n");
        Error::Server { name: self.name.clone(), why: why.to_owned(), console }
    }
}

/// Name of a thread, and seconds that it ran (`proc_pid_stat(5)`, fields 2, 14 and 15).
fn times(thread: &Path) -> Option<(String, f64)> {
    let stat = fs::read_to_string(thread.join("stat")).ok()?;
    let (name, rest) = stat.split_once('(')?.1.rsplit_once(')')?;
    let mut fields = rest.split_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<f64>().ok();
    let (user, system) = (ticks()?, ticks()?);
    Some((name.to_owned(), (user + system) / TICKS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_a_thread_is_read_whatever_its_name() {
        let directory = tempfile::tempdir().unwrap();
        let stat = "7 (CPU 0/TCG (x)) S 1 7 7 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 3 0 1 1 1";
        fs::write(directory.path().join("stat"), stat).unwrap();
        assert_eq!(times(directory.path()), Some(("CPU 0/TCG (x)".to_owned(), 3.0)));
    }

    #[test]
    fn a_server_that_ends_is_told_with_its_last_words() {
        let directory = tempfile::tempdir().unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", "echo no such device; exit 4"]);
        let error = Server::start_and_wait(recipe(command, directory.path())).err().unwrap().to_string();
        assert_eq!(error, "it: it ended with status 4\n  | no such device");
    }

    #[test]
    fn what_a_program_wrote_is_there_when_it_has_ended() {
        let directory = tempfile::tempdir().unwrap();
        let run = |script: &str| {
            let mut command = Command::new("sh");
            command.args(["-c", script]);
            Server::start(recipe(command, directory.path())).unwrap().run_to_end(Duration::from_secs(5))
        };
        assert_eq!(run("echo first").unwrap(), "first\n");
        assert_eq!(run("echo second >&2").unwrap(), "second\n");
    }

    fn recipe(command: Command, directory: &Path) -> Recipe {
        Recipe {
            name: "it".into(),
            command,
            address: "127.0.0.1:1".parse().unwrap(),
            answers: Some(|_| false),
            console: directory.join("console"),
            counter: None,
        }
    }
}
