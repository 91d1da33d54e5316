//! File descriptors as event sources.

use alloc::boxed::Box;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::RefCell;
use core::time::Duration;

use iface_clock::{Clock, Instant};
use iface_events::{Events, Handler, Source, SubscribeError};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fd::BorrowedFd;
use rustix::fs::{OFlags, fcntl_getfl};

use crate::clock::{LinuxClock, timespec};

/// Descriptors that fire while they can be read, or report an error or hang-up (`ppoll`, level-triggered). A
/// [`Source`] is the number of the descriptor, which must stay open from then on.
///
/// The cost of a call grows with the number of sources: a room that watches many descriptors watches them by an epoll
/// instance and subscribes that one.
#[derive(Clone, Copy)]
pub struct LinuxEvents {
    table: &'static Table,
    clock: LinuxClock,
}

#[derive(Default)]
struct Table {
    descriptors: RefCell<Vec<PollFd<'static>>>,
    /// Handlers by position in `descriptors`, held by count so that one may subscribe further ones.
    handlers: RefCell<Vec<Rc<Handler>>>,
}

impl LinuxEvents {
    /// No sources yet; deadlines are of `clock`.
    pub fn new(clock: LinuxClock) -> Self {
        Self { table: Box::leak(Box::default()), clock }
    }

    /// Waits for the sources for at most `timeout`, calls the handlers of those that fired, and says whether there
    /// were any.
    fn dispatch(&self, timeout: Option<Duration>) -> bool {
        let fired = self.table.fired(timeout);
        for position in &fired {
            let handler = Rc::clone(&self.table.handlers.borrow()[*position]);
            handler();
        }
        !fired.is_empty()
    }
}

impl Table {
    /// The positions of the sources that fire. Empty after an interruption by a signal.
    fn fired(&self, timeout: Option<Duration>) -> Vec<usize> {
        let mut descriptors = self.descriptors.borrow_mut();
        let timeout = timeout.map(timespec);
        match poll(&mut descriptors, timeout.as_ref()) {
            Ok(1..) => {}
            _ => return Vec::new(),
        }
        descriptors.iter().enumerate().filter(|(_, fd)| !fd.revents().is_empty()).map(|(at, _)| at).collect()
    }
}

impl Events for LinuxEvents {
    fn subscribe(&self, source: Source, handler: Handler) -> Result<(), SubscribeError> {
        let fd = open_descriptor(source).ok_or(SubscribeError::NoSuchSource)?;
        self.table.descriptors.borrow_mut().push(PollFd::from_borrowed_fd(fd, PollFlags::IN));
        self.table.handlers.borrow_mut().push(Rc::new(handler));
        Ok(())
    }

    fn poll(&self) -> bool {
        self.dispatch(Some(Duration::ZERO))
    }

    fn wait(&self, deadline: Option<Instant>) {
        self.dispatch(deadline.map(|deadline| deadline.since(self.clock.now())));
    }
}

/// The descriptor of `source`, if it is open and can be read from.
fn open_descriptor(source: Source) -> Option<BorrowedFd<'static>> {
    let number = i32::try_from(source.0).ok()?;
    // SAFETY: the subscriber keeps it open. Where it does not, the kernel answers that it is closed, or the handler
    // of another room is called without need; no memory is at stake.
    let fd = unsafe { BorrowedFd::borrow_raw(number) };
    let flags = fcntl_getfl(fd).ok()?;
    (flags & OFlags::RWMODE != OFlags::WRONLY).then_some(fd)
}

#[cfg(test)]
mod tests {
    extern crate std;
    use core::cell::Cell;
    use std::io::{PipeReader, PipeWriter, Read, Write, pipe};
    use std::os::fd::AsRawFd;

    use super::*;

    fn events() -> LinuxEvents {
        LinuxEvents::new(LinuxClock::start())
    }

    /// A pipe whose reading end is subscribed and drained by its handler, and how often that was called.
    fn subscribed(events: LinuxEvents) -> (PipeWriter, Rc<Cell<u32>>) {
        let (reader, writer): (PipeReader, PipeWriter) = pipe().unwrap();
        let count = Rc::new(Cell::new(0));
        let counted = Rc::clone(&count);
        let source = Source(reader.as_raw_fd() as u32);
        let handler = move || {
            (&reader).read_exact(&mut [0]).unwrap();
            counted.set(counted.get() + 1);
        };
        events.subscribe(source, Box::new(handler)).unwrap();
        (writer, count)
    }

    #[test]
    fn a_readable_descriptor_fires() {
        let events = events();
        let ((mut one, ones), (_two, twos)) = (subscribed(events), subscribed(events));
        assert!(!events.poll());
        one.write_all(b"x").unwrap();
        assert!(events.poll());
        assert!(!events.poll());
        assert_eq!((ones.get(), twos.get()), (1, 0));
    }

    #[test]
    fn waiting_ends_at_the_deadline_and_not_before() {
        let events = events();
        let (_writer, _count) = subscribed(events);
        let deadline = events.clock.now() + Duration::from_micros(3300);
        events.wait(Some(deadline));
        let late = events.clock.now().since(deadline);
        assert!(events.clock.now() >= deadline && late < Duration::from_secs(1), "{late:?}");
    }

    #[test]
    fn waiting_ends_when_something_fires() {
        let events = events();
        let (mut writer, count) = subscribed(events);
        let writing = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(5));
            writer.write_all(b"x").unwrap();
            writer
        });
        events.wait(None);
        assert_eq!(count.get(), 1);
        writing.join().unwrap();
    }

    #[test]
    fn a_past_deadline_does_not_wait() {
        events().wait(Some(Instant::START));
    }

    #[test]
    fn what_is_not_open_for_reading_is_no_source() {
        let (_reader, writer) = pipe().unwrap();
        for source in [Source(writer.as_raw_fd() as u32), Source(1_000_000), Source(u32::MAX)] {
            assert_eq!(events().subscribe(source, Box::new(|| ())), Err(SubscribeError::NoSuchSource));
        }
    }
}
