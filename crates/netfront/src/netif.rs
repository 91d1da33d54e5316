//! What lies in the two rings (`public/io/netif.h`).

use zerocopy::{FromBytes, Immutable, IntoBytes};

/// `XEN_NETIF_NR_SLOTS_MIN`: requests for one frame that every backend takes.
pub(crate) const SLOTS_OF_A_FRAME: usize = 18;

/// Flags of [`TransmitRequest`] (`NETTXF_*`).
pub(crate) mod transmit_flag {
    /// The checksum field holds the sum of the pseudo-header.
    pub(crate) const CHECKSUM_BLANK: u16 = 1 << 0;
    /// The bytes are as the sender wrote them.
    pub(crate) const DATA_VALIDATED: u16 = 1 << 1;
    /// The frame goes on in the next request.
    pub(crate) const MORE_DATA: u16 = 1 << 2;
}

/// Flags of [`ReceiveResponse`] (`NETRXF_*`).
pub(crate) mod receive_flag {
    /// The checksum was verified.
    pub(crate) const DATA_VALIDATED: u16 = 1 << 0;
    /// The checksum was left out, as the frame was never on a wire.
    pub(crate) const CHECKSUM_BLANK: u16 = 1 << 1;
    /// The frame goes on in the next response.
    pub(crate) const MORE_DATA: u16 = 1 << 2;
    /// The next response is an [`Extra`](super::Extra).
    pub(crate) const EXTRA_INFO: u16 = 1 << 3;
}

/// A piece of a frame to be sent (`netif_tx_request`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable)]
#[repr(C)]
pub(crate) struct TransmitRequest {
    /// The grant of the page where the piece lies.
    pub(crate) reference: u32,
    /// Where it begins in that page.
    pub(crate) offset: u16,
    /// [`transmit_flag`]s.
    pub(crate) flags: u16,
    /// Comes back in the response.
    pub(crate) id: u16,
    /// Bytes: in the first request of a frame those of the frame, in a further one those of the piece.
    pub(crate) size: u16,
}

/// The backend is done with a piece (`netif_tx_response`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable)]
#[repr(C)]
pub(crate) struct TransmitResponse {
    /// Of the request.
    pub(crate) id: u16,
    /// `NETIF_RSP_OKAY`, or a negative number: the frame was not sent.
    pub(crate) status: i16,
}

/// A page to receive into (`netif_rx_request`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable)]
#[repr(C)]
pub(crate) struct ReceiveRequest {
    /// Comes back in the response.
    pub(crate) id: u16,
    pub(crate) padding: u16,
    /// The page's grant.
    pub(crate) reference: u32,
}

/// A piece of a received frame (`netif_rx_response`), or an [`Extra`] in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable)]
#[repr(C)]
pub(crate) struct ReceiveResponse {
    /// Of the request.
    pub(crate) id: u16,
    /// Where the piece begins in its page.
    pub(crate) offset: u16,
    /// [`receive_flag`]s.
    pub(crate) flags: u16,
    /// Bytes of the piece, or a negative number: there is none.
    pub(crate) status: i16,
}

/// What goes with a frame in a response of its own (`netif_extra_info`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Extra {
    /// Whether its type is one that `netif.h` has.
    pub(crate) is_known: bool,
    /// Whether the next response is an extra one too.
    pub(crate) is_followed: bool,
}

impl Extra {
    /// `XEN_NETIF_EXTRA_TYPE_NONE` and `XEN_NETIF_EXTRA_TYPE_MAX` are the bounds of types, and none themselves.
    const TYPES: core::ops::Range<u8> = 1..5;
    /// `XEN_NETIF_EXTRA_FLAG_MORE`.
    const FLAG_MORE: u8 = 1 << 0;
}

impl From<ReceiveResponse> for Extra {
    fn from(response: ReceiveResponse) -> Self {
        let [kind, flags] = response.id.to_ne_bytes();
        Self { is_known: Self::TYPES.contains(&kind), is_followed: flags & Self::FLAG_MORE != 0 }
    }
}
