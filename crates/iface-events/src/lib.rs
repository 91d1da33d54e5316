#![doc = include_str!("../README.md")]
#![no_std]

extern crate alloc;

pub mod fake;

use alloc::boxed::Box;

use iface_clock::Instant;

/// Something that can fire. What the number means is the platform's: an interrupt line, a message-signalled
/// vector, a file descriptor that became readable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Source(pub u32);

/// Why a source cannot be subscribed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubscribeError {
    /// The platform has no such source.
    NoSuchSource,
    /// The platform's table of sources is full.
    Full,
}

impl core::fmt::Display for SubscribeError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::NoSuchSource => "the platform has no such event source",
            Self::Full => "the platform's table of event sources is full",
        })
    }
}

impl core::error::Error for SubscribeError {}

/// Called in thread context after its source fired. It quiets the device (a level-triggered line fires again
/// until then), and wakes who waits for it. It must not block. It may be called where its source did not fire: sources
/// are shared, and a platform may not know of what fired before it was subscribed.
pub type Handler = Box<dyn Fn()>;

/// Sources of events, and waiting for them.
pub trait Events: Copy + 'static {
    /// Has `handler` called each time `source` fired. A source may be shared: every handler of it is called.
    ///
    /// # Errors
    /// As [`SubscribeError`] says; `handler` is dropped.
    fn subscribe(&self, source: Source, handler: Handler) -> Result<(), SubscribeError>;

    /// Calls the handlers of the sources that fired since the last call, and says whether there were any.
    fn poll(&self) -> bool;

    /// Halts the processor until a source fires or `deadline` is reached (for ever without one), then does as
    /// [`poll`](Events::poll). Returns at once where something fired already. May return early.
    fn wait(&self, deadline: Option<Instant>);
}
