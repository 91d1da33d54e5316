use std::fmt;
use std::io;
use std::path::PathBuf;

/// Why a command could not do what it was asked, with the way to mend it.
#[derive(Debug)]
pub(crate) enum Error {
    /// No flake around the current directory, and no checkout known.
    NoFlake,
    /// No such image.
    UnknownImage { name: String, near: Option<String> },
    /// No test's name contains the filter.
    NoSuchTest { filter: String, near: Option<String> },
    /// A program could not be started.
    Program { name: &'static str, error: io::Error },
    /// Nix failed, having told why on standard error.
    Nix { doing: String },
    /// Nix gave something else than was asked for.
    Answer { doing: String, error: serde_json::Error },
    /// A file or directory could not be used.
    File { path: PathBuf, error: io::Error },
    /// A manifest of another form.
    Manifest { path: PathBuf, error: serde_json::Error },
    /// The composition has problems, one line each.
    Problems { image: String, problems: Vec<String> },
    /// A name that cannot be an application's.
    BadName { name: String, why: &'static str },
    /// A new application would overwrite something.
    Exists { path: PathBuf },
    /// This machine is none that the image starts on, and no test host can be built.
    NoTestHost { platform: String },
    /// The `.debug` file of an image cannot be read.
    Symbols { path: PathBuf, error: String },
    /// Standard input or output failed.
    Stream(io::Error),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoFlake => {
                write!(
                    f,
                    "no flake.nix here or above: go to a checkout of Unicore, or to a flake that uses it"
                )
            }
            Self::UnknownImage { name, near } => {
                write!(f, "there is no image `{name}`: ")?;
                suggest(f, near.as_deref(), "`./unicore list` shows what there is")
            }
            Self::NoSuchTest { filter, near } => {
                write!(f, "no test's name contains `{filter}`: ")?;
                suggest(f, near.as_deref(), "`./unicore test` runs them all")
            }
            Self::Program { name, error } => {
                write!(
                    f,
                    "{name} did not start ({error}): start by ./unicore, which installs what is missing"
                )
            }
            Self::Nix { doing } => write!(f, "{doing} failed; what Nix says above tells why"),
            Self::Answer { doing, error } => {
                write!(
                    f,
                    "{doing} gave something unexpected ({error}): does the flake fit this version of unicore?"
                )
            }
            Self::File { path, error } => write!(f, "{}: {error}", path.display()),
            Self::Manifest { path, error } => {
                write!(
                    f,
                    "{} is not a manifest that this version can read ({error}): build the image anew",
                    path.display()
                )
            }
            Self::Problems { image, problems } => {
                write!(f, "{image} does not compose:")?;
                problems.iter().try_for_each(|problem| write!(f, "\n  - {problem}"))
            }
            Self::BadName { name, why } => write!(
                f,
                "`{name}` cannot be the name of an application, {why}: take lower-case letters, digits and single dashes, such as `my-server`"
            ),
            Self::Exists { path } => {
                write!(f, "{} is there already: take another name, or move it away", path.display())
            }
            Self::NoTestHost { platform } => write!(
                f,
                "this machine cannot start images for {platform}, and there is no test host for it from here: try UNICORE_PROVIDER=host"
            ),
            Self::Symbols { path, error } => {
                write!(f, "{} has no symbols to look up: {error}", path.display())
            }
            Self::Stream(error) => write!(f, "standard input or output: {error}"),
        }
    }
}

impl std::error::Error for Error {}

fn suggest(f: &mut fmt::Formatter<'_>, near: Option<&str>, otherwise: &str) -> fmt::Result {
    match near {
        Some(near) => write!(f, "did you mean `{near}`?"),
        None => f.write_str(otherwise),
    }
}
