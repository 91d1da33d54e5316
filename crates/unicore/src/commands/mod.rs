//! One file a command.

mod bench;
mod build;
mod explain;
mod list;
mod new;
mod run;
mod size;
mod symbolize;
mod test;

use std::collections::BTreeMap;
use std::process::ExitCode;

use serde::Deserialize;

use crate::cli::Command;
use crate::error::Error;
use crate::flake::Flake;
use crate::{names, nix};

/// Does what the command line says.
pub(crate) fn execute(command: Command) -> Result<ExitCode, Error> {
    let flake = Flake::find()?;
    match command {
        Command::List => list::list(&flake),
        Command::Build { images } => build::build(&flake, &images),
        Command::Run(run) => run::run(&flake, &run),
        Command::Test { filter } => test::test(&flake, filter.as_deref()),
        Command::Bench(arguments) => bench::bench(&flake, &arguments),
        Command::Explain { image } => explain::explain(&flake, &image),
        Command::Size { image } => size::size(&flake, &image),
        Command::New { name } => new::new(&flake, &name),
        Command::Symbolize { image } => symbolize::symbolize(&flake, &image),
    }
}

/// What a list shows of an image.
#[derive(Deserialize)]
struct Summary {
    app: String,
    platform: String,
    arch: String,
    problems: Vec<String>,
}

/// All images of the flake by name.
fn images(flake: &Flake) -> Result<BTreeMap<String, Summary>, Error> {
    let summary = "builtins.mapAttrs (_: c: { inherit (c) app platform arch problems; })";
    nix::eval(flake, "legacyPackages", None, Some(&format!("pool: {summary} pool.compositions")))
}

/// Tells a misspelt name before Nix is asked to build it, and a composition with problems by its problems.
fn check_image<'a>(images: &'a BTreeMap<String, Summary>, name: &str) -> Result<&'a Summary, Error> {
    let Some(summary) = images.get(name) else {
        let near = names::nearest(name, images.keys().map(String::as_str));
        return Err(Error::UnknownImage { name: name.to_owned(), near });
    };
    if summary.problems.is_empty() {
        Ok(summary)
    } else {
        Err(Error::Problems { image: name.to_owned(), problems: summary.problems.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool() -> BTreeMap<String, Summary> {
        let json = r#"{
            "hello-kvm-x86_64": { "app": "hello", "platform": "kvm", "arch": "x86_64", "problems": [] },
            "odd-kvm-x86_64": { "app": "odd", "platform": "kvm", "arch": "x86_64", "problems": ["needs `x`"] }
        }"#;
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn a_misspelt_image_is_told_with_the_near_name() {
        let images = pool();
        let error = check_image(&images, "hello-kmv-x86_64").err().unwrap().to_string();
        assert_eq!(error, "there is no image `hello-kmv-x86_64`: did you mean `hello-kvm-x86_64`?");
        let error = check_image(&images, "nginx").err().unwrap().to_string();
        assert!(error.contains("./unicore list"), "{error}");
    }

    #[test]
    fn problems_are_told_one_a_line() {
        let error = check_image(&pool(), "odd-kvm-x86_64").err().unwrap().to_string();
        assert_eq!(error, "odd-kvm-x86_64 does not compose:\n  - needs `x`");
    }
}
