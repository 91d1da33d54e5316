//! The header before each frame (VIRTIO 1.2, section 5.1.6: `virtio_net_hdr`).

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

/// Writes the header of a frame that has its checksum, or of one where the device is to fill it in. `num_buffers` stays
/// as it is, which in a transmit buffer is zero.
#[inline]
pub(crate) fn write(header: &mut [u8], partial: Option<Partial>) {
    let flags = if partial.is_some() { NEEDS_CHECKSUM } else { 0 };
    let Partial { start, field } = partial.unwrap_or_default();
    let ([start_low, start_high], [field_low, field_high]) = (start.to_le_bytes(), field.to_le_bytes());
    if let Some(fields) = header.first_chunk_mut::<LEGACY_LENGTH>() {
        // No segmentation: the fields between flags and `csum_start` are zero.
        *fields = [flags, 0, 0, 0, 0, 0, start_low, start_high, field_low, field_high];
    }
}
