//! `bench`: builds images, and becomes the program that measures them.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use super::{Summary, check_image, images};
use crate::cli::Bench;
use crate::error::Error;
use crate::flake::Flake;
use crate::nix;

/// Applications and platforms that have something to be compared with (crates/bench).
const APPLICATIONS: [&str; 2] = ["nginx", "httpd"];
const PLATFORMS: [&str; 2] = ["kvm-x86_64", "linux-x86_64"];

/// Where results are kept in a checkout.
const JSON: &str = "docs/src/reference/performance.json";
const PAGE: &str = "docs/src/reference/performance.md";

pub(crate) fn bench(flake: &Flake, bench: &Bench) -> Result<ExitCode, Error> {
    let known = images(flake)?;
    let names =
        if bench.images.is_empty() { comparable(|name| known.get(name)) } else { bench.images.clone() };
    for name in &names {
        check_image(&known, name)?;
    }
    let built = names.iter().map(|name| nix::build_package(flake, name)).collect::<Result<Vec<_>, _>>()?;
    let program = nix::build_package(flake, "bench")?.join("bin/bench");
    // exec returns only where it failed.
    let error = command(&program, &built, bench, &flake.checkout).exec();
    Err(Error::File { path: program, error })
}

/// Names of the images that compose and have something to be compared with.
fn comparable<'a>(find: impl Fn(&str) -> Option<&'a Summary>) -> Vec<String> {
    let all =
        APPLICATIONS.iter().flat_map(|app| PLATFORMS.iter().map(move |platform| format!("{app}-{platform}")));
    all.filter(|name| find(name).is_some_and(|summary| summary.problems.is_empty())).collect()
}

/// The call of the program that measures.
fn command(program: &Path, built: &[PathBuf], bench: &Bench, checkout: &Path) -> Command {
    let mut command = Command::new(program);
    if let Some(rounds) = bench.rounds {
        command.arg("--rounds").arg(rounds.to_string());
    }
    if let Some(seconds) = bench.seconds {
        command.arg("--seconds").arg(seconds.to_string());
    }
    if bench.counts {
        command.arg("--counts");
    }
    if bench.record {
        command.arg("--json").arg(checkout.join(JSON)).arg("--page").arg(checkout.join(PAGE));
    } else if let Some(json) = &bench.json {
        command.arg("--json").arg(json);
    }
    command.args(built);
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(bench: &Bench) -> String {
        let command = command(Path::new("bench"), &["/out".into()], bench, Path::new("/checkout"));
        command.get_args().map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
    }

    const PLAIN: Bench =
        Bench { images: Vec::new(), rounds: None, seconds: None, counts: false, json: None, record: false };

    #[test]
    fn options_are_handed_on() {
        let bench =
            Bench { rounds: Some(3), seconds: Some(2), counts: true, json: Some("it.json".into()), ..PLAIN };
        assert_eq!(words(&bench), "--rounds 3 --seconds 2 --counts --json it.json /out");
    }

    #[test]
    fn results_are_recorded_in_the_book() {
        let bench = Bench { record: true, ..PLAIN };
        assert_eq!(words(&bench), format!("--json /checkout/{JSON} --page /checkout/{PAGE} /out"));
    }

    #[test]
    fn images_that_do_not_compose_are_left_out() {
        let summary = |problems: &[&str]| Summary {
            app: String::new(),
            platform: String::new(),
            arch: String::new(),
            problems: problems.iter().map(|problem| (*problem).to_owned()).collect(),
        };
        let (good, bad) = (summary(&[]), summary(&["needs `x`"]));
        let names = comparable(|name| match name {
            "httpd-kvm-x86_64" => Some(&good),
            "httpd-linux-x86_64" => Some(&bad),
            _ => None,
        });
        assert_eq!(names, ["httpd-kvm-x86_64"]);
    }
}
