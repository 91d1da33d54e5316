//! `list`: the images, and whether they are built.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;

use super::{Summary, images};
use crate::error::Error;
use crate::flake::Flake;
use crate::nix;

pub(crate) fn list(flake: &Flake) -> Result<ExitCode, Error> {
    let images = images(flake)?;
    let built = built(flake)?;
    print!("{}", table(&images, |name| built.get(name).is_some_and(|path| Path::new(path).exists())));
    Ok(ExitCode::SUCCESS)
}

/// Where each package of the flake is once it is built.
fn built(flake: &Flake) -> Result<BTreeMap<String, String>, Error> {
    // An image that does not compose has no path; that must not hide the others.
    let path = "p: let r = builtins.tryEval p.outPath; in if r.success then r.value else \"\"";
    nix::eval(flake, "packages", None, Some(&format!("builtins.mapAttrs (_: {path})")))
}

fn table(images: &BTreeMap<String, Summary>, is_built: impl Fn(&str) -> bool) -> String {
    let width = images.keys().map(String::len).max().unwrap_or(0).max("image".len());
    let row = |image: &str, app: &str, platform: &str, arch: &str, state: &str| {
        format!("{image:width$}  {app:12}  {platform:8}  {arch:8}  {state}\n")
    };
    let rows = images.iter().map(|(name, image)| {
        let state = match image.problems.is_empty() {
            true if is_built(name) => "built",
            true => "not built",
            false => "does not compose, see explain",
        };
        row(name, &image.app, &image.platform, &image.arch, state)
    });
    std::iter::once(row("image", "application", "platform", "arch", "state")).chain(rows).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_image_is_a_row_with_its_state() {
        let json = r#"{
            "a-kvm-x86_64": { "app": "a", "platform": "kvm", "arch": "x86_64", "problems": [] },
            "b-kvm-x86_64": { "app": "b", "platform": "kvm", "arch": "x86_64", "problems": [] },
            "c-kvm-x86_64": { "app": "c", "platform": "kvm", "arch": "x86_64", "problems": ["p"] }
        }"#;
        let text = table(&serde_json::from_str(json).unwrap(), |name| name.starts_with('a'));
        let rows: Vec<&str> = text.lines().collect();
        assert_eq!(rows.len(), 4);
        assert!(rows[1].ends_with("x86_64    built"), "{text}");
        assert!(rows[2].ends_with("x86_64    not built"), "{text}");
        assert!(rows[3].ends_with("does not compose, see explain"), "{text}");
    }
}
