//! A built image, as its manifest tells of it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::error::Error;
use crate::workloads::{self, Origin, Workload};

/// What an image is compared in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Platform {
    /// A guest, beside a Linux guest.
    Kvm,
    /// A process, beside the native program.
    Linux,
}

/// An image that can be measured.
pub struct Image {
    pub name: String,
    /// What is in it.
    pub application: String,
    pub platform: Platform,
    /// What it is measured in.
    pub workload: &'static dyn Workload,
    /// The image itself.
    pub file: PathBuf,
    /// Length of the file.
    pub bytes: u64,
    /// Of the file, in hexadecimal.
    pub sha256: String,
    /// Memory that it is started with where it is a process, in MiB.
    pub memory_mib: Option<u64>,
    /// Whether it wants a source of entropy of the machine.
    pub wants_entropy: bool,
    /// Its program as one of this machine, where that is what is beside it.
    pub native: Option<PathBuf>,
}

/// Programs of this machine by the application that they are.
pub type Natives = BTreeMap<String, PathBuf>;

#[derive(Deserialize)]
struct Manifest {
    image: String,
    app: String,
    platform: String,
    arch: String,
    bytes: u64,
    sha256: String,
    #[serde(rename = "memoryMiB")]
    memory_mib: Option<u64>,
    #[serde(default)]
    devices: Vec<String>,
}

impl Image {
    /// Reads the manifest in a directory that a build made.
    pub fn open(directory: &Path, natives: &Natives) -> Result<Self, Error> {
        let path = directory.join("manifest.json");
        let text = fs::read(&path).map_err(Error::file(&path))?;
        let refused = |why: String| Error::Image { path: directory.to_owned(), why };
        let manifest: Manifest =
            serde_json::from_slice(&text).map_err(|error| refused(format!("manifest.json: {error}")))?;
        let workload = measured_in(&manifest.app).map_err(refused)?;
        let platform = compared_on(&manifest).map_err(refused)?;
        let native = match workload.origin() {
            Origin::Packages { .. } => None,
            Origin::Source => Some(native(&manifest.app, natives).map_err(refused)?),
        };
        Ok(Self {
            file: directory.join(&manifest.image),
            name: manifest.image,
            application: manifest.app,
            platform,
            workload,
            bytes: manifest.bytes,
            sha256: manifest.sha256,
            memory_mib: manifest.memory_mib,
            wants_entropy: manifest.devices.iter().any(|device| device == "entropy"),
            native,
        })
    }
}

fn measured_in(application: &str) -> Result<&'static dyn Workload, String> {
    let known = || workloads::applications().collect::<Vec<_>>().join(", ");
    workloads::of(application)
        .ok_or_else(|| format!("{application} has nothing to be compared with, as these have: {}", known()))
}

fn compared_on(manifest: &Manifest) -> Result<Platform, String> {
    match (manifest.platform.as_str(), manifest.arch.as_str()) {
        ("kvm", "x86_64") => Ok(Platform::Kvm),
        ("linux", "x86_64") => Ok(Platform::Linux),
        (platform, arch) => {
            Err(format!("images for {platform}-{arch} are not measured: kvm-x86_64 and linux-x86_64 are"))
        }
    }
}

/// The program, in the directory that its build made.
fn native(application: &str, natives: &Natives) -> Result<PathBuf, String> {
    let directory = natives.get(application);
    let directory = directory.ok_or_else(|| {
        format!(
            "{application} is compared with the same program on Linux: give --native {application}=DIRECTORY"
        )
    })?;
    Ok(directory.join("bin").join(application))
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// An image of nothing.
    pub fn image(application: &str, platform: Platform) -> Image {
        Image {
            name: application.into(),
            application: application.into(),
            platform,
            workload: workloads::of(application).unwrap(),
            file: format!("/out/{application}").into(),
            bytes: 1,
            sha256: String::new(),
            memory_mib: Some(64),
            wants_entropy: false,
            native: Some("/native/it".into()),
        }
    }

    fn opened(app: &str, platform: &str, natives: &Natives) -> Result<Image, Error> {
        let directory = tempfile::tempdir().unwrap();
        let text = format!(
            r#"{{ "image": "{app}-{platform}-x86_64", "app": "{app}", "platform": "{platform}", "arch": "x86_64",
                 "bytes": 7, "sha256": "ab", "devices": ["network", "entropy"], "memoryMiB": 16, "rooms": [] }}"#
        );
        fs::write(directory.path().join("manifest.json"), text).unwrap();
        Image::open(directory.path(), natives)
    }

    fn refused(app: &str, platform: &str) -> String {
        opened(app, platform, &Natives::new()).err().unwrap().to_string()
    }

    #[test]
    fn a_manifest_tells_what_is_started_and_how() {
        let image = opened("httpd", "kvm", &Natives::new()).ok().unwrap();
        assert_eq!((image.platform, image.bytes, image.wants_entropy), (Platform::Kvm, 7, true));
        assert_eq!(image.memory_mib, Some(16));
        assert!(image.file.ends_with("httpd-kvm-x86_64"));
    }

    #[test]
    fn what_has_no_counterpart_is_told() {
        assert!(refused("hello", "kvm").contains("as these have: nginx"));
        assert!(refused("httpd", "xen").contains("xen-x86_64 are not measured"));
    }

    #[test]
    fn the_same_program_is_asked_for_where_it_is_what_is_beside_an_image() {
        assert!(refused("speedtest1", "kvm").contains("--native speedtest1="));
        let natives = Natives::from([("speedtest1".to_owned(), PathBuf::from("/made"))]);
        let image = opened("speedtest1", "kvm", &natives).ok().unwrap();
        assert_eq!(image.native, Some("/made/bin/speedtest1".into()));
    }
}
