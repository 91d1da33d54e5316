use alloc::string::String;
use core::fmt::{self, Display};
use core::time::Duration;

use iface_xenstore::StoreError;

use crate::{Device, Gone, Seen};

/// What did not come about in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The backend offering itself ([`Frontend::offer`](crate::Frontend::offer)).
    Offer,
    /// The backend connecting ([`Frontend::connected`](crate::Frontend::connected)).
    Connect,
    /// The backend closing ([`Frontend::close`](crate::Frontend::close)).
    Close,
}

/// Why a device and its backend did not come together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// The store did not do what it was asked at `path`.
    Store {
        /// Where.
        path: String,
        /// Why.
        error: StoreError,
    },
    /// A value is not one that belongs there.
    Value {
        /// Where.
        path: String,
        /// What is there.
        value: String,
        /// What belongs there, with its article.
        wanted: String,
    },
    /// The host says of the device that something failed.
    Reported {
        /// The device.
        device: Device,
        /// The host's own words.
        message: String,
    },
    /// It took too long.
    Late {
        /// The device.
        device: Device,
        /// What took too long.
        stage: Stage,
        /// How long it was waited for.
        patience: Duration,
        /// What was seen last.
        seen: Seen,
    },
    /// The backend left before it was connected.
    Gone {
        /// The device.
        device: Device,
        /// How.
        gone: Gone,
    },
}

impl Error {
    /// Whether no later attempt can succeed either: the store can't be used any more.
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Store { error: StoreError::Broken, .. })
    }
}

impl Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store { path, error } => write!(f, "{error}, at {path}"),
            Self::Value { path, value, wanted } => {
                write!(f, "{path} is `{}`, where {wanted} belongs", Told(value))
            }
            Self::Reported { device, message } => {
                write!(f, "the backend of {device} reports: {}", Told(message))
            }
            Self::Late { device, stage, patience, seen } => late(f, device, *stage, *patience, *seen),
            Self::Gone { device, gone } => {
                write!(f, "the backend of {device} {gone} before it was connected")
            }
        }
    }
}

impl core::error::Error for Error {}

fn late(
    f: &mut fmt::Formatter<'_>,
    device: &Device,
    stage: Stage,
    patience: Duration,
    seen: Seen,
) -> fmt::Result {
    let what = match stage {
        Stage::Offer => "come",
        Stage::Connect => "connect",
        Stage::Close => "let go of the device",
    };
    write!(f, "{device}'s backend did not {what} within {patience:?}")?;
    if let Seen::State(state) = seen {
        write!(f, " (it is in state {state})")?;
    }
    match stage {
        Stage::Close => Ok(()),
        Stage::Offer | Stage::Connect => write!(f, ": {}", device.kind.hint),
    }
}

/// Somebody else's text in a message: on one line, and of its first 80 characters.
struct Told<'a>(&'a str);

impl Display for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut characters = self.0.trim_end().chars();
        characters.by_ref().take(80).try_for_each(|each| write!(f, "{}", each.escape_debug()))?;
        if characters.next().is_some() { f.write_str("…") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;
    use crate::{Kind, State};

    const DEVICE: Device = Device { kind: Kind { name: "vif", hint: "is the bridge there?" }, number: 0 };

    fn late(stage: Stage, seen: Seen) -> String {
        Error::Late { device: DEVICE, stage, patience: Duration::from_secs(10), seen }.to_string()
    }

    #[test]
    fn messages_say_what_to_look_at() {
        assert_eq!(
            late(Stage::Offer, Seen::Absent),
            "vif 0's backend did not come within 10s: is the bridge there?"
        );
        assert_eq!(
            late(Stage::Connect, Seen::State(State::InitWait)),
            "vif 0's backend did not connect within 10s (it is in state InitWait (2)): is the bridge there?"
        );
        let reported = Error::Reported { device: DEVICE, message: "no\nbridge\n".into() };
        assert_eq!(reported.to_string(), "the backend of vif 0 reports: no\\nbridge");
        let gone = Error::Gone { device: DEVICE, gone: Gone::Vanished };
        assert_eq!(gone.to_string(), "the backend of vif 0 vanished before it was connected");
    }

    #[test]
    fn foreign_text_is_cut() {
        let value = "x".repeat(4096);
        let error = Error::Value { path: "a/b".into(), value, wanted: "0 or 1".into() };
        assert_eq!(error.to_string().len(), "a/b is `…`, where 0 or 1 belongs".len() + 80);
    }
}
