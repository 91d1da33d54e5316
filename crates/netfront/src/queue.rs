//! A ring in a page that the backend has too.
#![expect(unsafe_code, reason = "the backend reads and writes the ring's page")]

use core::ops::{Deref, DerefMut};

use iface_grant_table::{DomainId, GrantTable, Reference};
use xen_ring::FrontRing;
use zerocopy::{FromBytes, Immutable, IntoBytes};

use crate::broken::LinkError;
use crate::pages::Lent;
use crate::pool::Pool;

/// The frontend's half of a ring, and the page that it is in.
pub(crate) struct Queue<Q, P> {
    ring: FrontRing<Q, P>,
    page: Lent,
}

impl<Q: IntoBytes + Immutable, P: FromBytes + IntoBytes> Queue<Q, P> {
    /// An empty ring in a page of `pool`, shared with `backend`.
    ///
    /// # Errors
    /// As [`LinkError`] says.
    pub(crate) fn new(
        grants: impl GrantTable,
        backend: DomainId,
        pool: &mut Pool,
    ) -> Result<Self, LinkError> {
        let page = pool.take().ok_or(LinkError::Memory)?;
        let page = Lent::new(grants, backend, page).map_err(|(page, error)| {
            pool.put(page);
            LinkError::Grant(error)
        })?;
        // SAFETY: a page is aligned; one that is lent stays allocated, and is accessed by nobody of this domain until it is
        // taken back, for which `into_lent` ends the ring.
        let ring = unsafe { FrontRing::new(page.start()) };
        Ok(Self { ring, page })
    }

    /// By what the backend names the page.
    pub(crate) fn reference(&self) -> Reference {
        self.page.reference()
    }

    /// The page, to be taken back.
    pub(crate) fn into_lent(self) -> Lent {
        self.page
    }
}

impl<Q, P> Deref for Queue<Q, P> {
    type Target = FrontRing<Q, P>;

    fn deref(&self) -> &Self::Target {
        &self.ring
    }
}

impl<Q, P> DerefMut for Queue<Q, P> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.ring
    }
}
