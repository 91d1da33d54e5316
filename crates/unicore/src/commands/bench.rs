//! `bench`: builds images, and becomes the program that measures them.

use std::collections::BTreeMap;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use super::{Summary, check_image, images};
use crate::cli::Bench;
use crate::error::Error;
use crate::flake::Flake;
use crate::nix;

/// Platforms that have something to be compared with (crates/bench).
const PLATFORMS: [&str; 2] = ["kvm-x86_64", "linux-x86_64"];

/// Where results are kept in a checkout: those of images that are not measured stay.
const JSON: &str = "docs/src/reference/performance.json";
const PAGE: &str = "docs/src/reference/performance.md";

pub(crate) fn bench(flake: &Flake, bench: &Bench) -> Result<ExitCode, Error> {
    let known = images(flake)?;
    for name in &bench.images {
        check_image(&known, name)?;
    }
    let program = nix::build_package(flake, "bench")?.join("bin/bench");
    let applications = applications(&program)?;
    let names = if bench.images.is_empty() {
        comparable(&applications, |name| known.get(name))
    } else {
        bench.images.clone()
    };
    let build = |name: &String| nix::build_package(flake, name);
    let built = names.iter().map(build).collect::<Result<Vec<_>, _>>()?;
    let natives = natives(&applications, names.iter().filter_map(|name| known.get(name)));
    let natives = natives.iter().map(|(application, package)| Ok((application.clone(), build(package)?)));
    let natives = natives.collect::<Result<Vec<_>, Error>>()?;
    // exec returns only where it failed.
    let error = command(&program, &built, &natives, bench, &flake.checkout).exec();
    Err(Error::File { path: program, error })
}

/// An application that the program measures.
#[derive(Debug, PartialEq, Eq)]
struct Application {
    name: String,
    /// Whether it is compared with its own program on Linux, and not with the distribution's.
    native: bool,
}

/// Those that the program tells of.
fn applications(program: &Path) -> Result<Vec<Application>, Error> {
    let told = Command::new(program).arg("--applications").output();
    let told = told.map_err(|error| Error::File { path: program.to_owned(), error })?;
    Ok(parse(&String::from_utf8_lossy(&told.stdout)))
}

/// From a line for each, such as `speedtest1 native`.
fn parse(told: &str) -> Vec<Application> {
    let application = |line: &str| {
        let mut words = line.split_whitespace();
        Some(Application { name: words.next()?.to_owned(), native: words.next() == Some("native") })
    };
    told.lines().filter_map(application).collect()
}

/// Names of the images that compose and have something to be compared with.
fn comparable<'a>(applications: &[Application], find: impl Fn(&str) -> Option<&'a Summary>) -> Vec<String> {
    let all = applications
        .iter()
        .flat_map(|application| PLATFORMS.map(|platform| format!("{}-{platform}", application.name)));
    all.filter(|name| find(name).is_some_and(|summary| summary.problems.is_empty())).collect()
}

/// Those of the images' applications that are compared with their own programs, and the packages that these are.
fn natives<'a>(
    applications: &[Application],
    images: impl Iterator<Item = &'a Summary>,
) -> BTreeMap<String, String> {
    let is_native = |name: &str| applications.iter().any(|known| known.native && known.name == name);
    images
        .filter(|image| is_native(&image.app))
        .map(|image| (image.app.clone(), format!("{}-native-{}", image.app, image.arch)))
        .collect()
}

/// The call of the program that measures.
fn command(
    program: &Path,
    built: &[PathBuf],
    natives: &[(String, PathBuf)],
    bench: &Bench,
    checkout: &Path,
) -> Command {
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
        command.arg("--record").arg(checkout.join(JSON)).arg("--page").arg(checkout.join(PAGE));
    } else if let Some(json) = &bench.json {
        command.arg("--json").arg(json);
    }
    for (application, directory) in natives {
        command.arg("--native").arg(format!("{application}={}", directory.display()));
    }
    command.args(built);
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(bench: &Bench) -> String {
        let natives = [("it".to_owned(), PathBuf::from("/native"))];
        let command = command(Path::new("bench"), &["/out".into()], &natives, bench, Path::new("/checkout"));
        command.get_args().map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
    }

    const PLAIN: Bench =
        Bench { images: Vec::new(), rounds: None, seconds: None, counts: false, json: None, record: false };

    #[test]
    fn options_are_handed_on() {
        let bench =
            Bench { rounds: Some(3), seconds: Some(2), counts: true, json: Some("it.json".into()), ..PLAIN };
        assert_eq!(words(&bench), "--rounds 3 --seconds 2 --counts --json it.json --native it=/native /out");
    }

    #[test]
    fn results_are_recorded_in_the_book() {
        let bench = Bench { record: true, ..PLAIN };
        assert_eq!(
            words(&bench),
            format!("--record /checkout/{JSON} --page /checkout/{PAGE} --native it=/native /out")
        );
    }

    fn summary(app: &str, problems: &[&str]) -> Summary {
        Summary {
            app: app.to_owned(),
            platform: "kvm".to_owned(),
            arch: "x86_64".to_owned(),
            problems: problems.iter().map(|problem| (*problem).to_owned()).collect(),
        }
    }

    #[test]
    fn programs_of_this_machine_are_built_for_those_that_take_them() {
        let applications = parse("nginx\nspeedtest1 native\n");
        let images = [summary("nginx", &[]), summary("speedtest1", &[]), summary("speedtest1", &[])];
        let natives = natives(&applications, images.iter());
        let expected = ("speedtest1".to_owned(), "speedtest1-native-x86_64".to_owned());
        assert_eq!(natives.into_iter().collect::<Vec<_>>(), [expected]);
    }

    #[test]
    fn images_that_do_not_compose_are_left_out() {
        let (good, bad) = (summary("httpd", &[]), summary("httpd", &["needs `x`"]));
        let names = comparable(&parse("httpd\n"), |name| match name {
            "httpd-kvm-x86_64" => Some(&good),
            "httpd-linux-x86_64" => Some(&bad),
            _ => None,
        });
        assert_eq!(names, ["httpd-kvm-x86_64"]);
    }
}
