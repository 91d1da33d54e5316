//! The backend's half of a request ring.

use std::marker::PhantomData;

use iface_grant_table::{DomainId, PAGE_SIZE, Reference};
use zerocopy::{FromBytes, Immutable, IntoBytes};

use crate::{FakeGrantTable, Mapping};

const REQ_PROD: usize = 0;
const REQ_EVENT: usize = 4;
const RSP_PROD: usize = 8;
const RSP_EVENT: usize = 12;
const ENTRIES: usize = 64;

/// What a backend sees of a ring (`io/ring.h`) that a frontend set up: requests `Q` come in, responses `P` go out.
pub struct BackRing<Q, P> {
    page: Mapping,
    /// Requests taken (`req_cons`).
    taken: u32,
    /// Responses put (`rsp_prod_pvt`).
    put: u32,
    types: PhantomData<(Q, P)>,
}

impl<Q: FromBytes + IntoBytes, P: IntoBytes + Immutable> BackRing<Q, P> {
    const STRIDE: usize = if size_of::<Q>() < size_of::<P>() { size_of::<P>() } else { size_of::<Q>() };

    /// Maps the ring of a frontend that granted its page to `domain`, the backend. The frontend can't revoke the grant before
    /// this is dropped.
    ///
    /// # Panics
    /// Where it was not granted.
    pub fn map(table: &'static FakeGrantTable, domain: DomainId, page: Reference) -> Self {
        Self { page: table.map(domain, page), taken: 0, put: 0, types: PhantomData }
    }

    /// The next request.
    ///
    /// # Panics
    /// Where the frontend pushed more than the ring holds.
    pub fn take(&mut self) -> Option<Q> {
        if self.waiting() == 0 {
            return None;
        }
        let mut request = Q::new_zeroed();
        self.page.read(Self::place(self.taken), request.as_mut_bytes());
        self.taken = self.taken.wrapping_add(1);
        Some(request)
    }

    /// Requests that were not taken yet.
    ///
    /// # Panics
    /// Where there are more, with those that were not answered, than the ring holds.
    pub fn waiting(&self) -> u32 {
        let produced = self.word(REQ_PROD);
        let unanswered = produced.wrapping_sub(self.put);
        assert!(
            unanswered <= Self::capacity(),
            "the frontend pushed {unanswered} requests without an answer"
        );
        produced.wrapping_sub(self.taken)
    }

    /// Writes a response, which the frontend sees after the next [`publish`](Self::publish).
    pub fn put(&mut self, response: P) {
        self.set_response(self.put, response);
        self.put = self.put.wrapping_add(1);
    }

    /// Lets the frontend see all responses; true: it wants to be signalled for them.
    pub fn publish(&mut self) -> bool {
        let old = self.word(RSP_PROD);
        self.set_response_index(self.put);
        self.put.wrapping_sub(self.response_event()) < self.put.wrapping_sub(old)
    }

    /// Asks the frontend for a signal at the next request. False: there are some already.
    pub fn arm(&mut self) -> bool {
        self.set_request_event(self.taken.wrapping_add(1));
        self.waiting() == 0
    }

    /// Requests that the ring holds.
    pub fn capacity() -> u32 {
        1 << ((PAGE_SIZE - ENTRIES) / Self::STRIDE).ilog2()
    }

    /// Writes the `count`-th response, and no index.
    pub fn set_response(&mut self, count: u32, response: P) {
        self.page.write(Self::place(count), response.as_bytes());
    }

    /// Writes how many responses there are (`rsp_prod`).
    pub fn set_response_index(&mut self, count: u32) {
        self.page.write(RSP_PROD, &count.to_ne_bytes());
    }

    /// Writes the request upon which the backend wants a signal (`req_event`).
    pub fn set_request_event(&mut self, count: u32) {
        self.page.write(REQ_EVENT, &count.to_ne_bytes());
    }

    /// The response upon which the frontend wants a signal (`rsp_event`).
    pub fn response_event(&self) -> u32 {
        self.word(RSP_EVENT)
    }

    /// How many requests the frontend published (`req_prod`).
    pub fn request_index(&self) -> u32 {
        self.word(REQ_PROD)
    }

    fn place(count: u32) -> usize {
        ENTRIES + (count % Self::capacity()) as usize * Self::STRIDE
    }

    fn word(&self, offset: usize) -> u32 {
        let mut bytes = [0; 4];
        self.page.read(offset, &mut bytes);
        u32::from_ne_bytes(bytes)
    }
}
