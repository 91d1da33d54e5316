//! Calls of Nix: evaluation to JSON, and building with progress.

mod activity;
mod build;
mod progress;

use std::path::PathBuf;
use std::process::Stdio;

use serde::de::DeserializeOwned;

pub(crate) use build::{Build, build};

use crate::error::Error;
use crate::flake::Flake;

/// Evaluates an output, after a Nix function where one is given.
pub(crate) fn eval<T: DeserializeOwned>(
    flake: &Flake,
    kind: &str,
    name: Option<&str>,
    function: Option<&str>,
) -> Result<T, Error> {
    let doing = format!("evaluating {kind}{}", name.map(|name| format!(".{name}")).unwrap_or_default());
    let mut command = flake.nix("eval");
    // Errors alone: that an input is overridden needs no warning at each step.
    command.args(["--quiet", "--quiet", "--quiet", "--json", &flake.output(kind, name)]);
    if let Some(function) = function {
        command.args(["--apply", function]);
    }
    let output = command.stderr(Stdio::inherit()).output();
    let output = output.map_err(|error| Error::Program { name: "nix", error })?;
    if !output.status.success() {
        return Err(Error::Nix { doing });
    }
    serde_json::from_slice(&output.stdout).map_err(|error| Error::Answer { doing, error })
}

/// Builds one package of the flake with progress, and tells where it is.
pub(crate) fn build_package(flake: &Flake, name: &str) -> Result<PathBuf, Error> {
    let doing = format!("building {name}");
    let built = build(flake, &[flake.output("packages", Some(name))], &mut |_| {})?;
    match built {
        Build { succeeded: true, paths } if !paths.is_empty() => Ok(PathBuf::from(&paths[0])),
        _ => Err(Error::Nix { doing }),
    }
}
