//! Wishes that the process ends: SIGTERM and SIGINT.

use alloc::boxed::Box;
use core::ffi::c_int;
use core::sync::atomic::{AtomicI32, Ordering};

use iface_events::{Events, Source};
use iface_shutdown::{Handler, Handlers, Shutdown, Unheard, Wish};
use linux_raw_sys::general::{SA_ONSTACK, SA_RESTART, SIGINT, SIGTERM};
use rustix::event::{EventfdFlags, eventfd};
use rustix::fd::{IntoRawFd, OwnedFd};
use rustix::io::read;

use crate::events::LinuxEvents;
use crate::system_call::{action, is_ignored, on_signal, write_number};

const SIGNALS: [u32; 2] = [SIGTERM, SIGINT];

/// The event counter that the signals' handler writes to; -1 before there is one.
static COUNTER: AtomicI32 = AtomicI32::new(-1);

/// The first of the signals is a wish, and the next one ends the process at once: so does what does not heed the first.
#[derive(Clone, Copy)]
pub struct LinuxShutdown {
    events: LinuxEvents,
    handlers: &'static Handlers,
}

impl LinuxShutdown {
    /// Wishes are told among `events`.
    pub(crate) fn new(events: LinuxEvents) -> Self {
        Self { events, handlers: Box::leak(Box::default()) }
    }

    fn watch_signals(self) -> Result<(), Unheard> {
        let flags = EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK;
        let counter = eventfd(0, flags).map_err(|_| Unheard("the kernel has no more descriptors"))?;
        let number = self.subscribe(counter)?;
        COUNTER.store(number, Ordering::Relaxed);
        // Who started the process may have wanted it deaf to them, as shells do with what runs in the background.
        for signal in SIGNALS.into_iter().filter(|signal| !is_ignored(*signal)) {
            let mut action = action(Some(on_wish), SA_ONSTACK | SA_RESTART);
            action.sa_mask.sig = [SIGNALS.iter().fold(0, |mask, signal| mask | 1 << (signal - 1))];
            // SAFETY: the handler touches no state of the image but an atomic number.
            unsafe { on_signal(signal, &action) }
                .map_err(|_| Unheard("the kernel refuses a signal's handler"))?;
        }
        Ok(())
    }

    /// Has the handlers told of what is written to the counter, whose number this gives.
    fn subscribe(self, counter: OwnedFd) -> Result<c_int, Unheard> {
        let handlers = self.handlers;
        let number = counter.into_raw_fd();
        let look = move || {
            let mut signal = [0; 8];
            // SAFETY: the counter is never closed.
            let counter = unsafe { rustix::fd::BorrowedFd::borrow_raw(number) };
            if read(counter, &mut signal).is_ok() {
                handlers.tell(wish(u64::from_ne_bytes(signal)));
            }
        };
        let subscribed = self.events.subscribe(Source(number.cast_unsigned()), Box::new(look));
        subscribed.map_err(|_| Unheard("an event counter is no source"))?;
        Ok(number)
    }
}

impl Shutdown for LinuxShutdown {
    fn on_wish(&self, handler: Handler) -> Result<(), Unheard> {
        if self.handlers.is_empty() {
            self.watch_signals()?;
        }
        self.handlers.add(handler);
        Ok(())
    }
}

fn wish(signal: u64) -> Wish {
    if signal == u64::from(SIGINT) { Wish::Interrupt } else { Wish::PowerOff }
}

/// Tells of the first signal, and has the next one do what it does to every process. Both are held off meanwhile.
unsafe extern "C" fn on_wish(signal: c_int) {
    for signal in SIGNALS.into_iter().filter(|signal| !is_ignored(*signal)) {
        // SAFETY: no handler is set. The kernel took an action for it before, and takes this one.
        let _ = unsafe { on_signal(signal, &action(None, 0)) };
    }
    write_number(COUNTER.load(Ordering::Relaxed), u64::from(signal.cast_unsigned()));
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::os::unix::process::ExitStatusExt;
    use std::process::Command;
    use std::time::Duration;

    use iface_clock::Clock;

    use super::*;
    use crate::clock::LinuxClock;
    use crate::fault;

    /// Runs one of the tests below, which end their process; gives its exit status and the signal that ended it. The signals
    /// have their default effect at first, whatever was started in the background before.
    fn end_of(test: &str) -> (Option<i32>, Option<i32>) {
        let name = std::format!("shutdown::tests::{test}");
        let arguments = ["--exact", &name, "--ignored", "--nocapture"];
        let mut child = Command::new("env");
        child.arg("--default-signal=INT,TERM").arg(std::env::current_exe().unwrap()).args(arguments);
        let child = child.output().unwrap();
        (child.status.code(), child.status.signal())
    }

    #[test]
    fn the_first_signal_is_told() {
        assert_eq!(end_of("is_terminated"), (Some(15), None));
        assert_eq!(end_of("is_interrupted"), (Some(2), None));
    }

    #[test]
    fn the_second_signal_ends_the_process() {
        assert_eq!(end_of("does_not_heed"), (None, Some(2)));
    }

    #[test]
    #[ignore = "ends its process"]
    fn is_terminated() {
        ends_itself(SIGTERM);
    }

    #[test]
    #[ignore = "ends its process"]
    fn is_interrupted() {
        ends_itself(SIGINT);
    }

    #[test]
    #[ignore = "ends its process"]
    fn does_not_heed() {
        let (shutdown, events) = shutdown();
        shutdown.on_wish(Box::new(|_| ())).unwrap();
        raise(SIGTERM);
        events.wait(Some(LinuxClock::start().now() + Duration::from_secs(5)));
        raise(SIGINT);
        std::thread::sleep(Duration::from_secs(5));
    }

    fn shutdown() -> (LinuxShutdown, LinuxEvents) {
        fault::install().unwrap();
        let events = LinuxEvents::new(LinuxClock::start());
        (LinuxShutdown::new(events), events)
    }

    /// Ends with the number of the signal that the wish is of.
    fn ends_itself(signal: u32) {
        let (shutdown, events) = shutdown();
        let end = |wish| std::process::exit(if wish == Wish::Interrupt { 2 } else { 15 });
        shutdown.on_wish(Box::new(end)).unwrap();
        assert!(!events.poll());
        raise(signal);
        events.wait(Some(LinuxClock::start().now() + Duration::from_secs(5)));
    }

    fn raise(signal: u32) {
        let signal = rustix::process::Signal::from_named_raw(signal.cast_signed()).unwrap();
        rustix::process::kill_process(rustix::process::getpid(), signal).unwrap();
    }
}
