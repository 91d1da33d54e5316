#![doc = include_str!("../README.md")]
#![no_std]

const ETHERNET_HEADER: usize = 14;
const TYPE_IPV4: [u8; 2] = [0x08, 0x00];
const TYPE_IPV6: [u8; 2] = [0x86, 0xdd];
const IPV6_HEADER: usize = 40;
const PROTOCOL_TCP: u8 = 6;
const PROTOCOL_UDP: u8 = 17;
/// "More fragments" and the fragment's offset, in the IPv4 header's fourth 16 bits.
const FRAGMENT: u16 = 0x3fff;

/// Where a device fills in a checksum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Partial {
    /// Where the sum begins, in bytes from the beginning of the frame.
    pub start: u16,
    /// Where it is stored, in bytes from `start`.
    pub field: u16,
}

/// A TCP or UDP segment in a frame.
struct Segment {
    start: usize,
    end: usize,
    /// Offset of the checksum in the segment.
    field: usize,
    /// Sum of the pseudo-header.
    pseudo_header: u32,
    /// Whether a checksum of zero means that there is none.
    is_optional: bool,
}

/// Stores the sum of the pseudo-header in the checksum field, from which a device goes on. `None` where the frame is
/// no whole TCP or UDP segment directly over IP.
#[inline]
pub fn begin(frame: &mut [u8]) -> Option<Partial> {
    let Segment { start, field, pseudo_header, .. } = segment(frame)?;
    let stored = frame.get_mut(start + field..)?.first_chunk_mut()?;
    *stored = fold(pseudo_header).to_be_bytes();
    Some(Partial { start: start as u16, field: field as u16 })
}

/// Stores the checksum in the checksum field, whatever that holds. Nothing happens where the frame is no whole TCP or UDP
/// segment directly over IP.
pub fn fill(frame: &mut [u8]) {
    let Some(Segment { start, end, field, pseudo_header, .. }) = segment(frame) else { return };
    let bytes = &mut frame[start..end];
    let Some(stored) = bytes.get_mut(field..field + 2) else { return };
    stored.fill(0);
    let checksum = match !fold(pseudo_header + sum(bytes)) {
        // UDP says by zero that there is none, and this is as good (RFC 768; RFC 8200, section 8.1).
        0 => 0xffff,
        checksum => checksum,
    };
    bytes[field..field + 2].copy_from_slice(&checksum.to_be_bytes());
}

/// Whether the TCP or UDP checksum of a received frame is right. What has none that could be verified passes.
pub fn is_right(frame: &[u8]) -> bool {
    let Some(segment) = segment(frame) else { return true };
    let bytes = &frame[segment.start..segment.end];
    let Some(stored) = bytes.get(segment.field..segment.field + 2) else { return false };
    (segment.is_optional && stored == [0, 0]) || fold(segment.pseudo_header + sum(bytes)) == 0xffff
}

/// The segment in a frame. `None` for other protocols, fragments, and lengths that contradict each other.
#[inline]
fn segment(frame: &[u8]) -> Option<Segment> {
    let packet = frame.get(ETHERNET_HEADER..)?;
    match frame[ETHERNET_HEADER - 2..ETHERNET_HEADER] {
        [high, low] if [high, low] == TYPE_IPV4 => ipv4_segment(packet),
        [high, low] if [high, low] == TYPE_IPV6 => ipv6_segment(packet),
        _ => None,
    }
}

/// RFC 791, section 3.1.
#[inline]
fn ipv4_segment(packet: &[u8]) -> Option<Segment> {
    let header = packet.first_chunk::<20>()?;
    let header_length = usize::from(header[0] & 0xf) * 4;
    let length = usize::from(u16::from_be_bytes([header[2], header[3]]));
    let is_fragment = u16::from_be_bytes([header[6], header[7]]) & FRAGMENT != 0;
    if header[0] >> 4 != 4 || header_length < 20 || is_fragment {
        return None;
    }
    segment_at(packet, header_length..length, header[9], &header[12..20])
}

/// RFC 8200, section 3.
#[inline]
fn ipv6_segment(packet: &[u8]) -> Option<Segment> {
    let header = packet.first_chunk::<IPV6_HEADER>()?;
    let length = usize::from(u16::from_be_bytes([header[4], header[5]]));
    let segment = segment_at(packet, IPV6_HEADER..IPV6_HEADER + length, header[6], &header[8..])?;
    Some(Segment { is_optional: false, ..segment })
}

/// The segment at `range` of a packet, between `addresses`.
#[inline]
fn segment_at(
    packet: &[u8],
    range: core::ops::Range<usize>,
    protocol: u8,
    addresses: &[u8],
) -> Option<Segment> {
    let field = match protocol {
        PROTOCOL_TCP => 16,
        PROTOCOL_UDP => 6,
        _ => return None,
    };
    let length = packet.get(range.clone())?.len();
    Some(Segment {
        start: ETHERNET_HEADER + range.start,
        end: ETHERNET_HEADER + range.end,
        field,
        pseudo_header: sum(addresses) + u32::from(protocol) + length as u32,
        is_optional: protocol == PROTOCOL_UDP,
    })
}

/// The sum of the bytes as 16-bit big-endian numbers, folded to 16 bits: of 64 KiB at most, so that sums of it do not
/// overflow.
#[inline]
fn sum(bytes: &[u8]) -> u32 {
    // The order of bytes does not matter to the sum until the end (RFC 1071, section 2), so they are added as a
    // little-endian processor has them, four at a time.
    let (words, rest) = bytes.as_chunks::<4>();
    let last = rest.iter().rev().fold(0, |word, byte| word << 8 | u32::from(*byte));
    let total = words.iter().fold(u64::from(last), |sum, word| sum + u64::from(u32::from_le_bytes(*word)));
    let total = (total & 0xffff_ffff) + (total >> 32);
    let halves = (total & 0xffff) + (total >> 16 & 0xffff) + (total >> 32);
    u32::from(fold(halves as u32).swap_bytes())
}

/// Adds the carries back in.
#[inline]
fn fold(sum: u32) -> u16 {
    let sum = (sum & 0xffff) + (sum >> 16);
    ((sum & 0xffff) + (sum >> 16)) as u16
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::{vec, vec::Vec};

    use proptest::prelude::*;

    use super::*;

    /// The checksum as RFC 1071, section 4.1, has it.
    fn reference(bytes: &[u8]) -> u16 {
        let pairs =
            bytes.chunks(2).map(|pair| u32::from(pair[0]) << 8 | pair.get(1).map_or(0, |&low| low.into()));
        let mut sum: u32 = pairs.sum();
        while sum >> 16 != 0 {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        sum as u16
    }

    /// A frame with `payload` in a TCP or UDP segment whose checksum is right, and where that is.
    fn frame(is_ipv6: bool, protocol: u8, payload: &[u8]) -> (Vec<u8>, usize) {
        let (header, field) = if protocol == PROTOCOL_TCP { (20, 16) } else { (8, 6) };
        let length = header + payload.len();
        let mut frame = vec![0; 12];
        let mut pseudo = Vec::new();
        if is_ipv6 {
            frame.extend(TYPE_IPV6);
            frame.extend([0x60, 0, 0, 0]);
            frame.extend((length as u16).to_be_bytes());
            frame.extend([protocol, 64]);
            pseudo.extend((1..33).map(|byte| byte * 7));
        } else {
            frame.extend(TYPE_IPV4);
            frame.extend([0x45, 0]);
            frame.extend((20 + length as u16).to_be_bytes());
            frame.extend([0, 0, 0x40, 0, 64, protocol, 0, 0]);
            pseudo.extend([10, 0, 2, 15, 192, 168, 255, 254]);
        }
        frame.extend(&pseudo);
        pseudo.extend([0, protocol]);
        pseudo.extend((length as u16).to_be_bytes());
        let start = frame.len();
        frame.resize(start + header, 0x5a);
        frame[start + field..start + field + 2].fill(0);
        frame.extend(payload);
        pseudo.extend(&frame[start..]);
        let checksum = match !reference(&pseudo) {
            0 => 0xffff,
            checksum => checksum,
        };
        frame[start + field..start + field + 2].copy_from_slice(&checksum.to_be_bytes());
        (frame, start + field)
    }

    #[test]
    fn other_frames_have_none() {
        for frame in [&[][..], &[0; 13], &[0; 14], &[0xff; 60]] {
            assert!(is_right(frame));
            assert_eq!(begin(&mut frame.to_vec()), None);
        }
        let (mut icmp, _) = frame(false, 1, b"ping");
        assert_eq!(begin(&mut icmp), None);
        let (mut fragment, at) = frame(false, PROTOCOL_UDP, b"data");
        fragment[20] |= 0x20;
        fragment[at] ^= 1;
        assert!(is_right(&fragment));
        assert_eq!(begin(&mut fragment), None);
    }

    #[test]
    fn udp_over_ipv4_may_have_none() {
        let (mut without, at) = frame(false, PROTOCOL_UDP, b"data");
        without[at..at + 2].fill(0);
        assert!(is_right(&without));
        let (mut without, at) = frame(true, PROTOCOL_UDP, b"data");
        without[at..at + 2].fill(0);
        assert!(!is_right(&without));
    }

    #[test]
    fn padding_is_no_part_of_the_segment() {
        let (mut padded, _) = frame(false, PROTOCOL_TCP, b"");
        padded.extend([0xaa; 6]);
        assert!(is_right(&padded));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        #[test]
        fn sums_are_those_of_the_specification(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert_eq!(fold(sum(&bytes)), reference(&bytes));
        }

        #[test]
        fn right_ones_pass_and_one_turned_bit_is_found(
            is_ipv6: bool,
            is_tcp: bool,
            payload in prop::collection::vec(any::<u8>(), 0..1460),
            flip: prop::sample::Index,
            bit in 0..8,
        ) {
            let protocol = if is_tcp { PROTOCOL_TCP } else { PROTOCOL_UDP };
            let (mut frame, _) = frame(is_ipv6, protocol, &payload);
            prop_assert!(is_right(&frame));
            let start = segment(&frame).unwrap().start;
            let at = start + flip.index(frame.len() - start);
            frame[at] ^= 1_u8 << bit;
            prop_assert!(!is_right(&frame) || !is_tcp && !is_ipv6 && frame[start + 6..start + 8] == [0, 0]);
        }

        #[test]
        fn a_device_that_goes_on_from_the_beginning_ends_right(
            is_ipv6: bool,
            is_tcp: bool,
            payload in prop::collection::vec(any::<u8>(), 0..1460),
        ) {
            let protocol = if is_tcp { PROTOCOL_TCP } else { PROTOCOL_UDP };
            let (mut frame, field) = frame(is_ipv6, protocol, &payload);
            frame[field..field + 2].fill(0);
            let partial = begin(&mut frame).unwrap();
            // VIRTIO 1.2, section 5.1.6.2: the checksum from `csum_start` to the end replaces the field.
            let start = usize::from(partial.start);
            prop_assert_eq!(start + usize::from(partial.field), field);
            let checksum = !reference(&frame[start..]);
            frame[field..field + 2].copy_from_slice(&checksum.to_be_bytes());
            prop_assert!(is_right(&frame));
        }

        #[test]
        fn what_was_filled_in_is_right(
            is_ipv6: bool,
            is_tcp: bool,
            payload in prop::collection::vec(any::<u8>(), 0..1460),
            old: [u8; 2],
        ) {
            let protocol = if is_tcp { PROTOCOL_TCP } else { PROTOCOL_UDP };
            let (expected, field) = frame(is_ipv6, protocol, &payload);
            let mut filled = expected.clone();
            filled[field..field + 2].copy_from_slice(&old);
            fill(&mut filled);
            prop_assert_eq!(filled, expected);
        }

        #[test]
        fn no_bytes_are_too_strange(mut bytes in prop::collection::vec(any::<u8>(), 0..100), kind in 0..3) {
            if let Some(found) = bytes.get_mut(12..15) {
                found.copy_from_slice(&[[8, 0, 0x45], [0x86, 0xdd, 0x60], [8, 0, 0x4f]][kind as usize]);
            }
            is_right(&bytes);
            begin(&mut bytes);
            fill(&mut bytes);
        }
    }
}
