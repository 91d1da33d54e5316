//! What the programs that play scenarios do with their command lines.

use std::fs::File;
use std::io::{self, BufReader, StdoutLock, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde::de::DeserializeOwned;

use crate::group;

/// Exit status where nothing could be tested.
const CANNOT_TEST: u8 = 2;

/// Exit status after an interrupt, as of a shell: 128 + SIGINT.
const INTERRUPTED: i32 = 130;

/// Has `play` play the scenario in each of `files`, and say whether everything held: exit status 0 when it did in all of them,
/// 1 when it did not, 2 with a line of `program`'s when a scenario cannot be read. An interrupt ends what `play` started.
pub fn play_all<S: DeserializeOwned>(
    program: &str,
    files: &[PathBuf],
    play: impl FnMut(&S, &mut StdoutLock<'static>) -> io::Result<bool>,
) -> ExitCode {
    let handler = ctrlc::set_handler(|| {
        group::kill_running();
        std::process::exit(INTERRUPTED);
    });
    match handler.map_err(io::Error::other).and_then(|()| all_hold(files, play)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{program}: {error}");
            ExitCode::from(CANNOT_TEST)
        }
    }
}

/// Every scenario is read before the first is played, so that a misspelt one is told at once.
fn all_hold<S: DeserializeOwned>(
    files: &[PathBuf],
    mut play: impl FnMut(&S, &mut StdoutLock<'static>) -> io::Result<bool>,
) -> io::Result<bool> {
    let scenarios = files.iter().map(|file| read(file)).collect::<io::Result<Vec<S>>>()?;
    let mut out = io::stdout().lock();
    let mut all_held = true;
    for scenario in &scenarios {
        all_held &= play(scenario, &mut out)?;
        out.flush()?;
    }
    Ok(all_held)
}

fn read<S: DeserializeOwned>(file: &Path) -> io::Result<S> {
    let named = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", file.display()));
    let reader = BufReader::new(File::open(file).map_err(named)?);
    serde_json::from_reader(reader).map_err(|error| named(error.into()))
}
