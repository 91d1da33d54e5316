#![doc = include_str!("../README.md")]

mod command;
mod counter;
mod error;
mod guest;
mod http;
mod image;
mod load;
mod measure;
mod network;
mod order;
mod packages;
mod page;
mod preflight;
mod progress;
mod results;
mod run;
mod server;
mod statistics;
mod subject;
mod workloads;

use std::env;
use std::io;
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crate::error::Error;
use crate::packages::Packages;
use crate::workloads::{ALL, Origin};
use boot_test::group::{self, Group};
use clap::Parser;

/// Measure images beside the same program on Linux
///
/// Works in namespaces of its own: no server is reached from outside, and when it ends, nothing is left. Tables go to
/// standard output, progress to standard error.
#[derive(Parser)]
#[command(version, after_help = "Example:\n  bench --record results.json --page page.md ./httpd-kvm-x86_64")]
pub struct Arguments {
    /// Directories that builds made
    #[arg(required_unless_present = "applications", value_name = "IMAGE")]
    images: Vec<PathBuf>,
    /// The same program as one of this machine, for an application that is compared with that: the directory that its build made
    #[arg(long, value_name = "APPLICATION=DIRECTORY", value_parser = native)]
    native: Vec<(String, PathBuf)>,
    /// Tell the applications that can be measured, a line each, with the word `native` behind those that take that option
    #[arg(long, exclusive = true)]
    applications: bool,
    /// Rounds of every figure
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..))]
    rounds: u16,
    /// Seconds of a round of load
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..))]
    seconds: u32,
    /// Measure sizes and instructions alone, which hardly depend on what else the machine does
    #[arg(long)]
    counts: bool,
    /// Write everything measured, with every round
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// The same into a file of such results, which keeps those of other images
    #[arg(long, value_name = "FILE", conflicts_with = "json")]
    record: Option<PathBuf>,
    /// Write the tables as a page of the book, those of other images that are recorded too
    #[arg(long, value_name = "FILE")]
    page: Option<PathBuf>,
    /// Where the namespaces' process works; given by the process outside them alone
    #[arg(long, value_name = "DIRECTORY", hide = true)]
    inside: Option<PathBuf>,
}

/// Whether somebody asked for an end.
static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// Exit status after an interrupt, as of a shell: 128 + SIGINT.
const INTERRUPTED_STATUS: u8 = 130;

/// How often it is looked whether the process in the namespaces has ended.
const LOOK: Duration = Duration::from_millis(100);

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if arguments.applications {
        print!("{}", applications());
        return ExitCode::SUCCESS;
    }
    let done = match &arguments.inside {
        Some(scratch) => run::measure(&arguments, scratch).map(|()| ExitCode::SUCCESS),
        None => prepare_and_enter(&arguments),
    };
    done.unwrap_or_else(|error| {
        eprintln!("bench: {error}");
        ExitCode::FAILURE
    })
}

/// From `application=directory`.
fn native(text: &str) -> Result<(String, PathBuf), String> {
    let (application, directory) = text.split_once('=').ok_or("there is no `=` in it")?;
    Ok((application.to_owned(), directory.into()))
}

fn applications() -> String {
    let line = |application: &str, origin| match origin {
        Origin::Packages { .. } => format!("{application}\n"),
        Origin::Source => format!("{application} native\n"),
    };
    let lines = ALL.into_iter().flat_map(|workload| {
        workload.applications().iter().map(move |application| line(application, workload.origin()))
    });
    lines.collect()
}

/// What takes the network of the machine; then the same program in namespaces without it. A namespace of processes ends
/// with the first of them, so that killing that one leaves no server.
fn prepare_and_enter(arguments: &Arguments) -> Result<ExitCode, Error> {
    preflight::check(&run::images(arguments)?)?;
    Packages::prepare(&run::cache()?)?;
    let scratch = tempfile::Builder::new().prefix("unicore-bench-").tempdir();
    let scratch = scratch.map_err(Error::system("making a scratch directory"))?;
    ctrlc::set_handler(|| {
        INTERRUPTED.store(true, Ordering::SeqCst);
        group::kill_running();
    })
    .map_err(|error| Error::System { doing: "catching interrupts", error: io::Error::other(error) })?;

    let program = env::current_exe().map_err(Error::system("finding this program"))?;
    let mut command = Command::new("unshare");
    command.args(["--net", "--pid", "--fork", "--kill-child", "--mount-proc", "--"]).arg(program);
    command.arg("--inside").arg(scratch.path()).args(env::args_os().skip(1));
    let mut group = Group::start(&mut command).map_err(Error::program("unshare"))?;
    loop {
        if let Some(status) = group.ended().map_err(Error::system("waiting for the measurements"))? {
            let interrupted = INTERRUPTED.load(Ordering::SeqCst);
            let status = if interrupted { INTERRUPTED_STATUS } else { u8::try_from(status).unwrap_or(1) };
            return Ok(ExitCode::from(status));
        }
        thread::sleep(LOOK);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_well_formed() {
        Arguments::command().debug_assert();
        let arguments = Arguments::parse_from(["bench", "--native", "it=/made", "/image"]);
        assert_eq!(arguments.native, [("it".to_owned(), PathBuf::from("/made"))]);
        assert!(Arguments::try_parse_from(["bench", "--native", "it", "/image"]).is_err());
        assert!(Arguments::try_parse_from(["bench"]).is_err());
    }

    #[test]
    fn applications_are_told_with_what_they_take() {
        let told = applications();
        assert!(
            told.lines().any(|line| line == "nginx") && told.lines().any(|line| line == "speedtest1 native")
        );
    }
}
