//! Who writes the checksums of sent frames.

use transport_checksum as checksum;

use crate::netif::transmit_flag::{CHECKSUM_BLANK, DATA_VALIDATED};

/// EtherType of IPv6 (RFC 2464, section 3).
const TYPE_IPV6: &[u8] = &[0x86, 0xdd];

/// What the backend fills in. The rest is written here: a card that promised checksums once keeps to it, whoever its
/// backend is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Offload {
    /// TCP and UDP over IPv4: unless the backend says `feature-no-csum-offload`.
    pub(crate) ipv4: bool,
    /// TCP and UDP over IPv6: where the backend says `feature-ipv6-csum-offload`.
    pub(crate) ipv6: bool,
}

impl Offload {
    /// Writes what the checksum field has to hold, and returns the flags of the frame's request.
    #[inline]
    pub(crate) fn finish(self, frame: &mut [u8]) -> u16 {
        let is_ipv6 = frame.get(12..14) == Some(TYPE_IPV6);
        if !if is_ipv6 { self.ipv6 } else { self.ipv4 } {
            checksum::fill(frame);
            return 0;
        }
        match checksum::begin(frame) {
            Some(_) => CHECKSUM_BLANK | DATA_VALIDATED,
            None => 0,
        }
    }
}
