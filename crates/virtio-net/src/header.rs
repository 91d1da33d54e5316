//! The header before each frame (VIRTIO 1.2, section 5.1.6: `virtio_net_hdr`).

use core::num::NonZeroU16;

use transport_checksum::Partial;

/// Bytes of it; the two of `num_buffers` are missing on legacy devices without merged buffers (section 5.1.6.1).
pub(crate) const LENGTH: usize = 12;
pub(crate) const LEGACY_LENGTH: usize = 10;

/// `VIRTIO_NET_HDR_F_NEEDS_CSUM`: the checksum field holds the sum of the pseudo-header.
const NEEDS_CHECKSUM: u8 = 1;
/// `VIRTIO_NET_HDR_F_DATA_VALID`: the device verified the checksum.
const DATA_VALID: u8 = 2;

/// Whether the device answers for the checksum of a frame that it delivered with this header.
#[inline]
pub(crate) fn is_vouched_for(header: &[u8]) -> bool {
    header.first().is_some_and(|flags| flags & (NEEDS_CHECKSUM | DATA_VALID) != 0)
}

/// `VIRTIO_NET_HDR_GSO_TCPV4`: the device cuts the TCP segment.
const CUT_TCP_IPV4: u8 = 1;
/// Bytes of a TCP header without options (RFC 9293, section 3.1), and where it says how many it has with them.
const TCP_HEADER: u16 = 20;
const DATA_OFFSET: usize = 12;

/// Writes the header of a frame that has its checksum, or of one where the device is to fill it in.
#[inline]
pub(crate) fn write(header: &mut [u8], partial: Option<Partial>) {
    let flags = if partial.is_some() { NEEDS_CHECKSUM } else { 0 };
    put(header, flags, partial.unwrap_or_default(), [0; 5]);
}

/// Writes the header of `frame`, whose TCP segment the device is to cut into ones with `segment` bytes of payload each.
pub(crate) fn write_segments(header: &mut [u8], partial: Partial, segment: NonZeroU16, frame: &[u8]) {
    let data_offset = frame
        .get(usize::from(partial.start) + DATA_OFFSET)
        .map_or(TCP_HEADER, |byte| u16::from(byte >> 4) * 4);
    let [length_low, length_high] = (partial.start + data_offset).to_le_bytes();
    let [segment_low, segment_high] = segment.get().to_le_bytes();
    put(header, NEEDS_CHECKSUM, partial, [CUT_TCP_IPV4, length_low, length_high, segment_low, segment_high]);
}

/// The fields in their order, those of `segmentation` as they are in memory; `num_buffers` is zero.
#[inline]
fn put(header: &mut [u8], flags: u8, partial: Partial, segmentation: [u8; 5]) {
    let [kind, length_low, length_high, segment_low, segment_high] = segmentation;
    let ([start_low, start_high], [field_low, field_high]) =
        (partial.start.to_le_bytes(), partial.field.to_le_bytes());
    let fields = [
        flags,
        kind,
        length_low,
        length_high,
        segment_low,
        segment_high,
        start_low,
        start_high,
        field_low,
        field_high,
        0,
        0,
    ];
    header.copy_from_slice(&fields[..header.len()]);
}
