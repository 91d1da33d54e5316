//! Tests outside the sandbox: the programs of `nixos-tests/outside-sandbox/`.

use std::env;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use super::tally::Tally;
use crate::error::Error;
use crate::flake::Flake;

/// Exit status of a test that the machine has no place for, as of automake's tests.
const SKIPPED: i32 = 77;

/// Lines of a failed test's output that are shown.
const SHOWN_LINES: usize = 40;

/// One test.
pub(super) struct Program {
    pub(super) name: String,
    path: PathBuf,
}

/// The programs there, by name; none where there is no such directory.
pub(super) fn programs(checkout: &Path) -> Result<Vec<Program>, Error> {
    let directory = checkout.join("nixos-tests/outside-sandbox");
    if !directory.exists() {
        return Ok(Vec::new());
    }
    let failed = |error| Error::File { path: directory.clone(), error };
    let mut programs = Vec::new();
    for entry in fs::read_dir(&directory).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let metadata = entry.metadata().map_err(failed)?;
        if metadata.is_file() && metadata.permissions().mode() & 0o111 != 0 {
            programs
                .push(Program { name: entry.file_name().to_string_lossy().into_owned(), path: entry.path() });
        }
    }
    programs.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(programs)
}

/// Runs one, and judges it by its exit status.
pub(super) fn run(flake: &Flake, program: &Program, tally: &mut Tally) {
    eprintln!("running {}", program.name);
    let mut command = Command::new(&program.path);
    command.env("UNICORE_ROOT", &flake.checkout).stdin(Stdio::null());
    if let Ok(myself) = env::current_exe() {
        command.env("UNICORE", myself);
    }
    match command.output() {
        Ok(output) => judge(&program.name, &output, tally),
        Err(error) => tally.failed(&program.name, &format!("did not start: {error}")),
    }
}

fn judge(name: &str, output: &Output, tally: &mut Tally) {
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    let lines: Vec<&str> = said.lines().collect();
    match output.status.code() {
        Some(0) => tally.passed(name),
        Some(SKIPPED) => tally.skipped(name, lines.last().unwrap_or(&"no reason given")),
        _ => {
            tally.failed(name, &output.status.to_string());
            for line in &lines[lines.len().saturating_sub(SHOWN_LINES)..] {
                println!("        | {line}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt;
    use std::process::ExitStatus;

    fn judged(code: i32) -> String {
        let status = ExitStatus::from_raw(code << 8);
        let output = Output { status, stdout: b"needs root\n".to_vec(), stderr: Vec::new() };
        let mut tally = Tally::default();
        judge("test", &output, &mut tally);
        tally.summary()
    }

    #[test]
    fn the_exit_status_decides() {
        assert_eq!(judged(0), "1 passed, 0 failed");
        assert_eq!(judged(1), "0 passed, 1 failed");
        assert_eq!(judged(77), "0 passed, 0 failed, 1 skipped");
    }

    #[test]
    fn only_programs_are_tests() {
        let root = tempfile::tempdir().unwrap();
        assert!(programs(root.path()).unwrap().is_empty());
        let directory = root.path().join("nixos-tests/outside-sandbox");
        fs::create_dir_all(&directory).unwrap();
        fs::write(directory.join("README.md"), "").unwrap();
        fs::write(directory.join("b"), "").unwrap();
        fs::set_permissions(directory.join("b"), fs::Permissions::from_mode(0o755)).unwrap();
        let names: Vec<String> =
            programs(root.path()).unwrap().into_iter().map(|program| program.name).collect();
        assert_eq!(names, ["b"]);
    }
}
