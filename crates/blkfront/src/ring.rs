//! A ring in a page that the backend has too.
#![expect(unsafe_code, reason = "the backend reads and writes the ring's page")]

use xen_ring::FrontRing;

use crate::{
    blkif::{Request, Response},
    pages::SharedPage,
};

/// An empty ring, and its page, which is not to be taken back before the ring is dropped.
pub(crate) fn ring(page: SharedPage) -> (FrontRing<Request, Response>, SharedPage) {
    // SAFETY: a shared page is aligned, stays allocated until it is taken back, and is accessed by nobody else of this domain:
    // its caller keeps it for the ring alone.
    let ring = unsafe { FrontRing::new(page.start()) };
    (ring, page)
}
