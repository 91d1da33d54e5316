//! The console: a pair of rings in a page shared with the host.

mod ring;

use core::cell::RefCell;
use core::fmt::Write;

use iface_clock::{Clock, Instant};
use iface_console::{Console, Writer};
use iface_event_channels::EventChannels;
use x86_64::SingleCore;
use xen_abi::Port;
use xen_ring::RingError;

use crate::machine::{SharedPage, machine};
use crate::{Xen, clock, hypercall, shared_info};
use ring::{Host, OUTPUT, Ring};

// SAFETY: the image runs on one processor. A report, made by a handler that never returns, may use it; `with_ring` sees
// where that broke in on somebody.
static RING: SingleCore<RefCell<Option<Ring<Port>>>> = unsafe { SingleCore::new(RefCell::new(None)) };

/// Has the console use this page from now on.
pub(crate) fn attach(SharedPage { page, port }: SharedPage) {
    // SAFETY: the page is the console's, valid as long as the image runs, and nobody else uses it here.
    RING.replace(Some(unsafe { Ring::new(page, port) }));
}

/// Waits until the host has taken all that was written, but not for long.
pub(crate) fn drain() {
    with_ring(|ring| ring.wait_for(OUTPUT));
}

impl Host for Port {
    fn signal(&self) {
        Xen.signal(*self);
    }

    fn forget(&self) {
        shared_info::take_pending(*self);
    }

    fn wait(&self, deadline: Instant) {
        hypercall::poll(&[*self], Some(clock::system_time(deadline)));
    }

    fn now(&self) -> Instant {
        Xen.now()
    }
}

/// What `work` makes of the ring; `None` where there is none, or somebody uses it who was interrupted by an exception. A
/// host that breaks the protocol has no console any more.
fn with_ring<R>(work: impl FnOnce(&mut Ring<Port>) -> Result<R, RingError>) -> Option<R> {
    let mut place = RING.try_borrow_mut().ok()?;
    let result = work(place.as_mut()?);
    if let Err(error) = result {
        *place = None;
        drop(place);
        // To whom else it can.
        let _ = writeln!(Writer(Xen), "console: {error}; it is not used any more");
    }
    result.ok()
}

impl Console for Xen {
    fn write(&self, bytes: &[u8]) {
        if with_ring(|ring| ring.write(bytes)).is_none() {
            machine().early_write(bytes);
        }
    }

    fn read(&self, buffer: &mut [u8]) -> usize {
        with_ring(|ring| ring.read(buffer)).unwrap_or(0)
    }
}
