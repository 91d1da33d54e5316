use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Why something could not be measured, with the way to mend it where there is one.
#[derive(Debug)]
pub enum Error {
    /// What the machine lacks, one line each.
    Missing(Vec<String>),
    /// An image that is compared with nothing, and why.
    Image { path: PathBuf, why: String },
    /// A file or directory could not be used.
    File { path: PathBuf, error: io::Error },
    /// A program could not be started, or failed.
    Program { name: &'static str, why: String },
    /// What a program wrote was not understood.
    Answer { of: &'static str, text: String },
    /// A server did not answer, or not as it should; the end of its console follows.
    Server { name: String, why: String, console: String },
    /// Something else of the operating system.
    System { doing: &'static str, error: io::Error },
}

impl Error {
    pub fn file(path: &Path) -> impl FnOnce(io::Error) -> Self {
        |error| Self::File { path: path.to_owned(), error }
    }

    pub fn system(doing: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |error| Self::System { doing, error }
    }

    pub fn program(name: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |error| Self::Program { name, why: error.to_string() }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(lines) => {
                write!(f, "this machine cannot measure:")?;
                lines.iter().try_for_each(|line| write!(f, "\n  - {line}"))
            }
            Self::Image { path, why } => write!(f, "{}: {why}", path.display()),
            Self::File { path, error } => write!(f, "{}: {error}", path.display()),
            Self::Program { name, why } => write!(f, "{name}: {why}"),
            Self::Answer { of, text } => write!(f, "{of} wrote something unexpected: {text:?}"),
            Self::Server { name, why, console } => {
                write!(f, "{name}: {why}")?;
                console.lines().try_for_each(|line| write!(f, "\n  | {line}"))
            }
            Self::System { doing, error } => write!(f, "{doing}: {error}"),
        }
    }
}

impl std::error::Error for Error {}
