//! The composition of an image, as far as it is explained (docs/src/explanation/composition.md).

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

/// One image.
#[derive(Debug, Deserialize)]
pub(crate) struct Composition {
    pub(crate) image: String,
    pub(crate) app: String,
    pub(crate) platform: String,
    pub(crate) arch: String,
    /// In the order in which the image starts them.
    pub(crate) nodes: Vec<Node>,
    /// Names and numbers of the ports that `run` forwards.
    #[serde(default)]
    pub(crate) ports: BTreeMap<String, u16>,
    /// What its rooms want of the machine.
    #[serde(default)]
    pub(crate) devices: Vec<String>,
    /// Memory that it is started with, in MiB.
    #[serde(default, rename = "memoryMiB")]
    pub(crate) memory_mib: Option<u32>,
    /// Why it cannot be built, one line each.
    pub(crate) problems: Vec<String>,
}

/// One room of it.
#[derive(Debug, Deserialize)]
pub(crate) struct Node {
    pub(crate) room: String,
    pub(crate) kind: String,
    pub(crate) summary: String,
    pub(crate) why: String,
    /// Interface to the rooms that provide it here.
    pub(crate) needs: BTreeMap<String, Vec<String>>,
    pub(crate) provides: Vec<String>,
    pub(crate) settings: BTreeMap<String, Setting>,
}

/// One option.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Setting {
    pub(crate) value: Value,
    #[serde(default)]
    pub(crate) default: Value,
    /// Where the user set it, `file:line`; empty for a default.
    #[serde(default)]
    pub(crate) defined_in: Vec<String>,
}
