#![doc = include_str!("../README.md")]

mod command;
mod counter;
mod error;
mod guest;
mod image;
mod load;
mod measure;
mod network;
mod packages;
mod page;
mod preflight;
mod progress;
mod results;
mod run;
mod server;
mod statistics;
mod subject;

use std::env;
use std::io;
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use boot_test::group::{self, Group};
use clap::Parser;
use packages::Packages;

use crate::error::Error;

/// Measure images beside the same service on Linux
///
/// Works in namespaces of its own: no server is reached from outside, and when it ends, nothing is left. Tables go to
/// standard output, progress to standard error.
#[derive(Parser)]
#[command(version, after_help = "Example:\n  bench --json results.json --page page.md ./httpd-kvm-x86_64")]
pub struct Arguments {
    /// Directories that builds made
    #[arg(required = true, value_name = "IMAGE")]
    images: Vec<PathBuf>,
    /// Rounds of every figure
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..))]
    rounds: u16,
    /// Seconds of a round of wrk
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    seconds: u32,
    /// Measure sizes and instructions alone, which hardly depend on what else the machine does
    #[arg(long)]
    counts: bool,
    /// Write everything measured, with every round
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write the tables as a page of the book
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
    let done = match &arguments.inside {
        Some(scratch) => run::measure(&arguments, scratch).map(|()| ExitCode::SUCCESS),
        None => prepare_and_enter(&arguments),
    };
    done.unwrap_or_else(|error| {
        eprintln!("bench: {error}");
        ExitCode::FAILURE
    })
}

/// What takes the network of the machine; then the same program in namespaces without it. A namespace of processes ends
/// with the first of them, so that killing that one leaves no server.
fn prepare_and_enter(arguments: &Arguments) -> Result<ExitCode, Error> {
    run::images(arguments)?;
    preflight::check()?;
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
