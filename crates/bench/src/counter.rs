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
    pub fn read(socket: &Path) -> Result<Self, Error> {
        let mut line = String::new();
        UnixStream::connect(socket)
            .and_then(|stream| {
                stream.set_read_timeout(Some(ANSWER))?;
                BufReader::new(stream).read_line(&mut line)
            })
            .map_err(Error::file(socket))?;
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
