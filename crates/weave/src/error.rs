//! What can go wrong while an image is woven.

use std::fmt;
use std::path::{Path, PathBuf};

/// Why no workspace was written.
#[derive(Debug)]
pub enum Error {
    /// A file or directory could not be read or written.
    File {
        /// What was tried.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
    /// The composition is not of the form that weave understands.
    Composition(serde_json::Error),
    /// Evaluation found that the image does not compose.
    Problems(Vec<String>),
    /// A `Cargo.toml` is not TOML.
    Toml {
        /// Which one.
        path: PathBuf,
        /// What is wrong with it.
        source: toml_edit::TomlError,
    },
    /// The image has no node of a kind that every image has.
    MissingKind(&'static str),
    /// A room is named for which `rooms` gives no directory.
    UnknownRoom {
        /// The room.
        room: String,
        /// Who names it.
        named_by: String,
    },
    /// A node needs an interface that `interfaces` does not describe.
    UnknownInterface {
        /// The interface.
        interface: String,
        /// The room that needs it.
        room: String,
    },
    /// A need has more or fewer providers than the interface admits.
    Providers {
        /// The interface.
        interface: String,
        /// The room that needs it.
        room: String,
        /// How many providers the composition names.
        count: usize,
    },
    /// A setting's value is not of its type.
    Setting {
        /// The room.
        room: String,
        /// Its option.
        option: String,
        /// The type that the composition gives it.
        kind: String,
        /// The value.
        value: String,
    },
    /// `constants` names an option that has no setting.
    UnknownConstant {
        /// The room.
        room: String,
        /// The option.
        option: String,
    },
}

impl Error {
    /// The error of an operation on a file, for `map_err`.
    pub fn file(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { action, path, source }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { action, path, source } => write!(f, "cannot {action} {}: {source}", path.display()),
            Self::Composition(source) => write!(f, "the composition is malformed: {source}"),
            Self::Problems(problems) => {
                write!(f, "the image does not compose:\n  - {}", problems.join("\n  - "))
            }
            Self::Toml { path, source } => write!(f, "{} is malformed: {source}", path.display()),
            Self::MissingKind(kind) => write!(f, "the composition has no node of kind `{kind}`"),
            Self::UnknownRoom { room, named_by } => {
                write!(f, "`{named_by}` names the room `{room}`, and `rooms` has no directory for it")
            }
            Self::UnknownInterface { interface, room } => {
                write!(f, "`{room}` names the interface `{interface}`, and `interfaces` does not describe it")
            }
            Self::Providers { interface, room, count } => {
                write!(f, "`{room}` needs `{interface}`, which does not admit {count} providers")
            }
            Self::Setting { room, option, kind, value } => {
                write!(f, "`libs.{room}.{option}` is {value}, which is no `{kind}`")
            }
            Self::UnknownConstant { room, option } => {
                write!(f, "`{room}` has the constant `{option}`, and no setting of that name")
            }
        }
    }
}

impl std::error::Error for Error {}
