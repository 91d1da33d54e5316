//! Command line of boot-test.

use std::fs::File;
use std::io::{self, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use boot_test::Scenario;
use clap::Parser;

/// Exit status where nothing could be tested.
const CANNOT_TEST: u8 = 2;

/// Exit status after an interrupt, as of a shell: 128 + SIGINT.
const INTERRUPTED: i32 = 130;

/// Start images, watch their consoles, ask them over HTTP
///
/// Writes a line for each thing checked. Exit status: 0 when everything held, 1 when something did not, 2 when a
/// scenario cannot be read.
#[derive(Parser)]
#[command(version, after_help = "Example:\n  boot-test hello.json httpd.json")]
struct Arguments {
    /// Files with one scenario each
    #[arg(required = true, value_name = "SCENARIO")]
    scenarios: Vec<PathBuf>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let handler = ctrlc::set_handler(|| {
        boot_test::group::kill_running();
        std::process::exit(INTERRUPTED);
    });
    match handler.map_err(io::Error::other).and_then(|()| run_all(&arguments.scenarios)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("boot-test: {error}");
            ExitCode::from(CANNOT_TEST)
        }
    }
}

/// Every scenario is read before the first runs, so that a misspelt one is told at once.
fn run_all(files: &[PathBuf]) -> io::Result<bool> {
    let scenarios = files.iter().map(|file| read(file)).collect::<io::Result<Vec<Scenario>>>()?;
    let mut out = io::stdout().lock();
    let mut all_held = true;
    for scenario in &scenarios {
        all_held &= boot_test::run(scenario, &mut out)?;
        out.flush()?;
    }
    Ok(all_held)
}

fn read(file: &Path) -> io::Result<Scenario> {
    let named = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", file.display()));
    let reader = BufReader::new(File::open(file).map_err(named)?);
    serde_json::from_reader(reader).map_err(|error| named(error.into()))
}
