//! The console: two rings of bytes in a page shared with the host (`io/console.h`).

use core::cell::RefCell;
use core::fmt::Write;
use core::ptr::NonNull;

use iface_clock::{Clock, Duration};
use iface_console::{Console, Writer};
use iface_event_channels::EventChannels;
use x86_64::SingleCore;
use xen_abi::Port;
use xen_ring::{Receiver, RingError, Sender};

use crate::machine::{SharedPage, machine};
use crate::{Xen, clock, hypercall, shared_info};

/// Bytes of the two rings, which the page begins with.
const INPUT: usize = 1024;
const OUTPUT: usize = 2048;
/// Where the indices lie, consumer before producer.
const INPUT_INDICES: usize = INPUT + OUTPUT;
const OUTPUT_INDICES: usize = INPUT_INDICES + 8;

/// How long a full ring is waited for before output is dropped.
const PATIENCE: Duration = Duration::from_secs(1);

struct Ring {
    output: Sender<'static>,
    input: Receiver<'static>,
    port: Port,
    /// Whether the host took nothing for too long, and is not waited for until it does again: the image is held up once,
    /// and not by each line.
    stuck: bool,
}

// SAFETY: the image runs on one processor. A report, made by a handler that never returns, may use it; `with_ring` sees
// where that broke in on somebody.
static RING: SingleCore<RefCell<Option<Ring>>> = unsafe { SingleCore::new(RefCell::new(None)) };

/// Has the console use this page from now on.
pub(crate) fn attach(shared: SharedPage) {
    // SAFETY: the page is the console's, valid as long as the image runs, and nobody else uses it here.
    RING.replace(Some(unsafe { Ring::new(shared) }));
}

/// Waits until the host has taken all that was written, but not for long.
pub(crate) fn drain() {
    with_ring(|ring| ring.wait_for(OUTPUT));
}

impl Ring {
    /// # Safety
    /// The page is valid for reads and writes as long as the ring is used, and nobody else in this domain uses it.
    unsafe fn new(SharedPage { page, port }: SharedPage) -> Self {
        let data = |offset, length| NonNull::slice_from_raw_parts(at(page, offset), length);
        let index = |offset| at(page, offset).cast();
        // SAFETY: the rings and indices are where the protocol has them, the indices aligned; the rest is the caller's.
        unsafe {
            let (consumer, producer) = (index(OUTPUT_INDICES), index(OUTPUT_INDICES + 4));
            let output = Sender::new(data(INPUT, OUTPUT), producer, consumer);
            let (consumer, producer) = (index(INPUT_INDICES), index(INPUT_INDICES + 4));
            let input = Receiver::new(data(0, INPUT), producer, consumer);
            Self { output, input, port, stuck: false }
        }
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), RingError> {
        let mut rest = bytes;
        while !rest.is_empty() && self.wait_for(1)? {
            rest = &rest[self.output.write(rest)?..];
            Xen.signal(self.port);
        }
        Ok(())
    }

    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, RingError> {
        let count = self.input.read(buffer)?;
        if count > 0 {
            Xen.signal(self.port);
        }
        Ok(count)
    }

    /// Waits until there is space for `space` bytes; false where the host does not make it in time.
    fn wait_for(&mut self, space: usize) -> Result<bool, RingError> {
        if self.output.space()? >= space {
            self.stuck = false;
            return Ok(true);
        }
        if self.stuck {
            return Ok(false);
        }
        let deadline = Xen.now() + PATIENCE;
        while Xen.now() < deadline {
            // Before the look at the ring: what the host takes after it ends the wait.
            shared_info::take_pending(self.port);
            if self.output.space()? >= space {
                return Ok(true);
            }
            hypercall::poll(&[self.port], Some(clock::system_time(deadline)));
        }
        self.stuck = true;
        Ok(false)
    }
}

/// The place `offset` bytes into the page.
fn at(page: NonNull<u8>, offset: usize) -> NonNull<u8> {
    // SAFETY: offsets here are within the page.
    unsafe { page.byte_add(offset) }
}

/// What `work` makes of the ring; `None` where there is none, or somebody uses it who was interrupted by an exception. A
/// host that breaks the protocol has no console any more.
fn with_ring<R>(work: impl FnOnce(&mut Ring) -> Result<R, RingError>) -> Option<R> {
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
