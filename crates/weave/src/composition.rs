//! The composition: what evaluation hands over, one object an image.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// One image: its rooms in the order of their start, and what binds them.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Composition {
    /// `<app>-<platform>-<arch>`.
    pub image: String,
    /// Name of the application.
    pub app: String,
    /// Room of the platform.
    pub platform: String,
    /// Room of the architecture.
    pub arch: String,
    /// Every interface that a node needs or provides, by its name without `iface-`.
    pub interfaces: BTreeMap<String, Interface>,
    /// Rooms in the order in which the glue starts them; the application is the last.
    pub nodes: Vec<Node>,
    /// Source directory of every package that the image may need.
    pub rooms: BTreeMap<String, PathBuf>,
    /// How it is compiled, linked and started.
    #[serde(default)]
    pub target: Target,
    /// What its rooms want of the machine: `disk`, `entropy`, `network`.
    #[serde(default)]
    pub devices: Vec<String>,
    /// Memory that it is started with where nobody says otherwise, in MiB.
    #[serde(default, rename = "memoryMiB")]
    pub memory_mib: Option<u32>,
    /// Ports of the image that are reached from outside, by their use.
    #[serde(default)]
    pub ports: BTreeMap<String, u16>,
    /// Why the image cannot be built; empty when it can.
    #[serde(default)]
    pub problems: Vec<String>,
}

/// How an image is compiled, linked and started; files that a platform lacks are `None`.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Target {
    /// Target specification for rustc.
    #[serde(default)]
    pub specification: Option<PathBuf>,
    /// Script for the linker.
    #[serde(default)]
    pub linker_script: Option<PathBuf>,
    /// The platform's `run.sh`.
    #[serde(default)]
    pub run: Option<PathBuf>,
    /// Name of the configuration file that the platform's tools start an image by.
    #[serde(default)]
    pub config: Option<String>,
    /// Whether the platform has a test host.
    #[serde(default)]
    pub test_host: bool,
    /// QEMU's program for the architecture.
    #[serde(default)]
    pub qemu: Option<String>,
    /// Ways in which the image can be entered.
    #[serde(default)]
    pub entry_protocols: Vec<String>,
}

/// A trait that rooms meet at.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Interface {
    /// Package that defines the trait.
    pub package: String,
    /// The trait, in the root of that package.
    #[serde(rename = "trait")]
    pub trait_name: String,
    /// How many providers an image has.
    pub arity: Arity,
    /// Used by one room alone.
    #[serde(default)]
    pub exclusive: bool,
    /// Attribute of the `static` that holds the provider, such as `#[global_allocator]`.
    #[serde(default, rename = "static")]
    pub static_attribute: Option<String>,
}

/// How many providers of an interface an image has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Arity {
    /// Exactly one.
    One,
    /// At most one.
    Optional,
    /// Any number.
    Many,
}

/// A room that runs in the image.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Node {
    /// Name of the room and of its package.
    pub room: String,
    /// What it is in the image.
    pub kind: Kind,
    /// The room in one line.
    #[serde(default)]
    pub summary: String,
    /// Why it is in the image, a phrase without a full stop.
    pub why: String,
    /// Interfaces needed, each with the rooms that provide it here.
    #[serde(default)]
    pub needs: BTreeMap<String, Vec<String>>,
    /// Interfaces provided.
    #[serde(default)]
    pub provides: Vec<String>,
    /// Values of the room's options.
    #[serde(default)]
    pub settings: BTreeMap<String, Setting>,
    /// Options that are const generic parameters of `Config`, in their order there.
    #[serde(default)]
    pub constants: Vec<String>,
}

/// What a node is in the image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// The architecture.
    Arch,
    /// The platform.
    Platform,
    /// A library.
    Library,
    /// The application.
    Application,
}

/// The value of an option.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Setting {
    /// What evaluation found.
    pub value: serde_json::Value,
    /// How it is written in Rust: `int`, `bool`, `str`, `enum`, `file`, `list of <type>`, `nullable <type>`.
    #[serde(rename = "type")]
    pub kind: String,
    /// What it would be had nobody set it.
    #[serde(default)]
    pub default: serde_json::Value,
    /// Files that set it.
    #[serde(default)]
    pub defined_in: Vec<String>,
}

impl Composition {
    /// The node of a kind that every image has exactly once.
    pub fn only(&self, kind: Kind) -> Option<&Node> {
        self.nodes.iter().find(|node| node.kind == kind)
    }
}
