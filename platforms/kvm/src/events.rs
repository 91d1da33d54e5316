//! Interrupt lines and the timer, by local and I/O APICs.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::cell::{Cell, OnceCell, RefCell};
use core::ops::Range;

use iface_clock::{Clock, Duration, Instant};
use iface_dma::Dma;
use iface_events::{Events, Handler, Source, SubscribeError};
use x86_64::apic::{IoApic, LocalApic};
use x86_64::interrupts::{self, FIRST_VECTOR};
use x86_64::paging::PAGE_SIZE;
use x86_64::x86::io::outb;
use x86_64::{SingleCore, cpuid};

use crate::acpi::{IoApicPlace, io_apics};
use crate::{Kvm, clock, init};

/// Where QEMU's machines have their I/O APICs, for one that has no ACPI; the second is microvm's alone.
const USUAL_IO_APICS: [IoApicPlace; 2] = [
    IoApicPlace { address: 0xfec0_0000, first: Source(0) },
    IoApicPlace { address: 0xfec1_0000, first: Source(24) },
];
/// More I/O APICs than this are not looked at: there are vectors for the lines of two.
const MOST_IO_APICS: usize = 8;
const IO_APIC_SIZE: usize = 32;
const LOCAL_APIC_SIZE: usize = 4096;

/// Interrupts after the lines.
const TIMER: u8 = 48;
/// The last one: the local APIC of old wants all ones in the low bits of this vector.
const SPURIOUS: u8 = 63;

/// The interrupt masks of the two 8259A controllers, which the APICs replace.
const OLD_CONTROLLERS: [u16; 2] = [0x21, 0xa1];

/// Interrupts taken in one poll: a line that nobody quiets must not keep the image from everything else.
const BATCH: u32 = 64;

/// The interrupt controllers, set up.
struct Controllers {
    local: LocalApic,
    io: Vec<IoLines>,
    /// Whether the timer takes a deadline of the time-stamp counter.
    deadline: bool,
    /// Whether the timer will fire.
    armed: Cell<bool>,
    handlers: RefCell<Vec<Subscription>>,
    /// By bit the lines that were routed since the last poll. A line that was high before may have been forgotten.
    routed: Cell<u64>,
}

/// An I/O APIC, and which lines are its own.
struct IoLines {
    io: IoApic,
    lines: Range<u32>,
}

/// A line and its handler, which is never removed.
type Subscription = (u32, &'static dyn Fn());

// SAFETY: the image runs on one processor; the interrupt stubs do not use it.
static CONTROLLERS: SingleCore<OnceCell<Controllers>> = unsafe { SingleCore::new(OnceCell::new()) };

fn controllers() -> &'static Controllers {
    CONTROLLERS.get_or_init(Controllers::new)
}

/// The local APIC, turned on.
pub(crate) fn local_apic() -> &'static LocalApic {
    &controllers().local
}

impl Controllers {
    fn new() -> Self {
        for port in OLD_CONTROLLERS {
            // SAFETY: masks the old controllers, or has no effect where there are none.
            unsafe { outb(port, 0xff) };
        }
        // SAFETY: the registers are the local APIC's, mapped uncached.
        let local = unsafe { LocalApic::new(Kvm::registers(LocalApic::address(), LOCAL_APIC_SIZE)) };
        interrupts::load();
        local.enable(FIRST_VECTOR + SPURIOUS);
        let deadline = cpuid::has_tsc_deadline();
        if deadline {
            local.use_deadline(FIRST_VECTOR + TIMER);
        } else {
            local.use_countdown(FIRST_VECTOR + TIMER);
        }
        let mut io: Vec<_> = io_apics().take(MOST_IO_APICS).filter_map(IoLines::new).collect();
        if io.is_empty() {
            io.extend(USUAL_IO_APICS.into_iter().filter_map(IoLines::new));
        }
        Self {
            local,
            io,
            deadline,
            armed: Cell::default(),
            handlers: RefCell::default(),
            routed: Cell::default(),
        }
    }

    /// The controller of a line, and the line's number there.
    fn line(&self, line: u32) -> Option<(IoApic, u32)> {
        let owner = self.io.iter().find(|owner| owner.lines.contains(&line))?;
        Some((owner.io, line - owner.lines.start))
    }

    /// Calls the handlers of lines that were routed since the last poll: an I/O APIC forgets what a device signals on a
    /// line before it knows that the line is level-triggered.
    #[cold]
    #[inline(never)]
    fn catch_up(&self) {
        let mut routed = self.routed.take();
        while routed != 0 {
            self.call(routed.trailing_zeros() as u8);
            routed &= routed - 1;
        }
    }

    /// Calls the handlers of a line.
    fn call(&self, line: u8) {
        // A handler may subscribe another one: no borrow is held while it runs.
        let handler = |index: usize| self.handlers.borrow().get(index).copied();
        for (_, handler) in (0..).map_while(handler).filter(|(of, _)| *of == u32::from(line)) {
            handler();
        }
    }

    /// Calls the handlers of an interrupt that was taken. Only then may it come again: they have quieted the device.
    fn handle(&self, interrupt: u8) -> bool {
        if interrupt == SPURIOUS {
            return false;
        }
        if interrupt == TIMER {
            self.armed.set(false);
        }
        self.call(interrupt);
        self.local.end_of_interrupt();
        interrupt != TIMER
    }

    /// Has the timer fire after `delay`, or earlier where that is too long for it; never without one.
    fn arm(&self, delay: Option<Duration>) {
        let Some(delay) = delay else {
            if self.armed.replace(false) {
                self.set_timer(0, 0);
            }
            return;
        };
        self.armed.set(true);
        if self.deadline {
            self.set_timer(clock::tsc().saturating_add(counts(delay, clock::tsc_rate())), 0);
        } else {
            let count = counts(delay, clock::rates().countdown);
            self.set_timer(0, u32::try_from(count).unwrap_or(u32::MAX).max(1));
        }
    }

    fn set_timer(&self, deadline: u64, countdown: u32) {
        if self.deadline {
            self.local.set_deadline(deadline);
        } else {
            self.local.set_timer(countdown);
        }
    }
}

impl IoLines {
    /// Those of the I/O APIC at `place`, as far as there are vectors for them; `None` where there is none.
    fn new(place: IoApicPlace) -> Option<Self> {
        let page = place.address & !(PAGE_SIZE - 1);
        let is_whole = place.address.is_multiple_of(IO_APIC_SIZE as u64);
        if page == 0 || !is_whole || init::is_memory(&(page..page + PAGE_SIZE)) {
            return None;
        }
        // SAFETY: by the machine's own table, or as QEMU has them, nothing but an I/O APIC is there, or nothing. It is
        // no memory, and mapped uncached.
        let io = unsafe { IoApic::new(Kvm::registers(place.address, IO_APIC_SIZE)) };
        let first = place.first.0;
        let end = first.saturating_add(io.lines()).min(TIMER.into());
        (io.is_present() && first < end).then_some(Self { io, lines: first..end })
    }
}

/// Counts of a counter of `rate` Hz in `delay`, rounded up.
fn counts(delay: Duration, rate: u64) -> u64 {
    let counts = delay.as_nanos().saturating_mul(u128::from(rate)).div_ceil(1_000_000_000);
    u64::try_from(counts).unwrap_or(u64::MAX)
}

impl Events for Kvm {
    fn subscribe(&self, source: Source, handler: Handler) -> Result<(), SubscribeError> {
        let controllers = controllers();
        let (io, line) = controllers.line(source.0).ok_or(SubscribeError::NoSuchSource)?;
        let mut handlers = controllers.handlers.borrow_mut();
        handlers.try_reserve(1).map_err(|_| SubscribeError::Full)?;
        handlers.push((source.0, Box::leak(handler)));
        io.route(line, FIRST_VECTOR + source.0 as u8, controllers.local.id());
        controllers.routed.update(|routed| routed | 1 << source.0);
        Ok(())
    }

    fn poll(&self) -> bool {
        let Some(controllers) = CONTROLLERS.get() else { return false };
        let any_new = controllers.routed.get() != 0;
        if any_new {
            controllers.catch_up();
        }
        let taken = (0..BATCH).map_while(|_| interrupts::window());
        taken.fold(any_new, |any, interrupt| controllers.handle(interrupt) | any)
    }

    fn wait(&self, deadline: Option<Instant>) {
        let controllers = controllers();
        if self.poll() {
            return;
        }
        let delay = deadline.map(|deadline| deadline.since(self.now()));
        if delay == Some(Duration::ZERO) {
            return;
        }
        controllers.arm(delay);
        if let Some(interrupt) = interrupts::halt() {
            controllers.handle(interrupt);
            self.poll();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delay_is_never_cut_short() {
        assert_eq!(counts(Duration::from_nanos(1), 62_500_000), 1);
        assert_eq!(counts(Duration::from_secs(1), 62_500_000), 62_500_000);
        assert_eq!(counts(Duration::MAX, u64::MAX), u64::MAX);
    }
}
