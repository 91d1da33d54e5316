//! Frames from the backend.
//!
//! The backend puts its answer to a request into the request's own place in the ring (`netif.h`, "Guest receive"; what goes
//! with a frame in a response of its own has no id), so the place says which page is meant, whatever the response says.

use alloc::boxed::Box;

use granted_pages::{PageError, SharedPage, SharedRing};
use iface_grant_table::{DomainId, GrantTable, Reference};

use crate::broken::Broken;
use crate::frame::Frame;
use crate::gather::{Gather, Outcome};
use crate::netif::{ReceiveRequest, ReceiveResponse};
use crate::pool::Pool;

/// Requests that the ring holds.
const RING_SLOTS: usize = 256;

/// The receive ring, and the pages that wait in it for frames.
pub(crate) struct Receive {
    ring: SharedRing<ReceiveRequest, ReceiveResponse>,
    backend: DomainId,
    /// The page behind each place of the ring.
    posted: Box<[Option<SharedPage>; RING_SLOTS]>,
    /// Requests pushed. The place of a request, and its id, is its number modulo the ring's places.
    pushed: u32,
    /// Responses popped.
    popped: u32,
    gather: Gather,
    /// Received frames that were no good.
    pub(crate) dropped: u64,
}

/// The place of request or response number `count`.
#[inline]
const fn slot(count: u32) -> u16 {
    (count as usize % RING_SLOTS) as u16
}

impl Receive {
    /// An empty ring without pages.
    ///
    /// # Errors
    /// As [`PageError`] says; nothing stays granted then.
    pub(crate) fn new(
        grants: impl GrantTable,
        backend: DomainId,
        pool: &mut Pool,
    ) -> Result<Self, PageError> {
        Ok(Self {
            ring: pool.ring(grants, backend)?,
            backend,
            posted: Box::new([const { None }; RING_SLOTS]),
            pushed: 0,
            popped: 0,
            gather: Gather::default(),
            dropped: 0,
        })
    }

    /// Takes all pages back.
    pub(crate) fn close(self, grants: impl GrantTable, pool: &mut Pool) {
        self.gather.into_pool(pool);
        for page in self.posted.into_iter().flatten() {
            pool.end(grants, page);
        }
        pool.end(grants, self.ring);
    }

    /// The grant of the ring.
    pub(crate) fn reference(&self) -> Reference {
        self.ring.reference()
    }

    /// Gives the backend all free pages to receive into; true: it wants to be signalled for that.
    #[inline]
    pub(crate) fn post(&mut self, grants: impl GrantTable, pool: &mut Pool) -> bool {
        while self.ring.free() > 0
            && let Some(page) = pool.take()
        {
            match SharedPage::new(grants, self.backend, page) {
                Ok(page) => self.push(page),
                Err((page, _)) => {
                    pool.put(page);
                    break;
                }
            }
        }
        self.ring.publish()
    }

    #[inline]
    fn push(&mut self, page: SharedPage) {
        let id = slot(self.pushed);
        let request = ReceiveRequest { id, padding: 0, reference: page.reference().0 };
        // There was a place free.
        if self.ring.push(request).is_ok() {
            self.posted[usize::from(id)] = Some(page);
            self.pushed = self.pushed.wrapping_add(1);
        }
    }

    /// The next frame. What is no good is dropped.
    #[inline]
    pub(crate) fn next(&mut self, grants: impl GrantTable, pool: &mut Pool) -> Result<Option<Frame>, Broken> {
        while let Some(response) = self.ring.pop()? {
            let slot = slot(self.popped);
            self.popped = self.popped.wrapping_add(1);
            let posted = self.posted[usize::from(slot)].take();
            // Nobody changes the page any more when it is looked at.
            let page = posted.and_then(|page| pool.take_back(grants, page));
            match self.gather.step(slot, response, page, pool) {
                Outcome::Unfinished => {}
                Outcome::Frame(frame) => return Ok(Some(frame)),
                Outcome::Dropped => self.dropped += 1,
            }
        }
        Ok(None)
    }

    /// Asks for a signal at the next response; false where there is one already.
    pub(crate) fn arm(&mut self) -> Result<bool, Broken> {
        Ok(self.ring.arm(1)?)
    }
}
