//! `test`: the flake's checks, then the tests for which the Nix sandbox has no place.

mod checks;
mod outside;
mod tally;

use std::process::ExitCode;

use crate::error::Error;
use crate::flake::Flake;
use crate::names;

use tally::Tally;

pub(crate) fn test(flake: &Flake, filter: Option<&str>) -> Result<ExitCode, Error> {
    let filter = filter.unwrap_or_default();
    let checks = checks::names(flake)?;
    let programs = if flake.is_checkout() { outside::programs(&flake.checkout)? } else { Vec::new() };
    let (chosen, outside) = choose(filter, &checks, &programs)?;
    let mut tally = Tally::default();
    checks::build(flake, &chosen, &mut tally)?;
    for program in outside {
        outside::run(flake, program, &mut tally);
    }
    println!("{}", tally.summary());
    Ok(if tally.all_passed() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The tests whose names contain the filter. That there are none is an error: a misspelt filter must not pass.
fn choose<'a>(
    filter: &str,
    checks: &'a [String],
    programs: &'a [outside::Program],
) -> Result<(Vec<&'a str>, Vec<&'a outside::Program>), Error> {
    let chosen: Vec<&str> = checks.iter().map(String::as_str).filter(|name| name.contains(filter)).collect();
    let outside: Vec<_> = programs.iter().filter(|program| program.name.contains(filter)).collect();
    if chosen.is_empty() && outside.is_empty() {
        let all =
            checks.iter().map(String::as_str).chain(programs.iter().map(|program| program.name.as_str()));
        return Err(Error::NoSuchTest { filter: filter.to_owned(), near: names::nearest(filter, all) });
    }
    Ok((chosen, outside))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_chooses_by_part_of_the_name() {
        let checks = ["boot-hello-kvm".to_owned(), "refusals".to_owned()];
        assert_eq!(choose("hello", &checks, &[]).unwrap().0, ["boot-hello-kvm"]);
        assert_eq!(choose("", &checks, &[]).unwrap().0.len(), 2);
    }

    #[test]
    fn a_filter_without_tests_is_an_error() {
        let checks = ["refusals".to_owned()];
        let error = choose("refusalz", &checks, &[]).err().unwrap().to_string();
        assert!(error.contains("did you mean `refusals`"), "{error}");
    }
}
