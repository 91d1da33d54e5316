//! The page that the domain shares with the store (`struct xenstore_domain_interface` of `public/io/xs_wire.h`).
#![expect(unsafe_code, reason = "the store reads and writes the page at any time")]

use core::ptr::NonNull;
use core::sync::atomic::{AtomicU32, Ordering};

use iface_hypervisor::{Hypervisor, Port, StorePage};
use xen_ring::{Receiver, Sender};

/// Bytes of each ring (`XENSTORE_RING_SIZE`).
pub(crate) const RING: usize = 1024;

const RESPONSES: usize = RING;
const REQUEST_CONSUMER: usize = 2048;
const REQUEST_PRODUCER: usize = 2052;
const RESPONSE_CONSUMER: usize = 2056;
const RESPONSE_PRODUCER: usize = 2060;
const SERVER_FEATURES: usize = 2064;
const CONNECTION: usize = 2068;
const ERROR: usize = 2072;

/// `XENSTORE_SERVER_FEATURE_RECONNECTION`: the field `connection` means something.
const FEATURE_RECONNECTION: u32 = 1;
/// `XENSTORE_SERVER_FEATURE_ERROR`: the field `error` means something.
const FEATURE_ERROR: u32 = 2;

/// The page, and its rings as soon as the store is at the other end.
pub(crate) struct Page {
    start: NonNull<u8>,
    rings: Option<Rings>,
}

/// Both directions.
pub(crate) struct Rings {
    pub(crate) requests: Sender<'static>,
    pub(crate) answers: Receiver<'static>,
}

impl Page {
    /// The page that the hypervisor says is shared with the store.
    pub(crate) fn of<H: Hypervisor>(hypervisor: H) -> Option<(Self, Port)> {
        let StorePage { page, port } = hypervisor.store()?;
        Some((Self { start: page, rings: None }, port))
    }

    /// The rings; `None` while a reconnection is under way, which was so when the image started.
    pub(crate) fn rings(&mut self) -> Option<&mut Rings> {
        if self.rings.is_none() && self.connected() {
            self.rings = Some(self.open());
        }
        self.rings.as_mut()
    }

    fn open(&self) -> Rings {
        let data = |offset| NonNull::slice_from_raw_parts(self.at(offset), RING);
        let word = |offset| self.at(offset).cast::<u32>();
        // SAFETY: an implementor of `Hypervisor` promises that the page is valid for as long as the image runs; nobody else in
        // this domain is given it;
        // data and indices lie in it, the indices aligned; and `rings` opens them once, so nobody here uses them otherwise.
        unsafe {
            Rings {
                requests: Sender::new(data(0), word(REQUEST_PRODUCER), word(REQUEST_CONSUMER)),
                answers: Receiver::new(data(RESPONSES), word(RESPONSE_PRODUCER), word(RESPONSE_CONSUMER)),
            }
        }
    }

    /// Whether the store is at the other end. Without that feature it always is.
    fn connected(&self) -> bool {
        self.features() & FEATURE_RECONNECTION == 0 || self.read(CONNECTION) == 0
    }

    /// Why the store gave the connection up, where it did.
    pub(crate) fn error(&self) -> Option<u32> {
        let error = if self.features() & FEATURE_ERROR == 0 { 0 } else { self.read(ERROR) };
        (error != 0).then_some(error)
    }

    fn features(&self) -> u32 {
        self.read(SERVER_FEATURES)
    }

    fn read(&self, offset: usize) -> u32 {
        // SAFETY: the page is valid, as above, so the word is and, as its offset is a multiple of 4, aligned. Whoever
        // else accesses it does so from another domain.
        unsafe { AtomicU32::from_ptr(self.at(offset).cast().as_ptr()) }.load(Ordering::Acquire)
    }

    fn at(&self, offset: usize) -> NonNull<u8> {
        // SAFETY: the offsets above lie in the page.
        unsafe { self.start.add(offset) }
    }
}
