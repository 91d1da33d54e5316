//! Puts responses together to frames.

use alloc::vec::Vec;
use core::ops::Range;

use granted_pages::Page;
use iface_grant_table::PAGE_SIZE;
use transport_checksum as checksum;

use crate::frame::{Body, Frame};
use crate::netif::{Extra, ReceiveResponse, receive_flag};
use crate::pool::Pool;

/// Bytes of an Ethernet header.
pub(crate) const ETHERNET_HEADER: usize = 14;

/// The longest frame, in bytes: a whole packet of IPv4 (RFC 791, section 3.1), as segmentation offload makes them.
const LONGEST: usize = ETHERNET_HEADER + 65_535;

/// What a response was the end of.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// Nothing: more of the frame is to come.
    Unfinished,
    /// A frame.
    Frame(Frame),
    /// A frame that is no good.
    Dropped,
}

/// What the next response is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Next {
    /// The first piece of a frame.
    #[default]
    First,
    /// Not data, but what goes with it.
    Extra {
        /// Whether a further piece of the frame comes after all that.
        is_continued: bool,
    },
    /// A further piece.
    Piece,
}

/// The frame under way.
#[derive(Debug, Default)]
pub(crate) struct Gather {
    next: Next,
    body: Option<Body>,
    /// [`receive_flag`]s of the first piece, which stand for all of the frame.
    flags: u16,
    /// Something is wrong with it: the rest is passed over.
    is_spoiled: bool,
}

impl Gather {
    /// Goes on with the response to the request in `slot`, which asked for bytes in `page`: `None` where the backend did not
    /// let go of it.
    #[inline]
    pub(crate) fn step(
        &mut self,
        slot: u16,
        response: ReceiveResponse,
        page: Option<Page>,
        pool: &mut Pool,
    ) -> Outcome {
        self.next = match self.next {
            Next::Extra { is_continued } => self.extra(response.into(), is_continued, page, pool),
            Next::First => {
                self.flags = response.flags;
                self.piece(slot, response, page, pool);
                after(response.flags)
            }
            Next::Piece => {
                self.piece(slot, response, page, pool);
                if response.flags & receive_flag::MORE_DATA != 0 { Next::Piece } else { Next::First }
            }
        };
        if self.next == Next::First { self.finish(pool) } else { Outcome::Unfinished }
    }

    /// Nothing of it is needed: that a long segment was not cut is seen by its length.
    fn extra(&mut self, extra: Extra, is_continued: bool, page: Option<Page>, pool: &mut Pool) -> Next {
        page.into_iter().for_each(|page| pool.put(page));
        self.is_spoiled |= !extra.is_known;
        match (extra.is_followed, is_continued) {
            (true, _) => Next::Extra { is_continued },
            (false, true) => Next::Piece,
            (false, false) => Next::First,
        }
    }

    #[inline]
    fn piece(&mut self, slot: u16, response: ReceiveResponse, page: Option<Page>, pool: &mut Pool) {
        let Some(page) = page else {
            self.is_spoiled = true;
            return;
        };
        match range(slot, response) {
            Some(range) if !self.is_spoiled => self.append(page, range, pool),
            _ => {
                self.is_spoiled = true;
                pool.put(page);
            }
        }
    }

    #[inline]
    fn append(&mut self, page: Page, range: Range<u16>, pool: &mut Pool) {
        let Range { start, end } = range;
        let piece = &page.as_ref()[usize::from(start)..usize::from(end)];
        self.body = Some(match self.body.take() {
            None => Body::Page { page, start, end },
            Some(before) => {
                let (mut bytes, is_whole) = gathered(before, pool);
                self.is_spoiled = !(is_whole && extend(&mut bytes, piece));
                pool.put(page);
                Body::Gathered(bytes)
            }
        });
    }

    #[inline]
    fn finish(&mut self, pool: &mut Pool) -> Outcome {
        let is_spoiled = core::mem::take(&mut self.is_spoiled);
        let Some(frame) = self.body.take().map(Frame) else { return Outcome::Dropped };
        if is_spoiled || frame.as_ref().len() < ETHERNET_HEADER || !self.is_intact(frame.as_ref()) {
            pool.recycle(frame);
            return Outcome::Dropped;
        }
        Outcome::Frame(frame)
    }

    /// Whether the backend answers for the checksum, or it is right.
    #[inline]
    fn is_intact(&self, frame: &[u8]) -> bool {
        let vouched_for = receive_flag::DATA_VALIDATED | receive_flag::CHECKSUM_BLANK;
        self.flags & vouched_for != 0 || checksum::is_right(frame)
    }

    /// What was put together up to now, given up.
    pub(crate) fn into_pool(self, pool: &mut Pool) {
        self.body.into_iter().for_each(|body| pool.recycle(Frame(body)));
    }
}

/// What comes after a frame's first piece.
#[inline]
fn after(flags: u16) -> Next {
    let is_continued = flags & receive_flag::MORE_DATA != 0;
    match (flags & receive_flag::EXTRA_INFO != 0, is_continued) {
        (true, _) => Next::Extra { is_continued },
        (false, true) => Next::Piece,
        (false, false) => Next::First,
    }
}

/// The bytes of a page that a response names; `None` where it is an error, not of this slot, or reaches beyond the page.
#[inline]
fn range(slot: u16, response: ReceiveResponse) -> Option<Range<u16>> {
    let length = u16::try_from(response.status).ok()?;
    let end = response.offset.checked_add(length)?;
    (response.id == slot && usize::from(end) <= PAGE_SIZE).then_some(response.offset..end)
}

/// The bytes of `body` in memory for more, and whether there was memory for them.
fn gathered(body: Body, pool: &mut Pool) -> (Vec<u8>, bool) {
    match body {
        Body::Gathered(bytes) => (bytes, true),
        Body::Page { page, start, end } => {
            let mut bytes = pool.take_long();
            let is_whole = extend(&mut bytes, &page.as_ref()[usize::from(start)..usize::from(end)]);
            pool.put(page);
            (bytes, is_whole)
        }
    }
}

/// Appends `piece`; false where the frame becomes too long, or there is no memory for it.
fn extend(bytes: &mut Vec<u8>, piece: &[u8]) -> bool {
    let fits = bytes.len() + piece.len() <= LONGEST && bytes.try_reserve(piece.len()).is_ok();
    if fits {
        bytes.extend_from_slice(piece);
    }
    fits
}
