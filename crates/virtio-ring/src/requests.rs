//! A virtqueue of requests, each a chain: a header, data, and a status.

use core::{marker::PhantomData, sync::atomic::Ordering::Relaxed};

use virtio_drivers::{Hal, PhysAddr, transport::Transport};

use crate::{
    Access, Request, RingError,
    memory::{self, Memory},
    queue::Queue,
    shared::{DESCRIPTOR_NEXT, DESCRIPTOR_WRITE},
    slots::Slots,
};

/// Headers begin on cache lines, 64 bytes long.
const CONTROL_ALIGNMENT: usize = 64;
/// Descriptors that a request has for itself; it uses three of them at most: header, data, status.
const CHAIN: u16 = 4;

/// How many requests a queue has, and how long each can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Requests under way at most; no more are made than the queue has four descriptors for each.
    pub requests: u16,
    /// Bytes of the header.
    pub header_length: u16,
    /// Most bytes of data, in one descriptor.
    pub data_length: u32,
}

/// A request that the device answered.
#[derive(Debug)]
pub struct Answered {
    /// The driver's again.
    pub request: Request,
    /// Bytes that the device says it wrote, of the data and the status. Not to be trusted.
    pub length: u32,
}

/// A split virtqueue of `SIZE` descriptors, `SIZE` a power of two from 4 to 32768, for requests of one [`Shape`].
pub struct Requests<H, const SIZE: usize> {
    queue: Queue<SIZE>,
    slots: Slots<SIZE>,
    shape: Shape,
    data: Memory,
    control: Memory,
    control_stride: usize,
    hal: PhantomData<fn() -> H>,
}

impl<H: Hal, const SIZE: usize> Requests<H, SIZE> {
    /// Sets up `queue` of the device, with requests that are all free. Interrupts are off.
    ///
    /// # Errors
    /// As [`RingError`] says.
    pub fn new(
        transport: &mut impl Transport,
        queue: u16,
        shape: Shape,
        event_index: bool,
    ) -> Result<Self, RingError> {
        const { assert!(SIZE >= CHAIN as usize, "a request has a header, data and a status") };
        let shape = Shape { requests: shape.requests.clamp(1, SIZE as u16 / CHAIN), ..shape };
        let count = usize::from(shape.requests);
        let control_stride = (usize::from(shape.header_length) + 1).next_multiple_of(CONTROL_ALIGNMENT);
        let bytes = count * shape.data_length as usize;
        let out_of_memory = RingError::OutOfMemory { bytes };
        let mut queue = Queue::new::<H>(transport, queue, event_index)?.ok_or(out_of_memory)?;
        let data = memory::allocate::<H>(bytes).ok_or(out_of_memory)?;
        let control = memory::allocate::<H>(count * control_stride).ok_or(out_of_memory)?;
        for (next, descriptor) in (1..).zip(queue.descriptors()) {
            descriptor.next.store(next, Relaxed);
        }
        queue.connect(transport);
        Ok(Self { queue, slots: Slots::new(count), shape, data, control, control_stride, hal: PhantomData })
    }

    /// The shape that was made of the one asked for.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// A free request.
    #[inline]
    pub fn take_free(&mut self) -> Option<Request> {
        let number = self.slots.take_free()?;
        Some(self.token(number))
    }

    /// Whether [`take_free`](Self::take_free) would give one.
    #[inline]
    pub fn has_free(&self) -> bool {
        self.slots.has_free()
    }

    /// Puts a request to the free ones. One of another queue is dropped.
    #[inline]
    pub fn give_back(&mut self, request: Request) {
        if self.is_ours(&request) {
            self.slots.give_back(request.number());
        }
    }

    /// Gives a request to the device, with the first `length` bytes of its data, at most all, for this access; it is told
    /// at the next [`kick`](Self::kick). A request of another queue is dropped.
    #[inline]
    pub fn offer(&mut self, mut request: Request, access: Access, length: u32) {
        if !self.is_ours(&request) {
            return;
        }
        request.clear_status();
        let number = request.number();
        self.slots.lend(number);
        let head = number * CHAIN;
        let data = self.data.address + PhysAddr::from(number) * PhysAddr::from(self.shape.data_length);
        let control = self.control.address + (usize::from(number) * self.control_stride) as PhysAddr;
        let header_length = self.shape.header_length;
        let length = length.min(self.shape.data_length);
        self.describe(head, control, header_length.into(), DESCRIPTOR_NEXT);
        let mut last = head + 1;
        if length != 0 {
            let flags = DESCRIPTOR_NEXT | if access == Access::Writes { DESCRIPTOR_WRITE } else { 0 };
            self.describe(last, data, length, flags);
            last += 1;
        }
        self.describe(last, control + PhysAddr::from(header_length), 1, DESCRIPTOR_WRITE);
        self.queue.publish(head);
    }

    /// The next request that the device answered.
    #[inline]
    pub fn take_answered(&mut self) -> Option<Answered> {
        let index = self.queue.used_index();
        while let Some((head, length)) = self.queue.take_used(index) {
            let number = if head.is_multiple_of(CHAIN.into()) {
                self.slots.claim(head / u32::from(CHAIN))
            } else {
                None
            };
            if let Some(number) = number {
                return Some(Answered { request: self.token(number), length });
            }
            self.queue.count_fault();
        }
        None
    }

    /// As [`Ring::kick`](crate::Ring::kick).
    #[inline]
    pub fn kick(&mut self, transport: &mut impl Transport) {
        self.queue.kick(transport);
    }

    /// As [`Ring::arm`](crate::Ring::arm), with requests for buffers.
    #[inline]
    pub fn arm(&mut self, others: u16) -> bool {
        self.queue.arm(others)
    }

    /// As [`Ring::disarm`](crate::Ring::disarm).
    #[inline]
    pub fn disarm(&mut self) {
        self.queue.disarm();
    }

    /// How often the device answered what it was not asked, or jumped with its index.
    pub fn faults(&self) -> u64 {
        self.queue.faults()
    }

    #[inline]
    fn describe(&self, index: u16, address: PhysAddr, length: u32, flags: u16) {
        let descriptor = &self.queue.descriptors()[usize::from(index)];
        descriptor.address.store(address, Relaxed);
        descriptor.length.store(length, Relaxed);
        descriptor.flags.store(flags, Relaxed);
    }

    /// The token of request `number`, which its last owner just gave up: the free ones, or the device.
    #[inline]
    fn token(&self, number: u16) -> Request {
        let index = usize::from(number);
        // SAFETY:
        // 1. `slots` has numbers below `shape.requests` alone, for each of which `new` allocated `data_length` zeroed
        //    bytes and `control_stride` more, which hold a header and a status; nothing of it is ever freed.
        // 2. This is the only token: both callers took `number` out of `slots`, and it came there by consuming the token
        //    (`give_back`, `offer`) or in `new`, before there was any.
        // 3. The device does not write: it never had the request since, or it answered it.
        unsafe {
            let data = self.data.pointer.add(index * self.shape.data_length as usize);
            let control = self.control.pointer.add(index * self.control_stride);
            Request::new(data, control, self.shape, number)
        }
    }

    #[inline]
    fn is_ours(&self, request: &Request) -> bool {
        let offset = request.data_pointer().addr().get().wrapping_sub(self.data.pointer.addr().get());
        request.number() < self.shape.requests
            && offset == usize::from(request.number()) * self.shape.data_length as usize
    }
}
