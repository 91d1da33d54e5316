//! What lies in the ring, and in pages of segments (`public/io/blkif.h`).

use iface_grant_table::{PAGE_SIZE, Reference};
use zerocopy::{FromBytes, Immutable, IntoBytes};

/// Bytes of a sector, in which places and lengths are told whatever the disk's own sectors are.
pub(crate) const SECTOR: usize = 512;

/// `BLKIF_MAX_SEGMENTS_PER_REQUEST`: pages of data that a request names by itself.
pub(crate) const DIRECT_SEGMENTS: usize = 11;

/// Pages of data that one page of segments names.
pub(crate) const INDIRECT_SEGMENTS: usize = PAGE_SIZE / size_of::<Segment>();

/// What is asked (`BLKIF_OP_*`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Operation {
    Read = 0,
    Write = 1,
    WriteBarrier = 2,
    Flush = 3,
}

/// `BLKIF_OP_INDIRECT`: the segments lie in a page of their own.
const INDIRECT: u8 = 6;

/// Sectors of one page (`blkif_request_segment`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable)]
#[repr(C)]
pub(crate) struct Segment {
    reference: u32,
    first: u8,
    last: u8,
    padding: u16,
}

impl Segment {
    /// The first `length` bytes of a page, whole sectors and at least one.
    pub(crate) fn new(reference: Reference, length: usize) -> Self {
        Self { reference: reference.0, first: 0, last: (length / SECTOR - 1) as u8, padding: 0 }
    }
}

/// `blkif_request`, and `blkif_request_indirect` in the same place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable)]
#[repr(C)]
pub(crate) struct Request {
    operation: u8,
    /// Number of segments; of an indirect request the operation that is meant.
    second: u8,
    /// The device; of an indirect request the number of segments.
    third: u16,
    padding: u32,
    id: u64,
    sector: u64,
    /// Segments; of an indirect request the device, and the pages with the segments.
    rest: [u32; 2 * DIRECT_SEGMENTS],
}

impl Request {
    /// A request whose segments are in itself: [`DIRECT_SEGMENTS`] at most, none for a flush.
    pub(crate) fn direct(
        operation: Operation,
        device: u16,
        id: u16,
        sector: u64,
        segments: impl Iterator<Item = Segment>,
    ) -> Self {
        let (mut rest, mut count) = ([0; 2 * DIRECT_SEGMENTS], 0);
        for (place, segment) in rest.chunks_exact_mut(2).zip(segments) {
            let Segment { reference, first, last, .. } = segment;
            place.copy_from_slice(&[reference, u32::from_ne_bytes([first, last, 0, 0])]);
            count += 1;
        }
        let operation = operation as u8;
        Self { operation, second: count, third: device, padding: 0, id: id.into(), sector, rest }
    }

    /// A request of `count` segments, which lie in the page `segments`.
    pub(crate) fn indirect(
        operation: Operation,
        device: u16,
        id: u16,
        sector: u64,
        segments: Reference,
        count: usize,
    ) -> Self {
        let mut rest = [0; 2 * DIRECT_SEGMENTS];
        let [low, high] = device.to_ne_bytes();
        rest[0] = u32::from_ne_bytes([low, high, 0, 0]);
        rest[1] = segments.0;
        let (second, third) = (operation as u8, count as u16);
        Self { operation: INDIRECT, second, third, padding: 0, id: id.into(), sector, rest }
    }
}

/// `blkif_response`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable)]
#[repr(C)]
pub(crate) struct Response {
    /// Of the request.
    pub(crate) id: u64,
    operation: u8,
    padding: u8,
    status: i16,
    end: u32,
}

/// What became of a request (`BLKIF_RSP_*`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Okay,
    Unsupported,
    Failed,
}

impl Response {
    /// Whether it answers `operation`. Linux says what was meant of an indirect request, others that it was one.
    pub(crate) fn answers(&self, operation: Operation) -> bool {
        self.operation == operation as u8 || self.operation == INDIRECT
    }

    pub(crate) fn operation(&self) -> u8 {
        self.operation
    }

    pub(crate) fn status(&self) -> Status {
        match self.status {
            0 => Status::Okay,
            -2 => Status::Unsupported,
            _ => Status::Failed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Offsets by `blkif.h` as compilers lay it out for x86_64 and aarch64.
    #[test]
    fn requests_are_laid_out_as_the_header_has_them() {
        assert_eq!((size_of::<Request>(), size_of::<Response>(), size_of::<Segment>()), (112, 16, 8));
        let segments = [Segment::new(Reference(0x0a0b_0c0d), 4096), Segment::new(Reference(7), 512)];
        let request = Request::direct(Operation::Write, 0xca10, 5, 0x0102_0304_0506, segments.into_iter());
        let bytes = request.as_bytes();
        assert_eq!(bytes[..4], [1, 2, 0x10, 0xca]);
        assert_eq!((bytes[8], bytes[16..22].as_ref()), (5, [6, 5, 4, 3, 2, 1].as_ref()));
        assert_eq!(bytes[24..40], [0x0d, 0x0c, 0x0b, 0x0a, 0, 7, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0]);
        let request = Request::indirect(Operation::Read, 0xca10, 5, 9, Reference(0x0a0b_0c0d), 300);
        let bytes = request.as_bytes();
        assert_eq!(bytes[..4], [6, 0, 44, 1]);
        assert_eq!((bytes[8], bytes[16]), (5, 9));
        assert_eq!(bytes[24..36], [0x10, 0xca, 0, 0, 0x0d, 0x0c, 0x0b, 0x0a, 0, 0, 0, 0]);
    }
}
