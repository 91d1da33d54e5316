//! Two stacks that talk while somebody between them turns bits over, cuts, repeats, loses and invents frames.
//!
//! The frames that go astray come from real conversations, so that they reach every state of a connection. Checksums
//! are off on the cards, and the IPv4 header's is mended after most mutations: otherwise hardly any would get past it.

use std::vec::Vec;

use iface_net_device::fake::{FakeDevice, WireConfig, wire};
use iface_net_device::{Checksums, NetDevice};
use iface_net_stack::{Duration, NetStack, Readiness, Socket, SocketAddr};

use super::world::{TestHandle, World};
use crate::stack::Handle;
use crate::{Config, time_wait};

/// Frames that are not what the other stack sent.
const FRAMES: u32 = 1_000_000;

const LEFT: Config = Config { sockets: 48, backlog: 8, ack_delay_ms: 5, linger_s: 3, ..Config::TEST };
const RIGHT: Config = Config { dhcp: true, dns: &["10.0.0.1"], ..LEFT };

#[test]
fn nothing_that_comes_from_the_wire_breaks_the_stack() {
    let mut storm = Storm::new(20_260_101);
    while storm.astray < FRAMES {
        storm.gust();
    }
    storm.calm();
}

/// SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014).
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    pub fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }
}

struct Storm {
    world: &'static World,
    random: Random,
    stacks: [TestHandle; 2],
    /// The hands between the two wires, each at the far end of a stack's.
    hands: [FakeDevice; 2],
    listeners: [Socket; 2],
    open: [Vec<Socket>; 2],
    /// Frames that did not come from a stack as they are.
    astray: u32,
    /// Accepted connections, as a sign that the stacks do talk.
    accepted: u32,
    seen: Vec<Vec<u8>>,
}

impl Storm {
    fn new(seed: u64) -> Self {
        let world = World::new();
        let quality = WireConfig {
            checksums: Checksums { receive: true, transmit: true },
            longest_segments: 65_549,
            receive_slots: 4096,
            ..WireConfig::default()
        };
        // The second wire is the other way round, so that the stacks' cards have different addresses and sources.
        let (left, hand_left) = wire(world.events, quality);
        let (hand_right, right) = wire(world.events, quality);
        let left = Handle(world.stack(&LEFT, "ip=10.0.0.1/24 ip=fd00::1/64", left));
        let right = Handle(world.stack(&RIGHT, "ip=10.0.0.2/24 ip=fd00::2/64", right));
        let stacks = [left, right];
        let listeners = stacks.map(|stack| stack.tcp_listen(any(80), 8).expect("port 80 is free"));
        let open = stacks.map(|stack| Vec::from([stack.udp_bind(any(53).into()).expect("port 53 is free")]));
        let (random, hands) = (Random(seed), [hand_left, hand_right]);
        Self { world, random, stacks, hands, listeners, open, astray: 0, accepted: 0, seen: Vec::new() }
    }

    /// Something happens at both ends and between them.
    fn gust(&mut self) {
        for side in 0..2 {
            self.act(side);
        }
        self.world.step();
        for side in 0..2 {
            self.pass(side);
            for _ in 0..self.random.below(12) {
                self.invent(side);
            }
            self.hands[side].flush();
        }
        self.check();
    }

    /// Carries the frames that stack `side` sent to the other, not always as they are.
    fn pass(&mut self, side: usize) {
        while let Some(frame) = self.hands[side].receive() {
            if self.seen.len() < 64 {
                self.seen.push(frame.clone());
            } else {
                let place = self.random.below(64);
                self.seen[place] = frame.clone();
            }
            match self.random.below(8) {
                0 => self.astray += 1,
                1 => {
                    self.put(1 - side, &frame);
                    self.put(1 - side, &frame);
                    self.astray += 1;
                }
                2 | 3 => {
                    let frame = self.mutate(frame);
                    self.put(1 - side, &frame);
                    self.astray += 1;
                }
                _ => self.put(1 - side, &frame),
            }
        }
        self.hands[1 - side].flush();
    }

    fn put(&mut self, side: usize, frame: &[u8]) {
        let hand = &mut self.hands[side];
        if hand.transmit(frame.len(), |bytes| bytes.copy_from_slice(frame)).is_err() {
            hand.flush();
        }
    }

    /// A frame out of nothing, or an old one again.
    fn invent(&mut self, side: usize) {
        let frame = match self.random.below(4) {
            0 => self.noise(side),
            1 => advertisement(&mut self.random),
            _ if self.seen.is_empty() => self.noise(side),
            _ => {
                let place = self.random.below(self.seen.len());
                let old = self.seen[place].clone();
                self.mutate(old)
            }
        };
        self.put(side, &frame);
        self.astray += 1;
    }

    /// Random bytes behind a header that gets them looked at.
    fn noise(&mut self, side: usize) -> Vec<u8> {
        let length = self.random.below(200);
        let mut frame: Vec<u8> = (0..length).map(|_| self.random.next() as u8).collect();
        let mac = self.stacks[side].0.engine.borrow().port.device.mac_address();
        let kind = [[8, 0], [8, 6], [0x86, 0xdd]][self.random.below(3)];
        let starts = [if kind == [8, 0] { 0x45 } else { 0x60 }];
        for (at, bytes) in [(0, &mac[..]), (12, &kind), (14, &starts)] {
            if let Some(place) = frame.get_mut(at..at + bytes.len()) {
                place.copy_from_slice(bytes);
            }
        }
        mend(&mut frame);
        frame
    }

    fn mutate(&mut self, mut frame: Vec<u8>) -> Vec<u8> {
        for _ in 0..=self.random.below(4) {
            if frame.is_empty() {
                return frame;
            }
            // Headers are at the front; most of the changes go there.
            let reach = if self.random.one_in(4) { frame.len() } else { frame.len().min(70) };
            let at = self.random.below(reach);
            match self.random.below(6) {
                0 => frame[at] = self.random.next() as u8,
                1 => frame[at] = [0, 1, 0x7f, 0x80, 0xff][self.random.below(5)],
                2 => frame[at] ^= 1 << self.random.below(8),
                3 => frame[at] = frame[at].wrapping_add(1),
                4 if self.random.one_in(4) => frame.truncate(at),
                5 if self.random.one_in(4) => frame.insert(at, 0),
                _ => {}
            }
        }
        if !self.random.one_in(4) {
            mend(&mut frame);
        }
        frame
    }

    /// The application of stack `side` does something.
    fn act(&mut self, side: usize) {
        let stack = self.stacks[side];
        if let Ok((socket, _)) = stack.tcp_accept(self.listeners[side]) {
            self.open[side].push(socket);
            self.accepted += 1;
        }
        if self.open[side].len() < 24 {
            let remote = [["10.0.0.2:80", "[fd00::2]:80"], ["10.0.0.1:80", "[fd00::1]:80"]][side];
            let remote = remote[self.random.below(2)].parse().expect("an address");
            self.open[side].extend(stack.tcp_connect(remote));
        }
        let place = self.random.below(self.open[side].len());
        let socket = self.open[side][place];
        let mut bytes = [7; 3000];
        let length = self.random.below(bytes.len());
        let over = match self.random.below(10) {
            0..4 => stack.recv(socket, &mut bytes[..length]).is_ok_and(|got| got == 0 && length > 0),
            4..7 => stack.send(socket, &bytes[..length]).is_err() && self.random.one_in(8),
            7 => {
                let peer = ["10.0.0.2:53", "[fd00::1]:53"][self.random.below(2)].parse().expect("an address");
                let sent = stack.send_to(self.open[side][0], &bytes[..length.min(900)], peer);
                let _ = (sent, stack.recv_from(self.open[side][0], &mut bytes));
                false
            }
            8 => stack.shutdown(socket).is_err(),
            _ => true,
        };
        if over && place > 0 {
            self.open[side].swap_remove(place);
            if self.random.one_in(3) { stack.abort(socket) } else { stack.close(socket) }
        }
    }

    /// What is kept for peers stays within its bounds.
    fn check(&self) {
        for stack in self.stacks {
            let engine = stack.0.engine.borrow();
            assert!(engine.table.len() <= LEFT.sockets as usize);
            assert!(engine.time_wait.len() <= time_wait::CAPACITY);
            assert!(engine.waiting() <= 3 * LEFT.sockets as usize + 3);
        }
    }

    /// The wire is well again: what peers left behind goes, and the stacks talk.
    fn calm(mut self) {
        assert!(self.accepted > FRAMES / 5000, "{} connections in the storm", self.accepted);
        let carried = self.hands.each_ref().map(|hand| hand.wire().counters());
        assert!(carried.iter().map(|wire| wire.sent - wire.overrun).sum::<u64>() > u64::from(FRAMES));
        for side in 0..2 {
            for socket in core::mem::take(&mut self.open[side]) {
                self.stacks[side].close(socket);
            }
        }
        for _ in 0..400 {
            self.carry();
            self.world.run_for(Duration::from_secs(1));
            for (stack, listener) in self.stacks.into_iter().zip(self.listeners) {
                // Whose handshake ended in the calm.
                while let Ok((late, _)) = stack.tcp_accept(listener) {
                    stack.close(late);
                }
            }
        }
        for stack in self.stacks {
            let kept = stack.0.engine.borrow().table.len();
            assert_eq!(kept, 1, "nothing but the listener is left");
        }
        let client = self.stacks[1].tcp_connect("10.0.0.1:80".parse().unwrap()).expect("there is a place");
        for _ in 0..100 {
            self.carry();
            self.world.step();
        }
        assert!(self.stacks[1].readiness(client).and(Readiness::WRITABLE) == Readiness::WRITABLE);
        assert!(self.stacks[0].tcp_accept(self.listeners[0]).is_ok());
    }

    /// Carries every frame as it is.
    fn carry(&mut self) {
        for side in 0..2 {
            while let Some(frame) = self.hands[side].receive() {
                self.put(1 - side, &frame);
            }
            self.hands[1 - side].flush();
        }
    }
}

fn any(port: u16) -> SocketAddr {
    ([0; 4], port).into()
}

/// Makes an IPv4 header's checksum right.
fn mend(frame: &mut [u8]) {
    if frame.len() < 34 || frame[12..14] != [8, 0] {
        return;
    }
    let end = 14 + usize::from(frame[14] & 15) * 4;
    let Some(header) = frame.get_mut(14..end).filter(|header| header.len() >= 20) else { return };
    header[10..12].fill(0);
    let sum = internet_checksum(header);
    header[10..12].copy_from_slice(&sum);
}

/// A router advertisement that may make no sense.
fn advertisement(random: &mut Random) -> Vec<u8> {
    let prefix = [[0xff, 2], [0xfd, 0], [0, 0], [0x20, 1]][random.below(4)];
    let bits = [64, 64, 64, 0, 129, 255, 128][random.below(7)];
    let (valid, router) = (random.below(300) as u16, random.below(300) as u16);
    advertisement_of(prefix, bits, 0xc0, valid, router, random.below(6) as u8)
}

/// A router advertisement (RFC 4861, section 4.2) from `fe80::<host>`, with times in seconds.
pub fn advertisement_of(prefix: [u8; 2], bits: u8, flags: u8, valid: u16, router: u16, host: u8) -> Vec<u8> {
    let mut message = Vec::from([134, 0, 0, 0, 64, 0]);
    message.extend(router.to_be_bytes());
    message.extend([0; 8]);
    message.extend([3, 4, bits, flags, 0, 0]);
    message.extend(valid.to_be_bytes());
    message.extend([0; 8]);
    message.extend(prefix);
    message.extend([0; 14]);
    let source = [0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, host];
    let group = [0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
    let pseudo = [&source[..], &group, &[0, 0, 0, message.len() as u8, 0, 0, 0, 58], &message].concat();
    message[2..4].copy_from_slice(&internet_checksum(&pseudo));
    let mut frame = Vec::from([0x33, 0x33, 0, 0, 0, 1, 2, 0, 0, 0, 0, 9, 0x86, 0xdd, 0x60, 0, 0, 0]);
    frame.extend([0, message.len() as u8, 58, 255]);
    frame.extend(source);
    frame.extend(group);
    frame.extend(message);
    frame
}

/// RFC 1071.
fn internet_checksum(bytes: &[u8]) -> [u8; 2] {
    let sum: u32 = bytes.chunks(2).map(|pair| u32::from(pair[0]) << 8 | u32::from(pair[1])).sum();
    let sum = (sum & 0xffff) + (sum >> 16);
    (!((sum & 0xffff) + (sum >> 16)) as u16).to_be_bytes()
}
