#![doc = include_str!("../README.md")]
#![no_std]

extern crate alloc;

pub mod fake;

use core::num::NonZeroU16;

pub use iface_events::Source;

/// Which checksums the card does, so that the stack need not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Checksums {
    /// TCP and UDP checksums of received frames are verified already.
    pub receive: bool,
    /// TCP and UDP checksums of sent frames are filled in by the card.
    pub transmit: bool,
}

/// Why a frame could not be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransmitError {
    /// No free slot now; one comes with a later event.
    Full,
    /// Longer than the card takes.
    TooLong,
}

impl core::fmt::Display for TransmitError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Full => "the card's transmit queue is full",
            Self::TooLong => "the frame is longer than the card takes",
        })
    }
}

impl core::error::Error for TransmitError {}

/// A card that moves Ethernet frames (IEEE 802.3, without preamble and frame check sequence).
///
/// One owner drives it: subscribe to [`source`](NetDevice::source), [`acknowledge`](NetDevice::acknowledge) when it
/// fired, receive until there is nothing, then [`arm`](NetDevice::arm) before waiting.
pub trait NetDevice: 'static {
    /// A received frame, in the card's own memory. Dropping it instead of giving it back loses the slot.
    type Frame: AsRef<[u8]> + AsMut<[u8]>;

    /// The card's address.
    fn mac_address(&self) -> [u8; 6];

    /// The longest network-layer packet, in bytes: 1500 on ordinary Ethernet. A frame is 14 bytes longer.
    fn mtu(&self) -> usize;

    /// What the card does of the checksums.
    fn checksums(&self) -> Checksums;

    /// What fires when a frame came or, after a [`TransmitError::Full`], a slot became free.
    fn source(&self) -> Source;

    /// Quiets the source after it fired.
    fn acknowledge(&mut self);

    /// The next received frame.
    fn receive(&mut self) -> Option<Self::Frame>;

    /// Gives a received frame's memory back to the card.
    fn recycle(&mut self, frame: Self::Frame);

    /// Whether a frame of any length that the card takes, by [`transmit`](NetDevice::transmit) or
    /// [`transmit_segments`](NetDevice::transmit_segments), could be sent now.
    fn can_transmit(&mut self) -> bool;

    /// Sends a frame of `length` bytes that `fill` writes. The bytes given to `fill` hold anything. The frame may
    /// wait for [`flush`](NetDevice::flush).
    ///
    /// # Errors
    /// As [`TransmitError`] says; `fill` is not called.
    fn transmit<R>(&mut self, length: usize, fill: impl FnOnce(&mut [u8]) -> R) -> Result<R, TransmitError>;

    /// The longest frame, in bytes, with a TCP segment over IPv4 that the card cuts into segments for the wire (TCP
    /// segmentation offload); at most 65,549, and 0 where it cuts none. One that does also fills in the checksums.
    fn longest_segments(&self) -> usize {
        0
    }

    /// Sends what a frame of `length` bytes that `fill` writes stands for, as [`transmit`](NetDevice::transmit) does: frames
    /// with `segment` bytes of its TCP payload each, and the rest in the last. The frame is one of TCP over IPv4 without
    /// other headers between, of [`longest_segments`](NetDevice::longest_segments) at most.
    ///
    /// # Errors
    /// As [`TransmitError`] says; `fill` is not called.
    fn transmit_segments<R>(
        &mut self,
        length: usize,
        segment: NonZeroU16,
        fill: impl FnOnce(&mut [u8]) -> R,
    ) -> Result<R, TransmitError> {
        let _ = (length, segment, fill);
        Err(TransmitError::TooLong)
    }

    /// Tells the card of the frames sent since the last call: once for many frames.
    fn flush(&mut self);

    /// Asks for the source to fire when the next frame comes. Returns false where frames are waiting already: then
    /// it may not fire, and the owner must receive them first.
    fn arm(&mut self) -> bool;

    /// Stops asking: while the owner is receiving anyway.
    fn disarm(&mut self);
}
