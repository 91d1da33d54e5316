//! The command `pack`.

use std::fs;
use std::io::{BufWriter, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use clap::{Parser, Subcommand};
use pack::Error;
use weave::composition::Composition;

/// Makes what a built image is from the linked file.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Subcommands,
}

#[derive(Subcommand)]
enum Subcommands {
    /// The directory of a built image.
    Image {
        /// The composition, JSON.
        #[arg(long)]
        composition: PathBuf,
        /// What the linker wrote.
        #[arg(long)]
        linked: PathBuf,
        /// Directory to write.
        #[arg(long)]
        out: PathBuf,
    },
    /// A directory tree as a newc archive.
    Tree {
        /// Its root, which is not in the archive itself.
        root: PathBuf,
        /// File to write.
        #[arg(long)]
        out: PathBuf,
        /// Date of every entry, seconds after 1970.
        #[arg(long, env = "SOURCE_DATE_EPOCH", default_value_t = 0)]
        mtime: u32,
    },
}

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("pack: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Subcommands) -> Result<(), Error> {
    match command {
        Subcommands::Image { composition, linked, out } => image(&composition, &linked, &out),
        Subcommands::Tree { root, out, mtime } => tree(&root, &out, mtime),
    }
}

fn image(composition: &Path, linked: &Path, out: &Path) -> Result<(), Error> {
    let composition: Composition = serde_json::from_slice(&read(composition)?).map_err(Error::Composition)?;
    let linked = read(linked)?;
    let image = pack::strip::strip(&linked)?;
    let manifest = pack::manifest::manifest(&composition, &linked, &image)?;
    let manifest = serde_json::to_string_pretty(&manifest).map_err(Error::Composition)? + "\n";

    fs::create_dir_all(out).map_err(Error::file("create", out))?;
    write_program(&out.join(&composition.image), &image)?;
    write(&out.join(format!("{}.debug", composition.image)), &linked)?;
    write(&out.join("manifest.json"), manifest.as_bytes())?;
    if let Some(script) = &composition.target.run {
        let script = String::from_utf8_lossy(&read(script)?).into_owned();
        let run = out.join("run");
        write_program(&run, pack::run::script(&composition, &script).as_bytes())?;
        if let Some(name) = &composition.target.config {
            write(&out.join(name), &configuration(&run)?)?;
        }
    }
    Ok(())
}

/// What `run` prints as the image's configuration for the tools of its platform.
fn configuration(run: &Path) -> Result<Vec<u8>, Error> {
    let output = Command::new(run).arg("--config").output().map_err(Error::file("run", run))?;
    if output.status.success() {
        Ok(output.stdout)
    } else {
        Err(Error::NoConfiguration(String::from_utf8_lossy(&output.stderr).into_owned()))
    }
}

fn tree(root: &Path, out: &Path, mtime: u32) -> Result<(), Error> {
    let file = fs::File::create(out).map_err(Error::file("write", out))?;
    let mut file = BufWriter::new(file);
    pack::cpio::archive(root, mtime, &mut file)?;
    file.flush().map_err(Error::file("write", out))
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    fs::read(path).map_err(Error::file("read", path))
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    fs::write(path, bytes).map_err(Error::file("write", path))
}

fn write_program(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    write(path, bytes)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).map_err(Error::file("write", path))
}
