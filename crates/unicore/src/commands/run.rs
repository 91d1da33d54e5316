//! `run`: builds an image and becomes its own `run`.

use std::env;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use super::{check_image, images};
use crate::cli::Run;
use crate::error::Error;
use crate::flake::Flake;
use crate::nix;

pub(crate) fn run(flake: &Flake, run: &Run) -> Result<ExitCode, Error> {
    let images = images(flake)?;
    let platform = &check_image(&images, &run.image)?.platform;
    let built = nix::build_package(flake, &run.image)?;
    let mut command = command(&built, run);
    if !run.dry_run && env::var_os(TEST_HOST).is_none() && needs_test_host(&built)? {
        command.env(TEST_HOST, test_host(flake, platform)?);
    }
    // exec returns only where it failed.
    Err(Error::File { path: built.join("run"), error: command.exec() })
}

/// Names the directory of a test host to an image's `run`.
const TEST_HOST: &str = "UNICORE_TEST_HOST";

/// What `run --check-host` ends with where this machine can't start the image by itself.
const WANTING: i32 = 1;

/// Whether this machine can't start the image by itself.
fn needs_test_host(built: &Path) -> Result<bool, Error> {
    let run = built.join("run");
    let status = Command::new(&run).arg("--check-host").status();
    Ok(status.map_err(|error| Error::File { path: run, error })?.code() == Some(WANTING))
}

/// Builds the test host of a platform.
fn test_host(flake: &Flake, platform: &str) -> Result<PathBuf, Error> {
    let name = format!("test-host-{platform}");
    let exists: bool = nix::eval(flake, "packages", None, Some(&format!("packages: packages ? {name}")))?;
    if exists {
        nix::build_package(flake, &name)
    } else {
        Err(Error::NoTestHost { platform: platform.to_owned() })
    }
}

/// The call of an image's `run`, in the form of docs/src/reference/run.md.
fn command(built: &Path, run: &Run) -> Command {
    let mut command = Command::new(built.join("run"));
    if run.dry_run {
        command.arg("--dry-run");
    }
    if let Some(memory) = run.memory {
        command.arg("--memory").arg(memory.to_string());
    }
    for settings in &run.append {
        command.arg("--append").arg(settings);
    }
    for forward in &run.forward {
        command.arg("--forward").arg(forward);
    }
    for disk in &run.disk {
        command.arg("--disk").arg(disk);
    }
    if !run.arguments.is_empty() {
        command.arg("--").args(&run.arguments);
    }
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_handed_on_in_the_form_of_the_contract() {
        let run = Run {
            image: "x".into(),
            memory: Some(64),
            append: vec!["log=debug".into()],
            forward: vec!["9000:80".into()],
            disk: vec!["d.img".into()],
            dry_run: true,
            arguments: vec!["-v".into()],
        };
        let command = command(Path::new("/out"), &run);
        let words: Vec<_> = command.get_args().map(|word| word.to_string_lossy()).collect();
        assert_eq!(command.get_program(), "/out/run");
        assert_eq!(
            words.join(" "),
            "--dry-run --memory 64 --append log=debug --forward 9000:80 --disk d.img -- -v"
        );
    }
}
