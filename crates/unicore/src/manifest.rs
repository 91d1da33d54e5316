//! What a built image tells of itself, as far as sizes go.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::Deserialize;

use crate::error::Error;

/// `manifest.json` of an image.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Manifest {
    pub(crate) image: String,
    /// Length of the image's file.
    pub(crate) bytes: u64,
    pub(crate) rooms: Vec<Room>,
    /// Bytes of code and data by Rust crate, rooms among them.
    pub(crate) bytes_by_crate: BTreeMap<String, u64>,
}

/// A room of it.
#[derive(Debug, Deserialize)]
pub(crate) struct Room {
    pub(crate) room: String,
    pub(crate) kind: String,
}

/// Reads the manifest in a directory that a build made.
pub(crate) fn read(built: &Path) -> Result<Manifest, Error> {
    let path = built.join("manifest.json");
    let text = fs::read(&path).map_err(|error| Error::File { path: path.clone(), error })?;
    serde_json::from_slice(&text).map_err(|error| Error::Manifest { path, error })
}
