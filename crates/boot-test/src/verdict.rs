//! The lines a scenario writes.

use std::io::{self, Write};

use crate::Failure;

/// Writes a line for each check and remembers whether all held.
pub(crate) struct Verdicts<'a, W> {
    scenario: &'a str,
    out: &'a mut W,
    all_held: bool,
}

impl<'a, W: Write> Verdicts<'a, W> {
    pub(crate) fn new(scenario: &'a str, out: &'a mut W) -> Self {
        Self { scenario, out, all_held: true }
    }

    pub(crate) fn add(&mut self, check: &str, result: Result<(), Failure>) -> io::Result<()> {
        match result {
            Ok(()) => writeln!(self.out, "ok     {}: {check}", self.scenario),
            Err(failure) => {
                self.all_held = false;
                writeln!(self.out, "FAILED {}: {check}: {failure}", self.scenario)
            }
        }
    }

    /// The console as it was, for who has to find out why.
    pub(crate) fn quote(&mut self, lines: &[String]) -> io::Result<()> {
        writeln!(self.out, "       the console's last lines:")?;
        for line in lines {
            writeln!(self.out, "       | {line}")?;
        }
        Ok(())
    }

    pub(crate) fn all_held(&self) -> bool {
        self.all_held
    }
}
