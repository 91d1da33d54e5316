//! The device: requests that are free, under way, and answered.

use alloc::{vec, vec::Vec};

use iface_scheduler::{Scheduler, ThreadId};
use virtio_drivers::{Hal, transport::Transport};
use virtio_ring::{Access, Answered, Request, Requests, RingError, Shape};

use crate::{
    facts::Facts,
    request::{HEADER_LENGTH, Operation},
};

/// `requestq` (VIRTIO 1.2, section 5.2.2).
const REQUEST_QUEUE: u16 = 0;

/// The device and its queue of `SIZE` slots.
pub(crate) struct Device<H, T, const SIZE: usize> {
    transport: T,
    requests: Requests<H, SIZE>,
    /// By number of request.
    tickets: Vec<Ticket>,
    /// How many faults there are when they are told of next.
    report_at: u64,
}

/// What became of a request.
#[derive(Default)]
enum Ticket {
    /// Nobody waits for it.
    #[default]
    Free,
    /// This thread does.
    Asked(ThreadId),
    /// It was answered, and its thread did not look yet.
    Answered(Answered),
}

impl<H: Hal, T: Transport, const SIZE: usize> Device<H, T, SIZE> {
    /// Sets up the queue of a device with which features were agreed, and has it begin.
    pub(crate) fn new(mut transport: T, facts: &Facts) -> Result<Self, RingError> {
        let shape = Shape { requests: u16::MAX, header_length: HEADER_LENGTH, data_length: facts.longest };
        let mut requests = Requests::new(&mut transport, REQUEST_QUEUE, shape, facts.event_index)?;
        // There is no answer yet that this could be late for.
        requests.arm(0);
        transport.finish_init();
        let mut tickets = vec![];
        tickets.resize_with(requests.shape().requests.into(), Ticket::default);
        Ok(Self { transport, requests, tickets, report_at: 1 })
    }

    /// Whether [`ask`](Self::ask) has a request left.
    pub(crate) fn has_room(&self) -> bool {
        self.requests.has_free()
    }

    /// Asks for something from `sector` on, with `length` bytes of data, that `fill` writes where the device is to read them.
    /// Returns the number to ask [`answer`](Self::answer) by; `None` where all requests are under way. The device is told
    /// at the next [`kick`](Self::kick).
    pub(crate) fn ask(
        &mut self,
        operation: Operation,
        sector: u64,
        length: u32,
        fill: impl FnOnce(&mut [u8]),
        thread: ThreadId,
    ) -> Option<u16> {
        let mut request = self.requests.take_free()?;
        operation.write_header(sector, request.header_mut());
        fill(request.data_mut());
        let number = request.number();
        self.tickets[usize::from(number)] = Ticket::Asked(thread);
        let access = if operation == Operation::Read { Access::Writes } else { Access::Reads };
        self.requests.offer(request, access, length);
        Some(number)
    }

    /// Tells the device of what was asked since the last time.
    pub(crate) fn kick(&mut self) {
        self.requests.kick(&mut self.transport);
    }

    /// What the device said to request `number`, once.
    pub(crate) fn answer(&mut self, number: u16) -> Option<Answered> {
        let ticket = &mut self.tickets[usize::from(number)];
        match core::mem::take(ticket) {
            Ticket::Answered(answered) => Some(answered),
            other => {
                *ticket = other;
                None
            }
        }
    }

    /// Has a request used again.
    pub(crate) fn give_back(&mut self, request: Request) {
        self.requests.give_back(request);
    }

    /// Takes what the device answered, and wakes who waits for it.
    pub(crate) fn collect(&mut self, scheduler: impl Scheduler) {
        self.transport.ack_interrupt();
        loop {
            while let Some(answered) = self.requests.take_answered() {
                let ticket = &mut self.tickets[usize::from(answered.request.number())];
                if let Ticket::Asked(thread) = core::mem::replace(ticket, Ticket::Answered(answered)) {
                    scheduler.unpark(thread);
                }
            }
            if self.requests.arm(0) {
                break;
            }
        }
        self.report_faults();
    }

    /// Tells of faults, each time that there are twice as many: no device can fill the log.
    fn report_faults(&mut self) {
        let count = self.requests.faults();
        if count >= self.report_at {
            self.report_at = count.saturating_mul(2);
            log::warn!("{count} answers of the disk that can't be");
        }
    }
}
