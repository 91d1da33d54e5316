//! The frontend's half of a request ring.

use core::{marker::PhantomData, ptr::NonNull};

use zerocopy::{FromBytes, Immutable, IntoBytes};

use crate::{
    error::{Full, Index, RingError},
    page::Page,
    word::full_fence,
};

/// The frontend's half of a ring in one page that it shares with its backend (`io/ring.h`): requests `Q` go out, responses
/// `P` come back in whatever order, in the same places.
///
/// Each is at most an entry; an entry is as long as the longer of the two.
pub struct FrontRing<Q, P> {
    page: NonNull<Page>,
    /// Requests pushed (`req_prod_pvt`). All counts run freely and wrap.
    pushed: u32,
    /// Requests that the backend may see: the `req_prod` that was last written.
    published: u32,
    /// Responses known to be there: the `rsp_prod` that was last read and found possible.
    answered: u32,
    /// Responses popped (`rsp_cons`).
    popped: u32,
    dead: Option<RingError>,
    types: PhantomData<fn(Q) -> P>,
}

impl<Q, P> FrontRing<Q, P>
where
    Q: IntoBytes + Immutable,
    P: FromBytes + IntoBytes,
{
    /// Bytes of an entry, which is a union of both.
    const STRIDE: usize = if size_of::<Q>() < size_of::<P>() { size_of::<P>() } else { size_of::<Q>() };
    const CAPACITY: u32 = Page::capacity(Self::STRIDE);
    const WHOLE_WORDS: () = assert!(size_of::<Q>().is_multiple_of(4) && size_of::<P>().is_multiple_of(4));

    /// An empty ring in `page`, whose 4096 bytes are overwritten (`XEN_FRONT_RING_INIT`).
    ///
    /// # Safety
    /// `page` is page-aligned and valid for reads and writes until the ring is dropped. Meanwhile nobody in this domain
    /// accesses it otherwise, unless by atomic operations; the other domain may do what it wants.
    pub unsafe fn new(page: NonNull<u8>) -> Self {
        // SAFETY: the caller's promise.
        unsafe { Self::starting_at(page, 0) }
    }

    /// An empty ring, upon which `count` requests were sent and answered before.
    ///
    /// # Safety
    /// As [`new`](Self::new).
    pub(crate) unsafe fn starting_at(page: NonNull<u8>, count: u32) -> Self {
        const { Self::WHOLE_WORDS };
        let page = page.cast();
        let ring = Self {
            page,
            pushed: count,
            published: count,
            answered: count,
            popped: count,
            dead: None,
            types: PhantomData,
        };
        ring.page().initialise(count);
        ring
    }

    /// Requests that the ring holds, those included whose responses were not popped. A power of two.
    pub fn capacity(&self) -> u32 {
        Self::CAPACITY
    }

    /// Requests that can be pushed now: none where the ring is dead.
    pub fn free(&self) -> u32 {
        match self.dead {
            Some(_) => 0,
            None => Self::CAPACITY - self.pushed.wrapping_sub(self.popped),
        }
    }

    /// Writes a request, which the backend sees after the next [`publish`](Self::publish).
    ///
    /// # Errors
    /// [`Full`] where nothing is [`free`](Self::free).
    pub fn push(&mut self, request: Q) -> Result<(), Full> {
        if self.free() == 0 {
            return Err(Full);
        }
        self.page().put(slot::<Q, P>(self.pushed), Self::STRIDE, &request);
        self.pushed = self.pushed.wrapping_add(1);
        Ok(())
    }

    /// Lets the backend see all requests pushed; true: it wants to be signalled for them
    /// (`RING_PUSH_REQUESTS_AND_CHECK_NOTIFY`). Nothing happens where there are none, or where the ring is dead.
    #[must_use = "where it is true, the backend is to be signalled"]
    pub fn publish(&mut self) -> bool {
        let new = self.pushed.wrapping_sub(self.published);
        if new == 0 || self.dead.is_some() {
            return false;
        }
        self.published = self.pushed;
        self.page().req_prod.release(self.published);
        // The backend sets its event index, then looks for requests once more: one of both sees the other's.
        full_fence();
        self.published.wrapping_sub(self.page().req_event.read()) < new
    }

    /// A copy of the next response; `None` where there is none yet.
    ///
    /// # Errors
    /// [`RingError`], now and for ever, where the backend claims more responses than it was sent requests, or takes
    /// some back.
    pub fn pop(&mut self) -> Result<Option<P>, RingError> {
        if self.popped == self.answered && self.look()? == 0 {
            return Ok(None);
        }
        let response = self.page().get(slot::<Q, P>(self.popped), Self::STRIDE);
        self.popped = self.popped.wrapping_add(1);
        Ok(Some(response))
    }

    /// Asks for a signal once there are `responses` further ones than were popped (`rsp_event`). False: so many are there
    /// already, and no signal comes for them (`RING_FINAL_CHECK_FOR_RESPONSES`).
    ///
    /// # Errors
    /// As [`pop`](Self::pop).
    pub fn arm(&mut self, responses: u32) -> Result<bool, RingError> {
        if let Some(error) = self.dead {
            return Err(error);
        }
        self.page().rsp_event.write(self.popped.wrapping_add(responses));
        // The backend publishes responses, then reads the event index: one of both sees the other's.
        full_fence();
        Ok(self.look()? < responses)
    }

    /// Reads how many responses there are, and returns how many of them are to be popped.
    fn look(&mut self) -> Result<u32, RingError> {
        if let Some(error) = self.dead {
            return Err(error);
        }
        let claimed = self.page().rsp_prod.acquire();
        match RingError::check(Index::Responses, claimed, self.answered, self.published) {
            Ok(answered) => {
                self.answered = answered;
                Ok(answered.wrapping_sub(self.popped))
            }
            Err(error) => {
                self.dead = Some(error);
                // Nothing is popped of what was there before.
                self.answered = self.popped;
                Err(error)
            }
        }
    }

    fn page(&self) -> &Page {
        // SAFETY: by the promise made to `new`, the page is valid and aligned while `self` lives. All of its bytes are
        // atomics, for which any value is valid, and with which accesses of the other domain do not race.
        unsafe { self.page.as_ref() }
    }
}

/// The place of the `count`-th entry.
fn slot<Q, P>(count: u32) -> u32
where
    Q: IntoBytes + Immutable,
    P: FromBytes + IntoBytes,
{
    count & (FrontRing::<Q, P>::CAPACITY - 1)
}
