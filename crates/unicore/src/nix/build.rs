//! `nix build`, followed.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::process::{ChildStderr, ChildStdout, Stdio};
use std::thread;

use serde::Deserialize;

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
    command.args(["--keep-going", "--no-link", "--json", "--log-format", "internal-json"]);
    command.args(installables).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let started = |error| Error::Program { name: "nix", error };
    let mut child = command.spawn().map_err(started)?;
    let answer = child.stdout.take().map(|stdout| thread::spawn(|| read_all(stdout)));
    if let Some(stderr) = child.stderr.take() {
        follow(stderr, over);
    }
    let status = child.wait().map_err(started)?;
    let answer = answer.and_then(|reader| reader.join().ok()).unwrap_or_default();
    if !status.success() {
        return Ok(Build { succeeded: false, paths: Vec::new() });
    }
    let paths = out_paths(&answer).map_err(|error| Error::Answer { doing: "nix build".into(), error })?;
    Ok(Build { succeeded: true, paths })
}

fn read_all(mut stdout: ChildStdout) -> Vec<u8> {
    let mut answer = Vec::new();
    // A broken pipe leaves what came before, and the exit status tells the rest.
    let _ = stdout.read_to_end(&mut answer);
    answer
}

/// One thing built, as `nix build --json` tells of it.
#[derive(Deserialize)]
struct Built {
    outputs: BTreeMap<String, String>,
}

/// The output `out` of each thing that was asked for.
fn out_paths(answer: &[u8]) -> serde_json::Result<Vec<String>> {
    let built: Vec<Built> = serde_json::from_slice(answer)?;
    Ok(built.into_iter().filter_map(|mut built| built.outputs.remove("out")).collect())
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
            Event::Wrote { id, line } => progress.wrote(id, line),
            Event::Message(text) => progress.print(&text),
            Event::Other => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_come_in_the_order_asked_for() {
        let answer = br#"[{"drvPath":"/nix/store/b.drv","outputs":{"out":"/nix/store/b"}},
            {"drvPath":"/nix/store/a.drv","outputs":{"out":"/nix/store/a"}}]"#;
        assert_eq!(out_paths(answer).unwrap(), ["/nix/store/b", "/nix/store/a"]);
        assert!(out_paths(b"nothing").is_err());
    }
}
