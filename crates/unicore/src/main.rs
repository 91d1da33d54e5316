#![doc = include_str!("../README.md")]

mod cli;
mod commands;
mod composition;
mod error;
mod flake;
mod manifest;
mod names;
mod nix;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let arguments = cli::Arguments::parse();
    match commands::execute(arguments.command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("unicore: {error}");
            ExitCode::FAILURE
        }
    }
}
