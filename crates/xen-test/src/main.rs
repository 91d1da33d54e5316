//! Command line of xen-test.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

/// Start domains on a Xen host, and play what happens to them
///
/// Writes a line for each step. Exit status: 0 when every step held, 1 when one did not, 2 when a scenario cannot be read.
#[derive(Parser)]
#[command(version, after_help = "Example:\n  xen-test shutdown.json ten-domains.json")]
struct Arguments {
    /// Files with one scenario each
    #[arg(required = true, value_name = "SCENARIO")]
    scenarios: Vec<PathBuf>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    boot_test::command::play_all("xen-test", &arguments.scenarios, xen_test::play)
}
