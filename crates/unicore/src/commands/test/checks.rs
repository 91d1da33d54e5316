//! The flake's checks: built all together, so that Nix runs what it can at once.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde::Deserialize;

use super::tally::Tally;
use crate::error::Error;
use crate::flake::Flake;
use crate::nix;

/// Lines of a failed check's log that are shown.
const SHOWN_LINES: usize = 40;

/// How the output of a check begins that was not made; the reason follows.
const SKIPPED: &str = "skipped: ";

/// Nix: from names to what [`Check`] is made of. One check that does not evaluate must not hide the others.
const EVALUATE: &str = r#"
    let
      told = check: { derivation = "${check.drvPath}"; output = "${check.outPath}"; };
      nothing = { derivation = ""; output = ""; };
      tell = check:
        let tried = builtins.tryEval (let it = told check; in builtins.deepSeq it it);
        in if tried.success then tried.value else nothing;
    in
    names: builtins.listToAttrs (map (name: { inherit name; value = tell checks.${name}; }) names)
"#;

/// What evaluation tells of a check; empty strings where it throws.
#[derive(Deserialize)]
struct Check {
    derivation: String,
    output: String,
}

impl Check {
    fn is_built(&self) -> bool {
        Path::new(&self.output).exists()
    }
}

/// Names of all checks.
pub(super) fn names(flake: &Flake) -> Result<Vec<String>, Error> {
    nix::eval(flake, "checks", None, Some("builtins.attrNames"))
}

/// Builds the checks, and tells of each as soon as it is decided.
pub(super) fn build(flake: &Flake, names: &[&str], tally: &mut Tally) -> Result<(), Error> {
    let mut pending = evaluate(flake, names)?;
    pending.retain(|name, check| {
        let evaluates = !check.derivation.is_empty();
        if !evaluates {
            tally.failed(
                name,
                &format!("does not evaluate; nix build '{}' tells why", flake.output("checks", Some(name))),
            );
        } else if check.is_built() {
            tell_built(name, check, tally);
        }
        evaluates && !check.is_built()
    });
    if pending.is_empty() {
        return Ok(());
    }
    let outputs: Vec<String> = pending.keys().map(|name| flake.output("checks", Some(name))).collect();
    nix::build(flake, &outputs, &mut |derivation| tell_passed(&mut pending, derivation, tally))?;
    for (name, check) in &pending {
        match check.is_built() {
            true => tell_built(name, check, tally),
            false => tell_failed(name, check, tally),
        }
    }
    Ok(())
}

fn evaluate(flake: &Flake, names: &[&str]) -> Result<BTreeMap<String, Check>, Error> {
    if names.is_empty() {
        return Ok(BTreeMap::new());
    }
    let names: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
    let function = format!("checks: ({EVALUATE}) [ {} ]", names.join(" "));
    nix::eval(flake, "checks", None, Some(&function))
}

fn tell_passed(pending: &mut BTreeMap<String, Check>, derivation: &str, tally: &mut Tally) {
    pending.retain(|name, check| {
        let passed = check.derivation == derivation && check.is_built();
        if passed {
            tell_built(name, check, tally);
        }
        !passed
    });
}

/// A check that was built passed, unless it says of itself that it stands for one that could not be made.
fn tell_built(name: &str, check: &Check, tally: &mut Tally) {
    match fs::read_to_string(&check.output).as_deref().map(|said| said.strip_prefix(SKIPPED)) {
        Ok(Some(why)) => tally.skipped(name, why.trim_end()),
        _ => tally.passed(name),
    }
}

fn tell_failed(name: &str, check: &Check, tally: &mut Tally) {
    let log = log_of(&check.derivation);
    let why = if log.is_empty() { "something it needs was not built" } else { "the end of its log follows" };
    tally.failed(name, why);
    let lines: Vec<&str> = log.lines().collect();
    for line in &lines[lines.len().saturating_sub(SHOWN_LINES)..] {
        println!("        | {line}");
    }
}

/// The log of a derivation's last build; empty where it was never begun.
fn log_of(derivation: &str) -> String {
    let output = Command::new("nix-store").args(["--read-log", derivation]).output();
    output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_that_was_not_made_is_not_told_as_passed() {
        let directory = tempfile::tempdir().unwrap();
        let output = directory.path().join("out");
        let check = Check { derivation: String::new(), output: output.display().to_string() };
        let told = |said: &str| {
            fs::write(&output, said).unwrap();
            let mut tally = Tally::default();
            tell_built("check", &check, &mut tally);
            tally.summary()
        };
        assert_eq!(told(""), "1 passed, 0 failed");
        assert_eq!(told("skipped: no host\n"), "0 passed, 0 failed, 1 skipped");
    }
}
