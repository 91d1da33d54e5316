//! Instructions that a guest has executed, told by a plugin of QEMU's emulator.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::command::Program;
use crate::error::Error;

const SOURCE: &str = include_str!("../plugin/count.c");
const COMPILE: Duration = Duration::from_secs(60);
const ANSWER: Duration = Duration::from_secs(5);

/// Compiles the plugin, and returns where it is.
pub fn compile(scratch: &Path) -> Result<PathBuf, Error> {
    let source = scratch.join("count.c");
    let plugin = scratch.join("count.so");
    fs::write(&source, SOURCE).map_err(Error::file(&source))?;
    let compiler = Program::new("cc", COMPILE)
        .args(["-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-fvisibility=hidden", "-o"])
        .args([&plugin, &source])
        .arg("-lpthread");
    compiler.output().map(|_| plugin)
}

/// The places through which the plugin of one machine tells its count.
#[derive(Clone, Debug)]
pub struct Counter {
    /// The socket that answers while the machine runs.
    socket: PathBuf,
    /// The file that is written when it ends by itself.
    end: PathBuf,
}

impl Counter {
    /// Those of a machine of that name; what the machine left that was there before is removed.
    pub fn at(directory: &Path, name: &str) -> Self {
        let counter = Self {
            socket: directory.join(format!("{name}.count")),
            end: directory.join(format!("{name}.end")),
        };
        for file in [&counter.socket, &counter.end] {
            // Mostly there is none; one that stays is told when QEMU starts.
            let _ = fs::remove_file(file);
        }
        counter
    }

    /// Arguments of the plugin.
    pub fn arguments(&self) -> String {
        format!("socket={},end={}", self.socket.display(), self.end.display())
    }

    /// The count of a machine that runs.
    pub fn now(&self) -> Result<Count, Error> {
        Count::read(&self.socket)
    }

    /// The count of a machine that has ended.
    pub fn at_end(&self) -> Result<Count, Error> {
        Count::at_end(&self.end)
    }
}

/// What the plugin tells at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    /// Instructions of all processors since the machine began.
    pub instructions: u64,
    /// The host's monotonic clock.
    pub nanoseconds: u64,
}

impl Count {
    /// Asks the plugin behind this socket.
    fn read(socket: &Path) -> Result<Self, Error> {
        let mut line = String::new();
        UnixStream::connect(socket)
            .and_then(|stream| {
                stream.set_read_timeout(Some(ANSWER))?;
                BufReader::new(stream).read_line(&mut line)
            })
            .map_err(Error::file(socket))?;
        Self::parse(&line).ok_or(Error::Answer { of: "the plugin", text: line })
    }

    /// What the plugin left behind when the machine ended.
    fn at_end(file: &Path) -> Result<Self, Error> {
        let line = fs::read_to_string(file).map_err(Error::file(file))?;
        Self::parse(&line).ok_or(Error::Answer { of: "the plugin", text: line })
    }

    fn parse(line: &str) -> Option<Self> {
        let (instructions, nanoseconds) = line.trim_end().split_once(' ')?;
        Some(Self { instructions: instructions.parse().ok()?, nanoseconds: nanoseconds.parse().ok()? })
    }

    /// Instructions from `begin` to this.
    pub fn since(self, begin: Self) -> f64 {
        (self.instructions - begin.instructions) as f64
    }

    /// Instructions a second from `begin` to this.
    pub fn rate_since(self, begin: Self) -> f64 {
        self.since(begin) * 1e9 / (self.nanoseconds - begin.nanoseconds) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_between_two_moments_is_told_in_all_and_by_the_second() {
        let begin = Count::parse("1000 2000000000\n").unwrap();
        let end = Count::parse("4000 2500000000\n").unwrap();
        assert_eq!((end.since(begin), end.rate_since(begin)), (3000.0, 6000.0));
        assert_eq!(Count::parse(""), None);
        assert_eq!(Count::parse("12"), None);
    }

    #[test]
    fn the_plugin_compiles_without_a_warning() {
        let scratch = tempfile::tempdir().unwrap();
        assert!(compile(scratch.path()).unwrap().exists());
    }
}
