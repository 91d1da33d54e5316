//! Programs that run to their end, within a time.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use crate::error::Error;

/// A program that is ended after `limit`.
pub struct Program {
    name: &'static str,
    command: Command,
}

impl Program {
    pub fn new(name: &'static str, limit: Duration) -> Self {
        let mut command = Command::new("timeout");
        command.arg("--kill-after=5").arg(limit.as_secs().to_string()).arg(name);
        Self { name, command }
    }

    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.command.arg(argument);
        self
    }

    pub fn args<I: IntoIterator<Item: AsRef<OsStr>>>(mut self, arguments: I) -> Self {
        self.command.args(arguments);
        self
    }

    /// Where it works.
    pub fn directory(mut self, directory: &Path) -> Self {
        self.command.current_dir(directory);
        self
    }

    /// Runs it, and returns what it wrote to standard output. That it failed is an error with its last words.
    pub fn output(mut self) -> Result<String, Error> {
        let output = self.command.stdin(Stdio::null()).output().map_err(Error::program(self.name))?;
        if output.status.success() {
            Ok(String::from_utf8_lossy(&output.stdout).into_owned())
        } else {
            Err(Error::Program { name: self.name, why: last_words(&output) })
        }
    }
}

fn last_words(output: &Output) -> String {
    let words = String::from_utf8_lossy(&output.stderr);
    let last = words.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("no reason given");
    format!("{} ({})", last.trim(), output.status)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, seconds: u64) -> Result<String, Error> {
        Program::new("sh", Duration::from_secs(seconds)).args(["-c", script]).output()
    }

    #[test]
    fn a_failure_is_told_in_the_programs_last_words() {
        assert_eq!(shell("echo words", 5).unwrap(), "words\n");
        let error = shell("echo first >&2; echo last >&2; exit 3", 5).unwrap_err();
        assert_eq!(error.to_string(), "sh: last (exit status: 3)");
    }

    #[test]
    fn a_program_that_does_not_end_is_ended() {
        assert!(shell("sleep 20", 1).is_err());
    }
}
