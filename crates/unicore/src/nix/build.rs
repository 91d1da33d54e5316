//! `nix build`, followed.

use std::io::{BufRead, BufReader, Read};
use std::process::{ChildStderr, ChildStdout, Stdio};
use std::thread;

use super::activity::{Event, parse};
use super::progress::Progress;
use crate::error::Error;
use crate::flake::Flake;

/// How a build went.
pub(crate) struct Build {
    /// Whether everything asked for was built.
    pub(crate) succeeded: bool,
    /// Store paths, in the order asked for; none where something failed.
    pub(crate) paths: Vec<String>,
}

/// Builds installables, all of them though some fail, and calls `over` with each derivation whose build ended.
pub(crate) fn build(
    flake: &Flake,
    installables: &[String],
    over: &mut dyn FnMut(&str),
) -> Result<Build, Error> {
    let mut command = flake.nix("build");
    command.args(["--keep-going", "--no-link", "--print-out-paths", "--log-format", "internal-json"]);
    command.args(installables).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let started = |error| Error::Program { name: "nix", error };
    let mut child = command.spawn().map_err(started)?;
    let paths = child.stdout.take().map(|stdout| thread::spawn(|| lines_of(stdout)));
    if let Some(stderr) = child.stderr.take() {
        follow(stderr, over);
    }
    let status = child.wait().map_err(started)?;
    let paths = paths.and_then(|reader| reader.join().ok()).unwrap_or_default();
    Ok(Build { succeeded: status.success(), paths })
}

fn lines_of(mut stdout: ChildStdout) -> Vec<String> {
    let mut text = String::new();
    // A broken pipe leaves what came before, and the exit status tells the rest.
    let _ = stdout.read_to_string(&mut text);
    text.lines().map(str::to_owned).collect()
}

fn follow(stderr: ChildStderr, over: &mut dyn FnMut(&str)) {
    let mut progress = Progress::new();
    for line in BufReader::new(stderr).split(b'\n').map_while(Result::ok) {
        match parse(&String::from_utf8_lossy(&line)) {
            Event::Started { id, derivation } => progress.started(id, &derivation),
            Event::Stopped { id } => {
                if let Some(derivation) = progress.stopped(id) {
                    progress.suspend(|| over(&derivation));
                }
            }
            Event::Message(text) => progress.print(&text),
            Event::Other => {}
        }
    }
}
