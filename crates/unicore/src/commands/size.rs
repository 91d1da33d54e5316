//! `size`: an image's bytes by room.

use std::process::ExitCode;

use super::{check_image, images};
use crate::error::Error;
use crate::flake::Flake;
use crate::manifest::{self, Manifest};
use crate::nix;

pub(crate) fn size(flake: &Flake, image: &str) -> Result<ExitCode, Error> {
    check_image(&images(flake)?, image)?;
    let built = nix::build_package(flake, image)?;
    print!("{}", table(&manifest::read(&built)?));
    Ok(ExitCode::SUCCESS)
}

/// The largest first; crates that are no rooms (core, libraries of rooms) by their own names.
fn table(manifest: &Manifest) -> String {
    let mut sizes: Vec<(&str, u64)> =
        manifest.bytes_by_crate.iter().map(|(name, bytes)| (name.as_str(), *bytes)).collect();
    sizes.sort_by_key(|(name, bytes)| (std::cmp::Reverse(*bytes), *name));
    let rows = sizes.into_iter().map(|(name, bytes)| {
        let room = manifest.rooms.iter().find(|room| room.room.replace('-', "_") == name);
        let (name, kind) = room.map_or((name, ""), |room| (&room.room, &room.kind));
        let percent = bytes as f64 * 100.0 / manifest.bytes.max(1) as f64;
        format!("{bytes:>10}  {percent:>5.1} %  {name:24}  {kind}").trim_end().to_owned() + "\n"
    });
    let total = format!("{:>10}  100.0 %  {}\n", manifest.bytes, manifest.image);
    rows.chain([total]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rooms_are_told_by_size_and_other_crates_by_name() {
        let json = r#"{
            "image": "hello-kvm-x86_64", "bytes": 1000,
            "rooms": [{ "room": "alloc-buddy", "kind": "library" }, { "room": "kvm", "kind": "platform" }],
            "bytesByCrate": { "alloc_buddy": 100, "core": 250, "kvm": 650 }
        }"#;
        let text = table(&serde_json::from_str(json).unwrap());
        let words: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(words[0], ["650", "65.0", "%", "kvm", "platform"]);
        assert_eq!(words[1], ["250", "25.0", "%", "core"]);
        assert_eq!(words[2], ["100", "10.0", "%", "alloc-buddy", "library"]);
        assert_eq!(words[3], ["1000", "100.0", "%", "hello-kvm-x86_64"]);
    }
}
