//! The two rings of bytes in the console's page (`io/console.h`), and waiting for who is at their other ends.

use core::ptr::NonNull;

use iface_clock::{Duration, Instant};
use xen_ring::{Receiver, RingError, Sender};

/// Bytes of the two rings, which the page begins with.
const INPUT: usize = 1024;
pub(super) const OUTPUT: usize = 2048;
/// Where the indices lie, consumer before producer.
const INPUT_INDICES: usize = INPUT + OUTPUT;
const OUTPUT_INDICES: usize = INPUT_INDICES + 8;

/// How long a full ring is waited for before output is dropped.
const PATIENCE: Duration = Duration::from_secs(1);

/// Who is at the other ends, by the channel of the rings.
pub(super) trait Host {
    /// Says that there is something to do.
    fn signal(&self);

    /// Forgets what it signalled so far.
    fn forget(&self);

    /// Waits until it signals, or signalled since [`forget`](Host::forget), or for `deadline`. May return early.
    fn wait(&self, deadline: Instant);

    /// The time.
    fn now(&self) -> Instant;
}

/// The rings.
pub(super) struct Ring<H> {
    output: Sender<'static>,
    input: Receiver<'static>,
    host: H,
    /// Whether the host took nothing for too long, and is not waited for until it does again: the image is held up once,
    /// and not by each line.
    stuck: bool,
}

impl<H: Host> Ring<H> {
    /// # Safety
    /// The page is valid for reads and writes as long as the rings are used, and nobody else in this domain uses it.
    pub unsafe fn new(page: NonNull<u8>, host: H) -> Self {
        // SAFETY: the rings and indices are within the page, where the protocol has them, the indices aligned; the rest is
        // the caller's.
        unsafe {
            let data = |offset, length| NonNull::slice_from_raw_parts(page.byte_add(offset), length);
            let index = |offset| page.byte_add(offset).cast();
            let (consumer, producer) = (index(OUTPUT_INDICES), index(OUTPUT_INDICES + 4));
            let output = Sender::new(data(INPUT, OUTPUT), producer, consumer);
            let (consumer, producer) = (index(INPUT_INDICES), index(INPUT_INDICES + 4));
            let input = Receiver::new(data(0, INPUT), producer, consumer);
            Self { output, input, host, stuck: false }
        }
    }

    /// Writes all of `bytes`, or as many as the host takes in time.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), RingError> {
        let mut rest = bytes;
        while !rest.is_empty() && self.wait_for(1)? {
            rest = &rest[self.output.write(rest)?..];
            self.host.signal();
        }
        Ok(())
    }

    /// Reads what is there.
    pub fn read(&mut self, buffer: &mut [u8]) -> Result<usize, RingError> {
        let count = self.input.read(buffer)?;
        if count > 0 {
            self.host.signal();
        }
        Ok(count)
    }

    /// Waits until there is space for `space` bytes; false where the host does not make it in time.
    pub fn wait_for(&mut self, space: usize) -> Result<bool, RingError> {
        if self.output.space()? >= space {
            self.stuck = false;
            return Ok(true);
        }
        if self.stuck {
            return Ok(false);
        }
        let deadline = self.host.now() + PATIENCE;
        while self.host.now() < deadline {
            // Before the look at the ring: what the host takes after it ends the wait.
            self.host.forget();
            if self.output.space()? >= space {
                return Ok(true);
            }
            self.host.wait(deadline);
        }
        self.stuck = true;
        Ok(false)
    }
}

#[cfg(test)]
mod tests {
    use std::boxed::Box;
    use std::cell::{Cell, RefCell};
    use std::vec::Vec;

    use super::*;

    #[repr(C, align(4096))]
    struct Page([u8; 4096]);

    /// A host that takes up to so many bytes in each wait, after a millisecond; with 0 it takes none, and time passes.
    struct Fake {
        page: NonNull<u8>,
        takes: Cell<u32>,
        taken: RefCell<Vec<u8>>,
        now: Cell<u64>,
        signals: Cell<u32>,
    }

    impl Fake {
        fn index(&self, offset: usize) -> *mut u32 {
            // SAFETY: within the page.
            unsafe { self.page.byte_add(offset).cast().as_ptr() }
        }

        /// Takes bytes as the host does.
        fn take(&self, most: u32) {
            let (consumer, producer) = (self.index(OUTPUT_INDICES), self.index(OUTPUT_INDICES + 4));
            // SAFETY: one thread uses the page, and it is leaked.
            unsafe {
                for _ in 0..most.min((*producer).wrapping_sub(*consumer)) {
                    let place = INPUT + *consumer as usize % OUTPUT;
                    self.taken.borrow_mut().push(*self.page.byte_add(place).as_ptr());
                    *consumer = (*consumer).wrapping_add(1);
                }
            }
        }
    }

    impl Host for &Fake {
        fn signal(&self) {
            self.signals.update(|signals| signals + 1);
        }

        fn forget(&self) {}

        fn wait(&self, deadline: Instant) {
            let now = if self.takes.get() > 0 { self.now.get() + 1_000_000 } else { deadline.as_nanos() };
            self.now.set(now);
            self.take(self.takes.get());
        }

        fn now(&self) -> Instant {
            Instant::from_nanos(self.now.get())
        }
    }

    fn ring(takes: u32) -> (&'static Fake, Ring<&'static Fake>) {
        let page = NonNull::from(Box::leak(Box::new(Page([0; 4096])))).cast();
        let (taken, now, signals) = (RefCell::default(), Cell::default(), Cell::default());
        let fake = Box::leak(Box::new(Fake { page, takes: Cell::new(takes), taken, now, signals }));
        // Indices run freely, and wrap in the midst of the tests.
        for offset in [INPUT_INDICES, INPUT_INDICES + 4, OUTPUT_INDICES, OUTPUT_INDICES + 4] {
            // SAFETY: as above.
            unsafe { *fake.index(offset) = u32::MAX - 1000 };
        }
        // SAFETY: the page is leaked, and the fake takes turns with the ring.
        (fake, unsafe { Ring::new(page, &*fake) })
    }

    fn text(length: usize) -> Vec<u8> {
        (0..length).map(|at| (at % 251) as u8).collect()
    }

    #[test]
    fn more_than_the_ring_holds_goes_out_as_the_host_takes_it() {
        let (fake, mut ring) = ring(700);
        ring.write(&text(10_000)).unwrap();
        assert_eq!(ring.wait_for(OUTPUT), Ok(true), "all is out");
        assert_eq!(*fake.taken.borrow(), text(10_000));
        assert!(fake.signals.get() > 0);
    }

    #[test]
    fn a_host_that_takes_nothing_costs_a_second_once() {
        let (fake, mut ring) = ring(0);
        ring.write(&text(5_000)).unwrap();
        assert_eq!(fake.now.get(), 1_000_000_000);
        ring.write(b"lost").unwrap();
        assert_eq!(ring.wait_for(OUTPUT), Ok(false));
        assert_eq!(fake.now.get(), 1_000_000_000, "not waited for again");
        fake.take(u32::MAX);
        assert_eq!(*fake.taken.borrow(), text(OUTPUT), "what was lost is the end");
        ring.write(b"back").unwrap();
        fake.take(u32::MAX);
        assert!(fake.taken.borrow().ends_with(b"back"));
        ring.write(&text(5_000)).unwrap();
        assert_eq!(fake.now.get(), 2_000_000_000, "waited for again, as it took some");
    }

    #[test]
    fn input_is_read_once() {
        let (fake, mut ring) = ring(0);
        for (place, byte) in (0..).zip(b"yes\n") {
            let producer = fake.index(INPUT_INDICES + 4);
            // SAFETY: as above.
            unsafe {
                let at = (*producer).wrapping_add(place) as usize % INPUT;
                *fake.page.byte_add(at).as_ptr() = *byte;
            }
        }
        // SAFETY: as above.
        unsafe { *fake.index(INPUT_INDICES + 4) += 4 };
        let mut buffer = [0; 3];
        assert_eq!((ring.read(&mut buffer), &buffer), (Ok(3), b"yes"));
        assert_eq!(ring.read(&mut buffer), Ok(1));
        assert_eq!((ring.read(&mut buffer), fake.signals.get()), (Ok(0), 2));
    }

    #[test]
    fn a_host_with_impossible_indices_is_found_out() {
        for (offset, lie) in [(OUTPUT_INDICES, 5_000u32), (INPUT_INDICES + 4, 5_000)] {
            let (fake, mut ring) = ring(0);
            // SAFETY: as above.
            unsafe { *fake.index(offset) = (*fake.index(offset)).wrapping_add(lie) };
            let found = (ring.write(&text(10)).is_err(), ring.read(&mut [0; 9]).is_err());
            let expected = if offset == OUTPUT_INDICES { (true, false) } else { (false, true) };
            assert_eq!(found, expected, "index at {offset:#x}");
        }
    }
}
