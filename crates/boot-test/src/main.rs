//! Command line of boot-test.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

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
    boot_test::command::play_all("boot-test", &arguments.scenarios, boot_test::run)
}
