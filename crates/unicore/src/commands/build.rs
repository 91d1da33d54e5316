//! `build`: the directories of images.

use std::process::ExitCode;

use super::{check_image, images};
use crate::error::Error;
use crate::flake::Flake;
use crate::nix;

pub(crate) fn build(flake: &Flake, names: &[String]) -> Result<ExitCode, Error> {
    let images = images(flake)?;
    for name in names {
        check_image(&images, name)?;
    }
    let packages: Vec<String> = names.iter().map(|name| flake.output("packages", Some(name))).collect();
    let built = nix::build(flake, &packages, &mut |_| {})?;
    if !built.succeeded {
        return Err(Error::Nix { doing: format!("building {}", names.join(", ")) });
    }
    for path in &built.paths {
        println!("{path}");
    }
    Ok(ExitCode::SUCCESS)
}
