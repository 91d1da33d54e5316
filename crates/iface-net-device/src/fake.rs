//! Two cards joined by a wire, which can lose, damage, repeat, delay and reorder frames.

use alloc::{collections::VecDeque, rc::Rc, vec, vec::Vec};
use core::cell::{Cell, RefCell};
use core::num::NonZeroU16;

use iface_clock::{Clock, Duration, Instant};
use iface_events::fake::FakeEvents;

use crate::{Checksums, NetDevice, Source, TransmitError};

/// Length of an Ethernet header, in bytes.
const HEADER: usize = 14;

/// What a wire is like.
#[derive(Clone, Copy, Debug)]
pub struct WireConfig {
    /// The cards' longest network-layer packet, in bytes.
    pub mtu: usize,
    /// Frames that fit into a card's receive queue; further ones are lost, as on a card without buffers.
    pub receive_slots: usize,
    /// Frames that a card takes before the next flush, and refuses above as [`TransmitError::Full`].
    pub transmit_slots: usize,
    /// How long a frame is on its way.
    pub latency: Duration,
    /// Frames lost of each 1000, at random.
    pub loss_per_mille: u32,
    /// Frames with one bit turned over of each 1000, at random.
    pub corruption_per_mille: u32,
    /// Frames that arrive twice of each 1000, at random.
    pub duplication_per_mille: u32,
    /// Frames that overtake up to eight others of each 1000, at random, as far as so many are on their way.
    pub overtaking_per_mille: u32,
    /// What the cards say of checksums; they compute none.
    pub checksums: Checksums,
    /// What the cards say of [`longest_segments`](NetDevice::longest_segments).
    pub longest_segments: usize,
    /// Where the random numbers begin: the same seed gives the same faults.
    pub seed: u64,
}

impl Default for WireConfig {
    /// A wire without faults and delay between cards of 256 slots and 1500 bytes.
    fn default() -> Self {
        Self {
            mtu: 1500,
            receive_slots: 256,
            transmit_slots: 256,
            latency: Duration::ZERO,
            loss_per_mille: 0,
            corruption_per_mille: 0,
            duplication_per_mille: 0,
            overtaking_per_mille: 0,
            checksums: Checksums::default(),
            longest_segments: 0,
            seed: 1,
        }
    }
}

/// One of the two cards at a wire.
pub struct FakeDevice {
    wire: Rc<Wire>,
    side: usize,
    /// Frames that wait for the next flush.
    queue: Vec<Vec<u8>>,
}

/// Joins two new cards, which fire as `Source(0)` and `Source(1)` of `events`. Their addresses are
/// `02:00:00:00:00:01` and `02:00:00:00:00:02`.
pub fn wire(events: &'static FakeEvents, config: WireConfig) -> (FakeDevice, FakeDevice) {
    let wire = Rc::new(Wire {
        events,
        config: Cell::new(config),
        random: Cell::new(config.seed),
        ends: Default::default(),
        counters: Cell::default(),
    });
    let device = |side| FakeDevice { wire: Rc::clone(&wire), side, queue: Vec::new() };
    (device(0), device(1))
}

/// What became of the frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Put on the wire.
    pub sent: u64,
    /// Lost at random.
    pub lost: u64,
    /// Damaged.
    pub corrupted: u64,
    /// Delivered a second time.
    pub duplicated: u64,
    /// Arrived before a frame that was sent earlier.
    pub overtaking: u64,
    /// Lost because the receiver had no slot free.
    pub overrun: u64,
    /// Sent by cards as segments of a longer one.
    pub segments: u64,
}

/// A hand on a wire, to look at it and to change it while the cards are in use.
#[derive(Clone)]
pub struct WireHandle(Rc<Wire>);

impl WireHandle {
    /// What became of the frames up to now.
    pub fn counters(&self) -> Counters {
        self.0.counters.get()
    }

    /// Changes what the wire is like, for frames sent from now on.
    pub fn configure(&self, change: impl FnOnce(&mut WireConfig)) {
        let mut config = self.0.config.get();
        change(&mut config);
        self.0.config.set(config);
    }
}

struct Wire {
    events: &'static FakeEvents,
    config: Cell<WireConfig>,
    random: Cell<u64>,
    ends: [End; 2],
    counters: Cell<Counters>,
}

/// Where frames arrive for one card.
#[derive(Default)]
struct End {
    arriving: RefCell<VecDeque<(Instant, Vec<u8>)>>,
    armed: Cell<bool>,
    /// The card refused a frame, and owes its owner an event.
    blocked: Cell<bool>,
}

impl Wire {
    /// Carries `frame` to `side` once or twice, or loses it.
    fn carry(&self, side: usize, mut frame: Vec<u8>) {
        let config = self.config.get();
        self.count(|counters| counters.sent += 1);
        if self.happens(config.loss_per_mille) {
            return self.count(|counters| counters.lost += 1);
        }
        if !frame.is_empty() && self.happens(config.corruption_per_mille) {
            self.corrupt(&mut frame);
        }
        if self.happens(config.duplication_per_mille) {
            self.count(|counters| counters.duplicated += 1);
            self.put(side, frame.clone());
        }
        self.put(side, frame);
    }

    /// Puts `frame` among those that arrive at `side`, mostly as the last.
    fn put(&self, side: usize, frame: Vec<u8>) {
        let (config, end) = (self.config.get(), &self.ends[side]);
        let mut arriving = end.arriving.borrow_mut();
        if arriving.len() >= config.receive_slots {
            return self.count(|counters| counters.overrun += 1);
        }
        let mut arrival = self.events.clock().now() + config.latency;
        let mut place = arriving.len();
        if place > 0 && self.happens(config.overtaking_per_mille) {
            place -= 1 + (self.next_random() % place.min(8) as u64) as usize;
            arrival = arriving[place].0;
            self.count(|counters| counters.overtaking += 1);
        }
        arriving.insert(place, (arrival, frame));
        if end.armed.get() {
            self.events.fire_at(source_of(side), arrival);
        }
    }

    fn corrupt(&self, frame: &mut [u8]) {
        let bits = frame.len() as u64 * 8;
        let bit = (self.next_random() % bits) as usize;
        frame[bit / 8] ^= 1 << (bit % 8);
        self.count(|counters| counters.corrupted += 1);
    }

    fn happens(&self, per_mille: u32) -> bool {
        self.next_random() % 1000 < u64::from(per_mille)
    }

    fn count(&self, change: impl FnOnce(&mut Counters)) {
        let mut counters = self.counters.get();
        change(&mut counters);
        self.counters.set(counters);
    }

    /// SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014).
    fn next_random(&self) -> u64 {
        let state = self.random.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
        self.random.set(state);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

const fn source_of(side: usize) -> Source {
    Source(side as u32)
}

impl FakeDevice {
    /// A hand on the wire that the card is at.
    pub fn wire(&self) -> WireHandle {
        WireHandle(Rc::clone(&self.wire))
    }

    fn end(&self) -> &End {
        &self.wire.ends[self.side]
    }

    /// When the next frame arrives or arrived.
    fn next_arrival(&self) -> Option<Instant> {
        self.end().arriving.borrow().front().map(|(arrival, _)| *arrival)
    }
}

impl NetDevice for FakeDevice {
    type Frame = Vec<u8>;

    fn mac_address(&self) -> [u8; 6] {
        [2, 0, 0, 0, 0, self.side as u8 + 1]
    }

    fn mtu(&self) -> usize {
        self.wire.config.get().mtu
    }

    fn checksums(&self) -> Checksums {
        self.wire.config.get().checksums
    }

    fn source(&self) -> Source {
        source_of(self.side)
    }

    fn acknowledge(&mut self) {}

    fn receive(&mut self) -> Option<Vec<u8>> {
        let now = self.wire.events.clock().now();
        self.next_arrival().filter(|arrival| *arrival <= now)?;
        self.end().arriving.borrow_mut().pop_front().map(|(_, frame)| frame)
    }

    fn recycle(&mut self, _frame: Vec<u8>) {}

    fn can_transmit(&mut self) -> bool {
        let free = self.queue.len() < self.wire.config.get().transmit_slots;
        if !free {
            self.end().blocked.set(true);
        }
        free
    }

    fn transmit<R>(&mut self, length: usize, fill: impl FnOnce(&mut [u8]) -> R) -> Result<R, TransmitError> {
        if length > HEADER + self.mtu() {
            return Err(TransmitError::TooLong);
        }
        if !self.can_transmit() {
            return Err(TransmitError::Full);
        }
        // Not zero: what `fill` leaves out is seen by the receiver's tests.
        let mut frame = vec![0xa5; length];
        let result = fill(&mut frame);
        self.queue.push(frame);
        Ok(result)
    }

    fn longest_segments(&self) -> usize {
        self.wire.config.get().longest_segments
    }

    fn transmit_segments<R>(
        &mut self,
        length: usize,
        segment: NonZeroU16,
        fill: impl FnOnce(&mut [u8]) -> R,
    ) -> Result<R, TransmitError> {
        if length > self.longest_segments() {
            return Err(TransmitError::TooLong);
        }
        if !self.can_transmit() {
            return Err(TransmitError::Full);
        }
        let mut frame = vec![0xa5; length];
        let result = fill(&mut frame);
        let frames = cut(&frame, segment.get().into());
        self.wire.count(|counters| counters.segments += frames.len() as u64);
        self.queue.extend(frames);
        Ok(result)
    }

    fn flush(&mut self) {
        for frame in core::mem::take(&mut self.queue) {
            self.wire.carry(1 - self.side, frame);
        }
        if self.end().blocked.take() {
            self.wire.events.fire(self.source());
        }
    }

    fn arm(&mut self) -> bool {
        self.end().armed.set(true);
        let Some(arrival) = self.next_arrival() else { return true };
        if arrival <= self.wire.events.clock().now() {
            return false;
        }
        self.wire.events.fire_at(self.source(), arrival);
        true
    }

    fn disarm(&mut self) {
        self.end().armed.set(false);
    }
}

/// The frames that one of TCP over IPv4 stands for, with at most `segment` bytes of its payload each, as hardware makes them:
/// lengths, sequence numbers and the header's checksum are each frame's own, PSH and FIN the last one's. A frame of other
/// protocols, or longer than the headers say, is no good: a test has found a fault then.
fn cut(frame: &[u8], segment: usize) -> Vec<Vec<u8>> {
    const IP: usize = HEADER;
    const TCP: usize = IP + 20;
    const PUSH_AND_FIN: u8 = 0x09;
    assert_eq!((&frame[12..15], frame[IP + 9]), (&[8, 0, 0x45][..], 6), "TCP over IPv4");
    assert_eq!(usize::from(u16::from_be_bytes([frame[IP + 2], frame[IP + 3]])), frame.len() - IP);
    let payload = TCP + usize::from(frame[TCP + 12] >> 4) * 4;
    let (headers, bytes) = frame.split_at(payload);
    let sequence =
        u32::from_be_bytes([headers[TCP + 4], headers[TCP + 5], headers[TCP + 6], headers[TCP + 7]]);
    let last = bytes.len().div_ceil(segment) - 1;
    let cut = |(number, piece): (usize, &[u8])| {
        let mut frame = [headers, piece].concat();
        let length = (frame.len() - IP) as u16;
        frame[IP + 2..IP + 4].copy_from_slice(&length.to_be_bytes());
        let sequence = sequence.wrapping_add((number * segment) as u32);
        frame[TCP + 4..TCP + 8].copy_from_slice(&sequence.to_be_bytes());
        if number != last {
            frame[TCP + 13] &= !PUSH_AND_FIN;
        }
        frame[IP + 10..IP + 12].fill(0);
        let words = frame[IP..TCP].chunks(2).map(|pair| u32::from(pair[0]) << 8 | u32::from(pair[1]));
        let sum: u32 = words.sum();
        let sum = (sum & 0xffff) + (sum >> 16);
        let checksum = !((sum & 0xffff) + (sum >> 16)) as u16;
        frame[IP + 10..IP + 12].copy_from_slice(&checksum.to_be_bytes());
        frame
    };
    bytes.chunks(segment).enumerate().map(cut).collect()
}

#[cfg(test)]
mod tests {
    use alloc::boxed::Box;

    use iface_events::Events;

    use super::*;

    fn joined(config: WireConfig) -> (&'static FakeEvents, FakeDevice, FakeDevice) {
        let events = FakeEvents::new(Box::leak(Box::default()));
        let (left, right) = wire(events, config);
        (events, left, right)
    }

    fn send(device: &mut FakeDevice, byte: u8) -> Result<(), TransmitError> {
        device.transmit(60, |frame| frame.fill(byte))
    }

    #[test]
    fn frames_arrive_in_order_after_the_flush() {
        let (_, mut left, mut right) = joined(WireConfig::default());
        send(&mut left, 1).unwrap();
        send(&mut left, 2).unwrap();
        assert_eq!(right.receive(), None);
        left.flush();
        assert_eq!(right.receive(), Some(vec![1; 60]));
        assert_eq!(right.receive(), Some(vec![2; 60]));
        assert_eq!(right.receive(), None);
    }

    #[test]
    fn an_armed_card_fires_when_the_frame_arrives() {
        let latency = Duration::from_millis(3);
        let (events, mut left, mut right) = joined(WireConfig { latency, ..WireConfig::default() });
        let fired = Rc::new(Cell::new(0));
        let count = Rc::clone(&fired);
        events.subscribe(right.source(), Box::new(move || count.set(count.get() + 1))).unwrap();

        send(&mut left, 1).unwrap();
        left.flush();
        assert!(right.arm(), "the frame is still on its way");
        assert_eq!(right.receive(), None);
        events.wait(None);
        assert_eq!((fired.get(), events.clock().now()), (1, Instant::START + latency));
        assert!(!right.arm(), "a frame is waiting");
        assert!(right.receive().is_some());
        assert!(right.arm());

        right.disarm();
        send(&mut left, 1).unwrap();
        left.flush();
        events.clock().advance(latency);
        assert!(!events.poll());
    }

    #[test]
    fn a_full_card_refuses_and_tells_when_it_has_room() {
        let (events, mut left, _right) = joined(WireConfig { transmit_slots: 1, ..WireConfig::default() });
        assert_eq!(left.transmit(14 + 1501, |_| ()), Err(TransmitError::TooLong));
        send(&mut left, 1).unwrap();
        assert_eq!(send(&mut left, 2), Err(TransmitError::Full));
        assert!(!events.poll());
        left.flush();
        assert!(events.poll());
        assert!(left.can_transmit());
    }

    #[test]
    fn long_segments_are_cut() {
        let config = WireConfig { longest_segments: 65_549, ..WireConfig::default() };
        let (_, mut left, mut right) = joined(config);
        let segment = NonZeroU16::new(1000).unwrap();
        assert_eq!(left.transmit_segments(65_550, segment, |_| ()), Err(TransmitError::TooLong));
        let fill = |frame: &mut [u8]| {
            frame.fill(7);
            frame[12..15].copy_from_slice(&[8, 0, 0x45]);
            frame[16..18].copy_from_slice(&2540_u16.to_be_bytes());
            frame[23] = 6;
            frame[38..42].copy_from_slice(&[0xff, 0xff, 0xff, 0xff]);
            (frame[46], frame[47]) = (0x50, 0x19);
        };
        left.transmit_segments(14 + 40 + 2500, segment, fill).unwrap();
        left.flush();
        let frames: Vec<_> = core::iter::from_fn(|| right.receive()).collect();
        let sequences = [0xffff_ffff_u32, 999, 1999];
        for ((frame, sequence), length) in frames.iter().zip(sequences).zip([1000_u16, 1000, 500]) {
            assert_eq!(frame.len(), 54 + usize::from(length));
            assert_eq!(frame[16..18], (length + 40).to_be_bytes());
            assert_eq!(frame[38..42], sequence.to_be_bytes());
            assert_eq!(frame[47], if length == 500 { 0x19 } else { 0x10 });
        }
        assert_eq!((frames.len(), left.wire().counters().segments), (3, 3));
    }

    #[test]
    fn faults_come_at_about_the_rate_asked_for_and_repeat() {
        let config = WireConfig {
            loss_per_mille: 100,
            corruption_per_mille: 50,
            transmit_slots: 10_000,
            receive_slots: 8_000,
            ..WireConfig::default()
        };
        let run = || {
            let (_, mut left, _right) = joined(config);
            for _ in 0..10_000 {
                send(&mut left, 0).unwrap();
            }
            left.flush();
            left.wire().counters()
        };
        let counters = run();
        assert_eq!(counters, run());
        assert_eq!(counters.sent, 10_000);
        assert!((900..1100).contains(&counters.lost), "{counters:?}");
        assert!((370..530).contains(&counters.corrupted), "{counters:?}");
        assert_eq!(counters.overrun, counters.sent - counters.lost - 8_000);
    }

    #[test]
    fn frames_are_repeated_and_overtake() {
        let config = WireConfig {
            duplication_per_mille: 100,
            overtaking_per_mille: 300,
            latency: Duration::from_millis(1),
            ..WireConfig::default()
        };
        let (events, mut left, mut right) = joined(config);
        for byte in 0..100 {
            send(&mut left, byte).unwrap();
        }
        left.flush();
        events.clock().advance(config.latency);
        let mut bytes: Vec<u8> = core::iter::from_fn(|| right.receive()).map(|frame| frame[0]).collect();
        let counters = left.wire().counters();
        assert_eq!(bytes.len() as u64, 100 + counters.duplicated);
        assert!(counters.duplicated > 0 && counters.overtaking > 10, "{counters:?}");
        assert!(!bytes.is_sorted(), "{bytes:?}");
        bytes.sort_unstable();
        bytes.dedup();
        assert_eq!(bytes, Vec::from_iter(0..100));
    }

    #[test]
    fn damage_is_one_bit() {
        let (_, mut left, mut right) =
            joined(WireConfig { corruption_per_mille: 1000, ..WireConfig::default() });
        send(&mut left, 0).unwrap();
        left.flush();
        let frame = right.receive().unwrap();
        assert_eq!(frame.iter().map(|byte| byte.count_ones()).sum::<u32>(), 1);
    }
}
