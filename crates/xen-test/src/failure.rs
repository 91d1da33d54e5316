use std::fmt;
use std::io;

/// Why a step did not hold.
#[derive(Debug)]
pub enum Failure {
    /// The host's program could not be started or talked to.
    Host(io::Error),
    /// The host ended before the scenario did.
    HostEnded,
    /// Time was over.
    TimedOut {
        /// What was waited for.
        waiting_for: String,
    },
    /// A command on the host ended with another status.
    Status {
        /// What it ended with.
        got: i32,
        /// What the scenario says.
        wanted: i32,
        /// What it wrote.
        output: String,
    },
    /// A command's output lacks a text.
    Text {
        /// What the scenario says.
        wanted: String,
        /// What it wrote.
        output: String,
    },
    /// A domain ended for another reason.
    Reason {
        /// The reason it gave.
        got: u8,
        /// What the scenario says.
        wanted: u8,
    },
    /// A domain was created that should have been refused.
    NotRefused,
    /// The scenario names a domain without an address, or a request that was never begun.
    Unknown(String),
    /// A request was not answered as it should be.
    Http(boot_test::Failure),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host(error) => write!(f, "the host: {error}"),
            Self::HostEnded => f.write_str("the host has ended"),
            Self::TimedOut { waiting_for } => write!(f, "time was over waiting for {waiting_for}"),
            Self::Status { got, wanted, output } => {
                write!(f, "status {got}, wanted {wanted}: {}", shown(output))
            }
            Self::Text { wanted, output } => write!(f, "lacks {wanted:?}: {}", shown(output)),
            Self::Reason { got, wanted } => write!(f, "ended with reason {got}, wanted {wanted}"),
            Self::NotRefused => f.write_str("it was created"),
            Self::Unknown(what) => write!(f, "the scenario does not say {what}"),
            Self::Http(failure) => failure.fmt(f),
        }
    }
}

impl std::error::Error for Failure {}

impl From<boot_test::Failure> for Failure {
    fn from(failure: boot_test::Failure) -> Self {
        Self::Http(failure)
    }
}

/// What a program wrote, on one line.
fn shown(output: &str) -> String {
    let lines: Vec<&str> = output.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    lines.join(" | ")
}
