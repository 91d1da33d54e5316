//! The command `weave`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use weave::composition::Composition;
use weave::{Error, Pool};

/// Writes the root crate of an image from its composition.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// The workspace of one image: its rooms, and the glue that starts them.
    Image {
        /// The composition, JSON.
        #[arg(long)]
        composition: PathBuf,
        #[command(flatten)]
        place: Place,
    },
    /// A workspace of many rooms with empty sources, which compiles their third-party crates alone.
    Skeleton {
        /// Directory of each room by its name, JSON; only its Cargo.toml is read.
        #[arg(long)]
        rooms: PathBuf,
        #[command(flatten)]
        place: Place,
    },
    /// A workspace of rooms with their sources and no glue, which compiles what images of just these rooms share.
    Rooms {
        /// Directory of each room by its name, JSON.
        #[arg(long)]
        rooms: PathBuf,
        #[command(flatten)]
        place: Place,
    },
    /// Prints the glue of an image, main.rs.
    Glue {
        /// The composition, JSON.
        composition: PathBuf,
    },
}

#[derive(Args)]
struct Place {
    /// Cargo.toml of the pool's workspace: versions, lints, profiles.
    #[arg(long)]
    workspace: PathBuf,
    /// Cargo.lock of the pool's workspace.
    #[arg(long)]
    lock: PathBuf,
    /// Directory to write.
    #[arg(long)]
    out: PathBuf,
}

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("weave: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<(), Error> {
    match command {
        Command::Image { composition, place } => {
            let composition: Composition = read_json(&composition)?;
            Pool::read(&place.workspace, &place.lock)?.weave(&composition, &place.out)
        }
        Command::Skeleton { rooms, place } => {
            let rooms: BTreeMap<String, PathBuf> = read_json(&rooms)?;
            Pool::read(&place.workspace, &place.lock)?.weave_skeleton(&rooms, &place.out)
        }
        Command::Rooms { rooms, place } => {
            let rooms: BTreeMap<String, PathBuf> = read_json(&rooms)?;
            Pool::read(&place.workspace, &place.lock)?.weave_rooms(&rooms, &place.out)
        }
        Command::Glue { composition } => {
            print!("{}", weave::glue::main_rs(&read_json(&composition)?)?);
            Ok(())
        }
    }
}

fn read_json<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T, Error> {
    let text = std::fs::read(path).map_err(Error::file("read", path))?;
    serde_json::from_slice(&text).map_err(Error::Composition)
}
