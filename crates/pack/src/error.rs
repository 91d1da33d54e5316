//! What can go wrong while an image is packed.

use std::fmt;
use std::path::{Path, PathBuf};

/// Why nothing was packed.
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
    /// The composition is not of the form that pack understands.
    Composition(serde_json::Error),
    /// The linked file is no ELF file.
    Elf(object::Error),
    /// The linked file has nothing that a loader would load.
    NothingToLoad,
    /// `run` has no configuration to print, and what it said.
    NoConfiguration(String),
    /// A tree to pack holds something that is neither file, directory nor symbolic link.
    Kind(PathBuf),
    /// A file is larger than the 4 GiB that a header of the archive can tell.
    TooLarge(PathBuf),
}

impl Error {
    /// The error of an operation on a file, for `map_err`.
    pub fn file(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { action, path, source }
    }
}

impl From<object::Error> for Error {
    fn from(source: object::Error) -> Self {
        Self::Elf(source)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { action, path, source } => write!(f, "cannot {action} {}: {source}", path.display()),
            Self::Composition(source) => write!(f, "the composition is malformed: {source}"),
            Self::Elf(source) => write!(f, "the linked file is not as expected: {source}"),
            Self::NothingToLoad => {
                write!(f, "the linked file has no segment to load: is there a linker script?")
            }
            Self::NoConfiguration(said) => write!(f, "run prints no configuration: {said}"),
            Self::Kind(path) => {
                write!(f, "{} is neither a file, a directory nor a symbolic link", path.display())
            }
            Self::TooLarge(path) => write!(f, "{} has 4 GiB or more", path.display()),
        }
    }
}

impl std::error::Error for Error {}
