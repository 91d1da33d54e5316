//! `manifest.json`: what is in an image, and why.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};
use weave::composition::{Composition, Kind, Node, Setting};

use crate::{Error, sizes};

/// What a built image tells of itself.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest<'a> {
    image: &'a str,
    app: &'a str,
    platform: &'a str,
    arch: &'a str,
    sha256: String,
    bytes: u64,
    entry_protocols: &'a [String],
    devices: &'a [String],
    #[serde(rename = "memoryMiB")]
    memory_mib: Option<u32>,
    ports: &'a BTreeMap<String, u16>,
    rooms: Vec<Room<'a>>,
    bytes_by_crate: BTreeMap<String, u64>,
}

#[derive(Serialize)]
struct Room<'a> {
    room: &'a str,
    kind: Kind,
    summary: &'a str,
    why: &'a str,
    needs: &'a BTreeMap<String, Vec<String>>,
    provides: &'a [String],
    bytes: u64,
    settings: BTreeMap<&'a str, Value>,
}

/// Of a stripped image; `linked` is the same with its symbols.
///
/// # Errors
/// When `linked` is no ELF file, or a file that a setting names cannot be read.
pub fn manifest<'a>(
    composition: &'a Composition,
    linked: &[u8],
    image: &[u8],
) -> Result<Manifest<'a>, Error> {
    let bytes = image.len() as u64;
    let bytes_by_crate = sizes::by_crate(linked, bytes)?;
    let rooms = composition.nodes.iter().map(|node| room(node, &bytes_by_crate)).collect::<Result<_, _>>()?;
    Ok(Manifest {
        image: &composition.image,
        app: &composition.app,
        platform: &composition.platform,
        arch: &composition.arch,
        sha256: sha256(image),
        bytes,
        entry_protocols: &composition.target.entry_protocols,
        devices: &composition.devices,
        memory_mib: composition.memory_mib,
        ports: &composition.ports,
        rooms,
        bytes_by_crate,
    })
}

fn room<'a>(node: &'a Node, bytes_by_crate: &BTreeMap<String, u64>) -> Result<Room<'a>, Error> {
    let settings = node.settings.iter().map(|(option, setting)| Ok((option.as_str(), shown(setting)?)));
    Ok(Room {
        room: &node.room,
        kind: node.kind,
        summary: &node.summary,
        why: &node.why,
        needs: &node.needs,
        provides: &node.provides,
        bytes: bytes_by_crate.get(&node.room.replace('-', "_")).copied().unwrap_or(0),
        settings: settings.collect::<Result<_, Error>>()?,
    })
}

/// The value; for a file its hash, since its place says nothing to who holds the image.
fn shown(setting: &Setting) -> Result<Value, Error> {
    match (&setting.value, setting.kind.as_str()) {
        (Value::String(path), "file" | "nullable file") => file(Path::new(path)),
        (value, _) => Ok(value.clone()),
    }
}

fn file(path: &Path) -> Result<Value, Error> {
    let bytes = std::fs::read(path).map_err(Error::file("read", path))?;
    Ok(serde_json::json!({ "sha256": sha256(&bytes), "bytes": bytes.len() }))
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
