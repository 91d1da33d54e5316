#![expect(unsafe_code, reason = "the backend reads and writes the ring's page")]

use core::ops::{Deref, DerefMut};

use iface_grant_table::Reference;
use xen_ring::FrontRing;
use zerocopy::{FromBytes, Immutable, IntoBytes};

use crate::granted::GrantedPage;
use crate::shared::SharedPage;

/// The frontend's half of a ring of requests `Q` and responses `P`, and the page that it lies in.
pub struct SharedRing<Q, P> {
    ring: FrontRing<Q, P>,
    page: SharedPage,
}

impl<Q: IntoBytes + Immutable, P: FromBytes + IntoBytes> SharedRing<Q, P> {
    /// An empty ring in `page`, whose content is overwritten.
    pub fn new(page: SharedPage) -> Self {
        // SAFETY: the page is aligned, and stays allocated until it is taken back, which ends the ring. Its only owner is the
        // ring, so that nobody else of this domain accesses it.
        let ring = unsafe { FrontRing::new(page.start()) };
        Self { ring, page }
    }
}

impl<Q, P> SharedRing<Q, P> {
    /// By what the backend names the page.
    pub fn reference(&self) -> Reference {
        self.page.reference()
    }
}

impl<Q, P> From<SharedRing<Q, P>> for GrantedPage {
    /// Ends the ring.
    fn from(ring: SharedRing<Q, P>) -> Self {
        ring.page.into()
    }
}

impl<Q, P> Deref for SharedRing<Q, P> {
    type Target = FrontRing<Q, P>;

    #[inline]
    fn deref(&self) -> &Self::Target {
        &self.ring
    }
}

impl<Q, P> DerefMut for SharedRing<Q, P> {
    #[inline]
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.ring
    }
}
