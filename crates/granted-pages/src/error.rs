use core::fmt::{self, Display};

use iface_grant_table::GrantError;

/// Why there is no page to share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageError {
    /// No memory.
    OutOfMemory,
    /// It can't be granted.
    NotGranted(GrantError),
}

impl Display for PageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutOfMemory => f.write_str("no memory for a page that is shared with the backend"),
            Self::NotGranted(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for PageError {}
