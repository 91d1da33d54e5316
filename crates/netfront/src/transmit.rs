//! Frames to the backend.
//!
//! Buffers lie two in a page, and the pages are granted for as long as the connection lasts: a frame of ordinary Ethernet
//! costs one request and no grant. A longer one is written in memory of this domain's own, then copied into several.

use alloc::vec::Vec;

use granted_pages::{PageError, ReadablePage, SharedRing};
use iface_grant_table::{DomainId, GrantTable, PAGE_SIZE, Reference};
use xen_ring::InFlight;

use crate::broken::Broken;
use crate::netif::{SLOTS_OF_A_FRAME, TransmitRequest, TransmitResponse, transmit_flag};
use crate::offload::Offload;
use crate::pool::Pool;

/// Bytes of a buffer: a frame of ordinary Ethernet, with a VLAN tag or two, fits.
pub(crate) const BUFFER_BYTES: usize = PAGE_SIZE / BUFFERS_OF_A_PAGE;
const BUFFERS_OF_A_PAGE: usize = 2;

/// Requests that the ring holds.
const RING_SLOTS: usize = 256;

/// The longest frame that fits into `buffers` and that every backend takes, in bytes.
pub(crate) fn longest_frame(buffers: usize) -> usize {
    buffers.min(SLOTS_OF_A_FRAME) * BUFFER_BYTES
}

/// Pages that hold `buffers`.
pub(crate) fn pages_for(buffers: usize) -> usize {
    buffers.div_ceil(BUFFERS_OF_A_PAGE)
}

/// The transmit ring and its buffers.
pub(crate) struct Transmit {
    ring: SharedRing<TransmitRequest, TransmitResponse>,
    pages: Vec<ReadablePage>,
    /// Buffers that the backend has. Free ids are a stack, so that as long as no more than so many buffers are out, no id is
    /// beyond them.
    in_flight: InFlight<(), RING_SLOTS>,
    buffers: usize,
    offload: Offload,
    /// Frames that the backend says it did not send.
    pub(crate) refused: u64,
}

impl Transmit {
    /// An empty ring with `buffers` of them, in pages of `pool`.
    ///
    /// # Errors
    /// As [`PageError`] says; nothing stays granted then.
    pub(crate) fn new(
        grants: impl GrantTable,
        backend: DomainId,
        buffers: usize,
        offload: Offload,
        pool: &mut Pool,
    ) -> Result<Self, PageError> {
        let mut transmit = Self {
            ring: pool.ring(grants, backend)?,
            pages: Vec::new(),
            in_flight: InFlight::new(),
            buffers: buffers.min(RING_SLOTS),
            offload,
            refused: 0,
        };
        for _ in 0..pages_for(transmit.buffers) {
            match transmit.add_page(grants, backend, pool) {
                Ok(()) => {}
                Err(error) => {
                    transmit.close(grants, pool);
                    return Err(error);
                }
            }
        }
        Ok(transmit)
    }

    fn add_page(
        &mut self,
        grants: impl GrantTable,
        backend: DomainId,
        pool: &mut Pool,
    ) -> Result<(), PageError> {
        self.pages.try_reserve(1).map_err(|_| PageError::OutOfMemory)?;
        let page = pool.take().ok_or(PageError::OutOfMemory)?;
        match ReadablePage::new(grants, backend, page) {
            Ok(page) => self.pages.push(page),
            Err((page, error)) => {
                pool.put(page);
                return Err(PageError::NotGranted(error));
            }
        }
        Ok(())
    }

    /// Takes all pages back.
    pub(crate) fn close(self, grants: impl GrantTable, pool: &mut Pool) {
        for page in self.pages {
            pool.end(grants, page);
        }
        pool.end(grants, self.ring);
    }

    /// The grant of the ring.
    pub(crate) fn reference(&self) -> Reference {
        self.ring.reference()
    }

    /// Whether a frame of `length` bytes can be sent now.
    #[inline]
    pub(crate) fn has_room(&self, length: usize) -> bool {
        self.in_flight.len() + length.div_ceil(BUFFER_BYTES) <= self.buffers
    }

    /// Whether there is room for a frame of `length` bytes once what the backend is done with is collected. Where there is
    /// none, the backend is asked for a signal when it is done with half of what it has.
    pub(crate) fn make_room(&mut self, length: usize) -> Result<bool, Broken> {
        loop {
            self.collect()?;
            if self.has_room(length) {
                return Ok(true);
            }
            if self.ring.arm((self.in_flight.len() as u32).div_ceil(2))? {
                return Ok(false);
            }
        }
    }

    /// Takes back the buffers that the backend is done with.
    fn collect(&mut self) -> Result<(), Broken> {
        while let Some(response) = self.ring.pop()? {
            self.in_flight.take(response.id).ok_or(Broken::UnknownId(response.id))?;
            self.refused += u64::from(response.status < 0);
        }
        Ok(())
    }

    /// Sends a frame of `length` bytes that `fill` writes; `None` where there is no [room](Self::has_room). The backend sees
    /// it after the next [`publish`](Self::publish). A frame of several buffers is written in `scratch`.
    #[inline]
    pub(crate) fn send<R>(
        &mut self,
        length: usize,
        scratch: &mut [u8],
        fill: impl FnOnce(&mut [u8]) -> R,
    ) -> Option<R> {
        if !self.has_room(length) {
            return None;
        }
        if length > BUFFER_BYTES {
            let frame = scratch.get_mut(..length)?;
            let result = fill(frame);
            self.send_long(frame)?;
            return Some(result);
        }
        let id = self.in_flight.insert(())?;
        let Buffer { reference, offset, bytes } = Buffer::of(&mut self.pages, id)?;
        let frame = &mut bytes[..length];
        let result = fill(frame);
        let flags = self.offload.finish(frame);
        self.push(TransmitRequest { reference, offset, flags, id, size: length as u16 })?;
        Some(result)
    }

    /// Sends a frame in several requests, the first of which has the flags and the length of all.
    fn send_long(&mut self, frame: &mut [u8]) -> Option<()> {
        let mut flags = self.offload.finish(frame);
        let mut size = frame.len();
        let mut pieces = frame.chunks(BUFFER_BYTES).peekable();
        while let Some(piece) = pieces.next() {
            let id = self.in_flight.insert(())?;
            let Buffer { reference, offset, bytes } = Buffer::of(&mut self.pages, id)?;
            bytes[..piece.len()].copy_from_slice(piece);
            if pieces.peek().is_some() {
                flags |= transmit_flag::MORE_DATA;
            }
            self.push(TransmitRequest { reference, offset, flags, id, size: size as u16 })?;
            flags = 0;
            size = pieces.peek().map_or(0, |next| next.len());
        }
        Some(())
    }

    /// There are as many places in the ring as there are ids.
    #[inline]
    fn push(&mut self, request: TransmitRequest) -> Option<()> {
        self.ring.push(request).ok()
    }

    /// Lets the backend see what was sent; true: it wants to be signalled.
    #[inline]
    pub(crate) fn publish(&mut self) -> bool {
        self.ring.publish()
    }
}

/// A buffer to write a frame into.
struct Buffer<'a> {
    reference: u32,
    offset: u16,
    bytes: &'a mut [u8],
}

impl<'a> Buffer<'a> {
    /// The buffer that is `id`'s for ever.
    #[inline]
    fn of(pages: &'a mut [ReadablePage], id: u16) -> Option<Self> {
        let (page, place) = (usize::from(id) / BUFFERS_OF_A_PAGE, usize::from(id) % BUFFERS_OF_A_PAGE);
        let page = pages.get_mut(page)?;
        let reference = page.reference().0;
        let offset = place * BUFFER_BYTES;
        let bytes = page.as_mut().get_mut(offset..offset + BUFFER_BYTES)?;
        Some(Self { reference, offset: offset as u16, bytes })
    }
}
