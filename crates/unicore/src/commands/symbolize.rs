//! `symbolize`: a panic's backtrace with names and lines.

use std::io;
use std::process::ExitCode;

use symbolize::Symbols;

use super::{check_image, images};
use crate::error::Error;
use crate::flake::Flake;
use crate::nix;

pub(crate) fn symbolize(flake: &Flake, image: &str) -> Result<ExitCode, Error> {
    check_image(&images(flake)?, image)?;
    let path = nix::build_package(flake, image)?.join(format!("{image}.debug"));
    let symbols = Symbols::open(&path).map_err(|error| Error::Symbols { path, error })?;
    symbolize::rewrite(io::stdin().lock(), io::stdout().lock(), |address| symbols.frames(address))
        .map_err(Error::Stream)?;
    Ok(ExitCode::SUCCESS)
}
