//! The ways out as the protocols see them: one lent frame in, frames written in place out.

use alloc::{vec, vec::Vec};
use core::num::{NonZeroU16, NonZeroUsize};

use iface_net_device::NetDevice;
use smoltcp::phy::{Checksum, Device, DeviceCapabilities, Medium, PacketMeta, RxToken, TxToken};
use smoltcp::time::Instant;

use crate::flow::{ETHERNET_HEADER, sequence_numbers};
use crate::loopback::{self, Loop};

/// How a packet comes or goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// In a frame over the card.
    Card,
    /// From this host to itself.
    Loopback,
}

impl Way {
    /// Which of two is for this way.
    pub fn of<T>(self, card: T, loopback: T) -> T {
        match self {
            Self::Card => card,
            Self::Loopback => loopback,
        }
    }
}

/// A card and what is known of it, and the way back to this host.
pub struct Port<D> {
    pub device: D,
    pub loopback: Loop,
    capabilities: DeviceCapabilities,
    /// Where a frame goes that the card did not take after all.
    scratch: Vec<u8>,
    pub sent: Sent,
}

/// What was sent since somebody looked.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sent {
    /// The card had no room for a frame.
    pub refused: bool,
    /// Somebody wanted to send, and nothing went to a single host: its neighbor is being asked for, or there is no
    /// way to it.
    pub unresolved: bool,
    /// A frame went to a single host.
    pub delivered: bool,
    /// Sequence and acknowledgement number of the last TCP segment.
    pub numbers: Option<(u32, u32)>,
}

impl<D: NetDevice> Port<D> {
    /// Wraps a card.
    pub fn new(device: D) -> Self {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = device.mtu() + ETHERNET_HEADER;
        let checksums = device.checksums();
        let transport = match (checksums.receive, checksums.transmit) {
            (false, false) => Checksum::Both,
            (true, false) => Checksum::Tx,
            (false, true) => Checksum::Rx,
            (true, true) => Checksum::None,
        };
        capabilities.checksum.tcp = transport;
        capabilities.checksum.udp = transport;
        // The protocols drop long segments over IPv6.
        capabilities.segmentation.tcpv4 =
            NonZeroUsize::new(device.longest_segments()).filter(|_| checksums.transmit);
        let scratch = vec![0; capabilities.max_transmission_unit];
        Self { device, loopback: Loop::default(), capabilities, scratch, sent: Sent::default() }
    }

    /// The port with a frame to be received.
    pub fn with<'a>(&'a mut self, way: Way, frame: &'a [u8]) -> Exchange<'a, D> {
        Exchange { port: self, way, frame: Some(frame) }
    }

    /// The port for sending alone.
    pub fn sending(&mut self, way: Way) -> Exchange<'_, D> {
        Exchange { port: self, way, frame: None }
    }

    /// What was sent since the last call.
    pub fn take_sent(&mut self) -> Sent {
        core::mem::take(&mut self.sent)
    }

    /// Whether there is room to send, which is noted where there is none.
    fn has_room(&mut self, way: Way) -> bool {
        let has_room = match way {
            Way::Card => self.device.can_transmit(),
            Way::Loopback => !self.loopback.is_full(),
        };
        self.sent.refused |= !has_room;
        has_room
    }

    /// Sends a frame that `fill` writes; it is lost when the card has no room. With `segment` the card makes several of it,
    /// of so many bytes of payload.
    pub fn send<R>(
        &mut self,
        length: usize,
        segment: Option<NonZeroU16>,
        fill: impl FnOnce(&mut [u8]) -> R,
    ) -> R {
        let (sent, mut fill, mut result) = (&mut self.sent, Some(fill), None);
        let mut write = |frame: &mut [u8]| {
            if let Some(fill) = fill.take() {
                result = Some(fill(frame));
                let is_unicast = frame[0] & 1 == 0;
                sent.unresolved &= !is_unicast;
                sent.delivered |= is_unicast;
                sent.numbers = sequence_numbers(frame).or(sent.numbers);
            }
        };
        let taken = match segment {
            Some(segment) => self.device.transmit_segments(length, segment, &mut write),
            None => self.device.transmit(length, &mut write),
        };
        if taken.is_err() {
            self.scratch.resize(length.max(self.scratch.len()), 0);
            write(&mut self.scratch[..length]);
            self.sent.refused = true;
        }
        // Written to the card's memory or to `scratch`.
        result.expect("the frame was written")
    }
}

/// A [`Port`] for the time of one call into the protocols.
pub struct Exchange<'a, D> {
    port: &'a mut Port<D>,
    way: Way,
    frame: Option<&'a [u8]>,
}

impl<D: NetDevice> Device for Exchange<'_, D> {
    type RxToken<'b>
        = Incoming<'b>
    where
        Self: 'b;
    type TxToken<'b>
        = Outgoing<'b, D>
    where
        Self: 'b;

    fn receive(&mut self, _: Instant) -> Option<(Incoming<'_>, Outgoing<'_, D>)> {
        let frame = self.frame.take()?;
        Some((Incoming(frame), Outgoing { port: self.port, way: self.way, segment: None }))
    }

    fn transmit(&mut self, _: Instant) -> Option<Outgoing<'_, D>> {
        if !self.port.has_room(self.way) {
            return None;
        }
        self.port.sent.unresolved = self.way == Way::Card;
        Some(Outgoing { port: self.port, way: self.way, segment: None })
    }

    fn capabilities(&self) -> DeviceCapabilities {
        match self.way {
            Way::Card => self.port.capabilities.clone(),
            Way::Loopback => loopback::capabilities(),
        }
    }
}

/// The lent frame.
pub struct Incoming<'a>(&'a [u8]);

impl RxToken for Incoming<'_> {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, read: F) -> R {
        read(self.0)
    }
}

/// The right to send one frame.
pub struct Outgoing<'a, D> {
    port: &'a mut Port<D>,
    way: Way,
    /// Bytes of payload of each packet that the card makes of this one.
    segment: Option<NonZeroU16>,
}

impl<D: NetDevice> TxToken for Outgoing<'_, D> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, fill: F) -> R {
        match self.way {
            Way::Card => self.port.send(length, self.segment, fill),
            Way::Loopback => self.port.loopback.send(length, fill),
        }
    }

    fn set_meta(&mut self, meta: PacketMeta) {
        self.segment = meta.segmentation_offload_size;
    }
}
