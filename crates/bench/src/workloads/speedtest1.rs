//! SQLite's speedtest1, beside the same program on Linux.

use std::path::Path;
use std::time::Duration;

use super::{Origin, Service, Workload};
use crate::command::Program;
use crate::error::Error;
use crate::guest;
use crate::image::{Image, Platform};
use crate::measure::{self, Figures, Pair, Plan, Step};
use crate::packages::Packages;
use crate::results::Figure;
use crate::server::Server;
use crate::subject::{Parts, Roots, Setup, Subject};

/// Where the program is in the root of Linux.
const PROGRAM: &str = "/bin/speedtest1";

/// A database in memory, and one in a file of a file system in memory: the work whose time is told, and little work, which is
/// taken off where instructions are counted.
const IN_MEMORY: Work = Work { all: &["--size", "10", "--memdb"], little: &["--size", "1", "--memdb"] };
const IN_FILE: Work = Work { all: &["--size", "10", FILE], little: &["--size", "1", FILE] };
const FILE: &str = "/tmp/speedtest1.db";

/// For one run.
const RUN: Duration = Duration::from_secs(180);

const INSTRUCTIONS_IN_MEMORY: Figure =
    Figure::less("instructionsInMemory", "instructions, database in memory, millions");
const INSTRUCTIONS_IN_FILE: Figure =
    Figure::less("instructionsInFile", "instructions, database in a file, millions");
const SECONDS_IN_MEMORY: Figure = Figure::less("secondsInMemory", "time, database in memory, s");
const SECONDS_IN_FILE: Figure = Figure::less("secondsInFile", "time, database in a file, s");

/// Images of speedtest1.
pub struct Speedtest1;

impl Workload for Speedtest1 {
    fn applications(&self) -> &'static [&'static str] {
        &["speedtest1"]
    }

    fn beside(&self) -> &'static str {
        "speedtest1"
    }

    fn origin(&self) -> Origin {
        Origin::Source
    }

    fn service(&self) -> Option<Service> {
        None
    }

    fn command(&self) -> &'static [&'static str] {
        &[PROGRAM]
    }

    fn prepare(&self, parts: &mut Parts, image: &Image, packages: &Packages) -> Result<(), Error> {
        let roots = Roots::at(&parts.scratch.join("program"));
        guest::make_root(&packages.root, &roots.linux)?;
        if let Some(program) = &image.native {
            guest::put_stripped(&roots.linux, PROGRAM, program)?;
        }
        guest::archive(&roots.linux, &roots.initramfs)?;
        if image.platform == Platform::Linux {
            // As an image has it, and a guest's initramfs.
            mount_memory(&roots.linux.join("tmp"))?;
        }
        parts.roots.push(("program", roots));
        Ok(())
    }

    fn steps(&self, platform: Platform, plan: Plan) -> Vec<Step> {
        let rounds = plan.rounds as f64;
        let mut steps = vec![Step::new("size", 1.0, measure::bytes)];
        if platform == Platform::Kvm {
            steps.push(Step::new("instructions", plan.few_rounds() as f64 * 35.0, instructions));
        }
        if plan.counts {
            return steps;
        }
        let seconds = if platform == Platform::Kvm { 16.0 } else { 2.0 };
        steps.push(Step::new("time", rounds * seconds, seconds_taken));
        steps
    }
}

/// In this process's namespace of mounts.
fn mount_memory(directory: &Path) -> Result<(), Error> {
    Program::new("mount", RUN).args(["-t", "tmpfs", "tmpfs"]).arg(directory).output().map(drop)
}

/// One kind of database.
#[derive(Clone, Copy)]
struct Work {
    all: &'static [&'static str],
    little: &'static [&'static str],
}

impl Work {
    /// Millions of instructions of all the work less those of little: without start and end of the machine.
    fn count(self, pair: &Pair<'_>, subject: Subject<'_>) -> Result<f64, Error> {
        let counted = |words| -> Result<f64, Error> {
            let mut program = start(pair, subject, Setup::PACKED.counted().words(words))?;
            total(&mut program)?;
            Ok(program.count_at_end()?.instructions as f64 / 1e6)
        };
        Ok(counted(self.all)? - counted(self.little)?)
    }

    /// Seconds of all the work, by the program's own clock.
    fn time(self, pair: &Pair<'_>, subject: Subject<'_>) -> Result<f64, Error> {
        total(&mut start(pair, subject, Setup::PACKED.words(self.all))?)
    }
}

fn start(pair: &Pair<'_>, subject: Subject<'_>, setup: Setup) -> Result<Server, Error> {
    Server::start(subject.recipe(pair.parts, setup))
}

/// The seconds that the program says when it has ended.
fn total(program: &mut Server) -> Result<f64, Error> {
    let written = program.run_to_end(RUN)?;
    parse(&written).ok_or_else(|| program.failed("it tells no total"))
}

/// From the line `       TOTAL.......    2.574s`.
fn parse(written: &str) -> Option<f64> {
    let total = written.lines().find_map(|line| line.trim().strip_prefix("TOTAL"))?;
    total.trim_start_matches('.').trim().strip_suffix('s')?.parse().ok()
}

fn instructions(pair: &Pair<'_>) -> Vec<Figures> {
    pair.in_turn([INSTRUCTIONS_IN_MEMORY, INSTRUCTIONS_IN_FILE], pair.plan.few_rounds(), |subject| {
        Ok([IN_MEMORY.count(pair, subject)?, IN_FILE.count(pair, subject)?])
    })
}

fn seconds_taken(pair: &Pair<'_>) -> Vec<Figures> {
    pair.in_turn([SECONDS_IN_MEMORY, SECONDS_IN_FILE], pair.plan.rounds, |subject| {
        Ok([IN_MEMORY.time(pair, subject)?, IN_FILE.time(pair, subject)?])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_total_is_read() {
        let written = " 990 - ANALYZE.....................................................    0.002s\r\n\
            \x20      TOTAL.......................................................    2.574s\r\n";
        assert_eq!(parse(written), Some(2.574));
        assert_eq!(parse("Error: disk I/O error\n"), None);
        assert_eq!(parse("TOTAL....\n"), None);
    }
}
