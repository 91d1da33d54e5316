//! Why there is no connection.

use core::fmt::{self, Display};

use granted_pages::PageError;
use iface_event_channels::ChannelError;
use xen_ring::RingError;

/// What a backend did that it must not: the connection can't go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    /// An index is impossible.
    Ring(RingError),
    /// A transmit response is for a request that is not out: which buffers are, nobody knows any more.
    UnknownId(u16),
}

impl Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ring(error) => error.fmt(f),
            Self::UnknownId(id) => write!(f, "it is done with request {id}, which it does not have"),
        }
    }
}

impl From<RingError> for Broken {
    fn from(error: RingError) -> Self {
        Self::Ring(error)
    }
}

/// Why this domain can't offer a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkError {
    /// There is no page for rings and buffers.
    Page(PageError),
    /// The backends of earlier connections hold so many pages still.
    Held(usize),
    /// There is no event channel.
    Channel(ChannelError),
}

impl Display for LinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Page(error) => error.fmt(f),
            Self::Held(pages) => write!(f, "earlier backends hold {pages} pages still"),
            Self::Channel(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for LinkError {}

impl From<PageError> for LinkError {
    fn from(error: PageError) -> Self {
        Self::Page(error)
    }
}

impl From<ChannelError> for LinkError {
    fn from(error: ChannelError) -> Self {
        Self::Channel(error)
    }
}
