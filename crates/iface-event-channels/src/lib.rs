#![doc = include_str!("../README.md")]
#![no_std]

use core::fmt::{self, Display};

pub use iface_events::Source;
pub use xen_abi::{DomainId, Errno, Port};

/// Why there is no channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChannelError {
    /// The image's own table of sources or channels is full.
    Full,
    /// What Xen said.
    Refused(Errno),
}

impl Display for ChannelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full => f.write_str("the table of event channels is full"),
            Self::Refused(errno) => write!(f, "Xen refused an event channel: {errno}"),
        }
    }
}

impl core::error::Error for ChannelError {}

/// Signals between domains (Xen, `public/event_channel.h`).
pub trait EventChannels: Copy + 'static {
    /// A new source, which fires when one of its channels is signalled. It is never given back.
    ///
    /// # Errors
    /// [`ChannelError::Full`].
    fn source(&self) -> Result<Source, ChannelError>;

    /// Opens a channel of `source` that domain `remote` may bind to.
    ///
    /// # Errors
    /// As [`ChannelError`] says.
    fn open(&self, source: Source, remote: DomainId) -> Result<Port, ChannelError>;

    /// Has `source` fire for a channel that Xen opened when it built the domain.
    ///
    /// # Errors
    /// [`ChannelError::Full`].
    fn adopt(&self, source: Source, port: Port) -> Result<(), ChannelError>;

    /// Signals the other end. Nothing happens where nobody is bound to it.
    fn signal(&self, port: Port);

    /// Closes a channel. Its source does not fire for it any more.
    fn close(&self, port: Port);

    /// Has `source` fire as though one of its channels was signalled: for what a driver has to tell its own user, as that
    /// its backend is gone.
    fn fire(&self, source: Source);
}
