//! The card: two rings and what was agreed with the device.

use core::num::NonZeroU16;

use iface_net_device::{Checksums, NetDevice, Source, TransmitError};
use iface_virtio_bus::Device;
use transport_checksum as checksum;
use virtio_drivers::{Hal, transport::Transport};
use virtio_ring::{Access, Buffer, EVENT_IDX, Outgoing, Ring, Used, VERSION_1, negotiate};

use crate::{InitError, header};

/// Features (VIRTIO 1.2, section 5.1.3).
const CHECKSUM: u64 = 1 << 0;
const GUEST_CHECKSUM: u64 = 1 << 1;
const MTU: u64 = 1 << 3;
const MAC: u64 = 1 << 5;
/// `VIRTIO_NET_F_HOST_TSO4`: the device cuts TCP segments over IPv4.
const SEGMENTATION: u64 = 1 << 11;
/// `VIRTIO_F_ANY_LAYOUT`, of legacy devices alone (section 6.3): a header and its frame may share a descriptor.
const ANY_LAYOUT: u64 = 1 << 27;

/// Offsets in the device's configuration space (section 5.1.4).
const CONFIG_MAC: usize = 0;
const CONFIG_MTU: usize = 10;

/// `receiveq1` and `transmitq1` (section 5.1.2).
const RECEIVE_QUEUE: u16 = 0;
const TRANSMIT_QUEUE: u16 = 1;

const ETHERNET_HEADER: usize = 14;
/// The longest packet of ordinary Ethernet, in bytes (IEEE 802.3, clause 3.2.7).
const ETHERNET_MTU: usize = 1500;
/// The longest frame of IPv4, whose packets tell their length in 16 bits (RFC 791, section 3.1).
const LONGEST_FRAME: usize = ETHERNET_HEADER + 65_535;
/// Transmit buffers are no longer than this, however much memory there is; 128 of them hold 15 of the longest segments. It is
/// an odd number of cache lines, so that not all of them begin in one set of the processor's cache.
const LONGEST_TRANSMIT_BUFFER: usize = 127 * 64;
/// How many of the longest segments the transmit buffers hold at least, so that the device has one while the next is written.
const SEGMENTS_AT_ONCE: usize = 3;

/// A received frame, in the buffer that the device wrote.
#[derive(Debug)]
pub struct Frame {
    buffer: Buffer,
    start: u16,
    end: u16,
}

impl AsRef<[u8]> for Frame {
    #[inline]
    fn as_ref(&self) -> &[u8] {
        &self.buffer.as_ref()[usize::from(self.start)..usize::from(self.end)]
    }
}

impl AsMut<[u8]> for Frame {
    #[inline]
    fn as_mut(&mut self) -> &mut [u8] {
        &mut self.buffer.as_mut()[usize::from(self.start)..usize::from(self.end)]
    }
}

/// A virtio network card with `SIZE` buffers in each direction.
pub struct Card<H, T, const SIZE: usize> {
    transport: T,
    source: Source,
    receive: Ring<H, SIZE>,
    transmit: Outgoing<H, SIZE>,
    header_length: usize,
    mac_address: [u8; 6],
    mtu: usize,
    /// The longest frame with a segment that the device cuts; 0: it cuts none.
    longest_segments: usize,
    checksums: Checksums,
    dropped: u64,
    /// How many faults there are when they are told of next.
    report_at: u64,
    was_armed: bool,
}

impl<H: Hal, T: Transport, const SIZE: usize> Card<H, T, SIZE> {
    /// Sets up the device, with receive buffers of `receive_buffer_size` bytes, and transmit buffers that take about
    /// `transmit_memory` bytes together, though each has room for the longest packet.
    pub(crate) fn new(
        device: Device<T>,
        receive_buffer_size: usize,
        transmit_memory: usize,
    ) -> Result<Self, InitError> {
        let Device { mut transport, source } = device;
        let features = negotiate_features(&mut transport, receive_buffer_size)?;
        let mac_address = mac_address(&transport).ok_or(InitError::NoAddress)?;
        let is_modern = features & VERSION_1 != 0;
        let header_length = if is_modern { header::LENGTH } else { header::LEGACY_LENGTH };
        let mtu = if features & MTU != 0 { offered_mtu(&transport) } else { None };
        let mtu = mtu.unwrap_or(ETHERNET_MTU);
        let share = (transmit_memory / SIZE).min(LONGEST_TRANSMIT_BUFFER);
        let transmit_length = if features & SEGMENTATION != 0 { share } else { 0 };
        let transmit_length = transmit_length.max(header_length + ETHERNET_HEADER + mtu);
        let event_index = features & EVENT_IDX != 0;
        let receive_length = receive_buffer_size as u32;
        let receive = Ring::new(&mut transport, RECEIVE_QUEUE, Access::Writes, receive_length, event_index)?;
        let transmit = Outgoing::new(&mut transport, TRANSMIT_QUEUE, transmit_length, event_index)?;
        transport.finish_init();
        let longest = (transmit.capacity() / SEGMENTS_AT_ONCE - header_length).min(LONGEST_FRAME);
        let longest_segments = if features & SEGMENTATION != 0 { longest } else { 0 };
        let checksums =
            Checksums { receive: features & GUEST_CHECKSUM != 0, transmit: features & CHECKSUM != 0 };
        let mut card = Self {
            transport,
            source,
            receive,
            transmit,
            header_length,
            mac_address,
            mtu,
            longest_segments,
            checksums,
            dropped: 0,
            report_at: 1,
            was_armed: false,
        };
        card.offer_all();
        Ok(card)
    }

    /// Received frames that were dropped: their length was impossible or their checksum wrong.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// How often the device returned what it did not have, or jumped with an index.
    pub fn faults(&self) -> u64 {
        self.receive.faults() + self.transmit.faults()
    }

    /// Tells of faults, each time that there are twice as many: neither a peer nor a device can fill the log.
    fn report_faults(&mut self) {
        let count = self.dropped + self.faults();
        if count >= self.report_at {
            self.report_at = count.saturating_mul(2);
            log::warn!(
                "virtio-net: {} received frames dropped for their length or checksum, {} answers of the device that \
                 can't be",
                self.dropped,
                self.faults()
            );
        }
    }

    /// Gives every receive buffer to the device.
    fn offer_all(&mut self) {
        while let Some(buffer) = self.receive.take_free() {
            self.offer(buffer);
        }
        self.receive.kick(&mut self.transport);
    }

    /// Gives a receive buffer to the device.
    #[inline]
    fn offer(&mut self, buffer: Buffer) {
        self.receive.offer(buffer, u32::MAX);
    }

    /// The frame in a buffer that the device returned, or the buffer where it holds none.
    #[inline]
    fn accept(&self, Used { buffer, length }: Used) -> Result<Frame, Buffer> {
        let (start, end) = (self.header_length, length as usize);
        let written = buffer.as_ref().get(..end).and_then(|bytes| bytes.split_at_checked(start));
        match written {
            Some((header, frame)) if frame.len() >= ETHERNET_HEADER && self.is_intact(header, frame) => {
                // Both fit: `end` is at most the buffer's length, which is one of 16 bits.
                Ok(Frame { buffer, start: start as u16, end: end as u16 })
            }
            _ => Err(buffer),
        }
    }

    /// Whether the frame's checksum is right, where that is ours to say.
    #[inline]
    fn is_intact(&self, header: &[u8], frame: &[u8]) -> bool {
        !self.checksums.receive || header::is_vouched_for(header) || checksum::is_right(frame)
    }

    /// Whether there is room for a frame of `length` bytes. Without it the device is asked to fire when there is some.
    #[inline]
    fn has_room(&mut self, length: usize) -> bool {
        let length = self.header_length + length;
        self.transmit.has_room(length) || self.make_room(length)
    }

    /// Collects what the device is done with, and says whether there is room for a message of `length` bytes then.
    fn make_room(&mut self, length: usize) -> bool {
        self.transmit.collect();
        if self.transmit.has_room(length) {
            self.transmit.disarm();
            return true;
        }
        // The device finishes what it knows of alone.
        self.transmit.kick(&mut self.transport);
        if self.transmit.arm() {
            return false;
        }
        self.transmit.collect();
        self.transmit.has_room(length)
    }

    /// The longest frame that can be sent, in bytes.
    #[inline]
    fn longest_frame(&self) -> usize {
        self.longest_segments.max(ETHERNET_HEADER + self.mtu)
    }

    /// Sends a frame that `fill` writes, with a header that `head` writes.
    #[inline]
    fn send<R>(
        &mut self,
        length: usize,
        fill: impl FnOnce(&mut [u8]) -> R,
        head: impl FnOnce(&mut [u8], &mut [u8]),
    ) -> Result<R, TransmitError> {
        if !self.has_room(length) {
            return Err(TransmitError::Full);
        }
        let header_length = self.header_length;
        let write = |message: &mut [u8]| {
            let (header, frame) = message.split_at_mut(header_length);
            let result = fill(frame);
            head(header, frame);
            result
        };
        self.transmit.send(header_length + length, write).ok_or(TransmitError::Full)
    }
}

impl<H: Hal + 'static, T: Transport + 'static, const SIZE: usize> NetDevice for Card<H, T, SIZE> {
    type Frame = Frame;

    fn mac_address(&self) -> [u8; 6] {
        self.mac_address
    }

    fn mtu(&self) -> usize {
        self.mtu
    }

    fn checksums(&self) -> Checksums {
        self.checksums
    }

    fn source(&self) -> Source {
        self.source
    }

    fn acknowledge(&mut self) {
        self.transport.ack_interrupt();
    }

    #[inline]
    fn receive(&mut self) -> Option<Frame> {
        loop {
            let used = self.receive.take_used()?;
            match self.accept(used) {
                Ok(frame) => return Some(frame),
                Err(buffer) => {
                    self.dropped += 1;
                    self.offer(buffer);
                }
            }
        }
    }

    #[inline]
    fn recycle(&mut self, frame: Frame) {
        self.offer(frame.buffer);
    }

    /// Where it says no, the source fires when the answer has changed.
    #[inline]
    fn can_transmit(&mut self) -> bool {
        self.has_room(self.longest_frame())
    }

    #[inline]
    fn transmit<R>(&mut self, length: usize, fill: impl FnOnce(&mut [u8]) -> R) -> Result<R, TransmitError> {
        if length > ETHERNET_HEADER + self.mtu {
            return Err(TransmitError::TooLong);
        }
        let fills_in = self.checksums.transmit;
        self.send(length, fill, |header, frame| {
            header::write(header, if fills_in { checksum::begin(frame) } else { None });
        })
    }

    fn longest_segments(&self) -> usize {
        self.longest_segments
    }

    #[inline]
    fn transmit_segments<R>(
        &mut self,
        length: usize,
        segment: NonZeroU16,
        fill: impl FnOnce(&mut [u8]) -> R,
    ) -> Result<R, TransmitError> {
        if length > self.longest_segments {
            return Err(TransmitError::TooLong);
        }
        self.send(length, fill, |header, frame| match checksum::begin(frame) {
            Some(partial) => header::write_segments(header, partial, segment, frame),
            None => header::write(header, None),
        })
    }

    #[inline]
    fn flush(&mut self) {
        self.transmit.kick(&mut self.transport);
        self.receive.kick(&mut self.transport);
    }

    fn arm(&mut self) -> bool {
        if !core::mem::replace(&mut self.was_armed, true) {
            // A device may interrupt for its first buffer unasked. Where that was before the owner subscribed, the
            // interrupt controller has forgotten it, and sees no other one until the line was low.
            self.transport.ack_interrupt();
        }
        self.report_faults();
        self.receive.kick(&mut self.transport);
        self.receive.arm(0)
    }

    fn disarm(&mut self) {
        self.receive.disarm();
    }
}

/// Agrees on what the driver can. An MTU that does not fit into the receive buffers is not taken: to take it is to
/// promise buffers for it (section 5.1.4.2).
fn negotiate_features(transport: &mut impl Transport, receive_buffer_size: usize) -> Result<u64, InitError> {
    let is_legacy = transport.requires_legacy_layout();
    let mut known = CHECKSUM | GUEST_CHECKSUM | MAC | EVENT_IDX;
    // Segments have checksums of their own, which is why the one needs the other (section 5.1.3.1).
    if transport.read_device_features() & CHECKSUM != 0 {
        known |= SEGMENTATION;
    }
    let fits = |mtu: usize| header::LENGTH + ETHERNET_HEADER + mtu <= receive_buffer_size;
    if transport.read_device_features() & MTU != 0 && offered_mtu(transport).is_some_and(fits) {
        known |= MTU;
    }
    if is_legacy {
        known |= ANY_LAYOUT;
    }
    let features = negotiate(transport, known)?;
    if features & MAC == 0 {
        return Err(InitError::NoAddress);
    }
    if is_legacy && features & ANY_LAYOUT == 0 {
        return Err(InitError::SplitHeaders);
    }
    Ok(features)
}

/// The MTU that the device advises; at least 68 by section 5.1.4.1, which is that of IPv4.
fn offered_mtu(transport: &impl Transport) -> Option<usize> {
    let mtu: u16 = transport.read_config_space(CONFIG_MTU).ok()?;
    (mtu >= 68).then_some(mtu.into())
}

/// The card's address, byte by byte as the field is one of bytes (section 4.1.3.1).
fn mac_address(transport: &impl Transport) -> Option<[u8; 6]> {
    let mut address = [0; 6];
    for (offset, byte) in address.iter_mut().enumerate() {
        *byte = transport.read_config_space(CONFIG_MAC + offset).ok()?;
    }
    Some(address)
}
