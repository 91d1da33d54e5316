//! A built image, as its manifest tells of it.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::error::Error;
use crate::guest;

/// Applications that are compared, all with nginx: file servers.
const COMPARED: [&str; 2] = ["httpd", "nginx"];

/// What an image is compared in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Platform {
    /// A guest, beside a Linux guest.
    Kvm,
    /// A process, beside the native program.
    Linux,
}

/// An image that can be measured.
#[derive(Debug)]
pub struct Image {
    pub name: String,
    pub platform: Platform,
    /// The image itself.
    pub file: PathBuf,
    /// Length of the file.
    pub bytes: u64,
    /// Of the file, in hexadecimal.
    pub sha256: String,
    /// Where it has the files that it serves, in its root.
    pub site: &'static str,
    /// Whether it wants a source of entropy of the machine.
    pub wants_entropy: bool,
}

#[derive(Deserialize)]
struct Manifest {
    image: String,
    app: String,
    platform: String,
    arch: String,
    bytes: u64,
    sha256: String,
    #[serde(default)]
    devices: Vec<String>,
}

impl Image {
    /// Reads the manifest in a directory that a build made.
    pub fn open(directory: &Path) -> Result<Self, Error> {
        let path = directory.join("manifest.json");
        let text = fs::read(&path).map_err(Error::file(&path))?;
        let refused = |why: String| Error::Image { path: directory.to_owned(), why };
        let manifest: Manifest =
            serde_json::from_slice(&text).map_err(|error| refused(format!("manifest.json: {error}")))?;
        let platform = compared_on(&manifest).map_err(refused)?;
        Ok(Self {
            file: directory.join(&manifest.image),
            name: manifest.image,
            platform,
            bytes: manifest.bytes,
            sha256: manifest.sha256,
            site: if manifest.app == "nginx" { guest::SITE } else { "" },
            wants_entropy: manifest.devices.iter().any(|device| device == "entropy"),
        })
    }
}

fn compared_on(manifest: &Manifest) -> Result<Platform, String> {
    if !COMPARED.contains(&manifest.app.as_str()) {
        return Err(format!(
            "{} has nothing to be compared with: {} have",
            manifest.app,
            COMPARED.join(" and ")
        ));
    }
    match (manifest.platform.as_str(), manifest.arch.as_str()) {
        ("kvm", "x86_64") => Ok(Platform::Kvm),
        ("linux", "x86_64") => Ok(Platform::Linux),
        (platform, arch) => {
            Err(format!("images for {platform}-{arch} are not measured: kvm-x86_64 and linux-x86_64 are"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(app: &str, platform: &str) -> Result<Image, Error> {
        let directory = tempfile::tempdir().unwrap();
        let text = format!(
            r#"{{ "image": "{app}-{platform}-x86_64", "app": "{app}", "platform": "{platform}", "arch": "x86_64",
                 "bytes": 7, "sha256": "ab", "devices": ["network", "entropy"], "rooms": [] }}"#
        );
        fs::write(directory.path().join("manifest.json"), text).unwrap();
        Image::open(directory.path())
    }

    #[test]
    fn a_manifest_tells_what_is_started_and_how() {
        let image = opened("httpd", "kvm").unwrap();
        assert_eq!((image.platform, image.bytes, image.wants_entropy), (Platform::Kvm, 7, true));
        assert!(image.file.ends_with("httpd-kvm-x86_64"));
    }

    #[test]
    fn what_has_no_counterpart_is_told() {
        assert!(opened("hello", "kvm").unwrap_err().to_string().contains("httpd and nginx have"));
        assert!(opened("httpd", "xen").unwrap_err().to_string().contains("xen-x86_64 are not measured"));
    }
}
