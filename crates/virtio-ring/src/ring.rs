//! The driver's side of a virtqueue.

use core::{marker::PhantomData, sync::atomic::Ordering::Relaxed};

use virtio_drivers::{Hal, PhysAddr, transport::Transport};

use crate::{
    Buffer,
    memory::{self, Memory},
    queue::Queue,
    shared::DESCRIPTOR_WRITE,
    slots::Slots,
};

/// Buffers begin on cache lines, 64 bytes long, so that the device's writes disturb no neighbour.
pub(crate) const BUFFER_ALIGNMENT: usize = 64;

/// What the device does with the buffers of a ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// It reads them.
    Reads,
    /// It writes them.
    Writes,
}

/// Why there is no ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RingError {
    /// The device has no such queue, or uses it already.
    Unavailable,
    /// The device's queue has fewer slots.
    TooShort {
        /// Slots that it has.
        offered: u32,
        /// Slots that were asked for.
        wanted: usize,
    },
    /// There is no memory for the ring or for its buffers.
    OutOfMemory {
        /// Bytes that were asked for.
        bytes: usize,
    },
}

impl core::fmt::Display for RingError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Unavailable => f.write_str("the device has no such queue, or uses it already"),
            Self::TooShort { offered, wanted } => {
                write!(f, "the device's queue has {offered} slots, and {wanted} were chosen")
            }
            Self::OutOfMemory { bytes } => write!(f, "no contiguous memory for {bytes} bytes of buffers"),
        }
    }
}

impl core::error::Error for RingError {}

/// A buffer that the device returned.
#[derive(Debug)]
pub struct Used {
    /// The driver's again.
    pub buffer: Buffer,
    /// Bytes that the device says it wrote. Not to be trusted.
    pub length: u32,
}

/// A split virtqueue of `SIZE` buffers, `SIZE` a power of two up to 32768.
pub struct Ring<H, const SIZE: usize> {
    queue: Queue<SIZE>,
    slots: Slots<SIZE>,
    buffers: Memory,
    buffer_length: u32,
    stride: usize,
    hal: PhantomData<fn() -> H>,
}

impl<H: Hal, const SIZE: usize> Ring<H, SIZE> {
    /// Sets up `queue` of the device, with buffers of `buffer_length` bytes that are all free. Interrupts are off.
    ///
    /// # Errors
    /// As [`RingError`] says.
    pub fn new(
        transport: &mut impl Transport,
        queue: u16,
        access: Access,
        buffer_length: u32,
        event_index: bool,
    ) -> Result<Self, RingError> {
        let stride = (buffer_length as usize).next_multiple_of(BUFFER_ALIGNMENT);
        let out_of_memory = RingError::OutOfMemory { bytes: stride * SIZE };
        let mut queue = Queue::new::<H>(transport, queue, event_index)?.ok_or(out_of_memory)?;
        let buffers = memory::allocate::<H>(stride * SIZE).ok_or(out_of_memory)?;
        let flags = if access == Access::Writes { DESCRIPTOR_WRITE } else { 0 };
        for (id, descriptor) in queue.descriptors().iter().enumerate() {
            descriptor.address.store(buffers.address + (id * stride) as PhysAddr, Relaxed);
            descriptor.length.store(buffer_length, Relaxed);
            descriptor.flags.store(flags, Relaxed);
        }
        queue.connect(transport);
        Ok(Self { queue, slots: Slots::new(SIZE), buffers, buffer_length, stride, hal: PhantomData })
    }

    /// A free buffer.
    #[inline]
    pub fn take_free(&mut self) -> Option<Buffer> {
        let id = self.slots.take_free()?;
        Some(self.token(id))
    }

    /// Whether [`take_free`](Ring::take_free) would give one.
    #[inline]
    pub fn has_free(&self) -> bool {
        self.slots.has_free()
    }

    /// Puts a buffer to the free ones. One of another ring is dropped.
    #[inline]
    pub fn give_back(&mut self, buffer: Buffer) {
        if self.is_ours(&buffer) {
            self.slots.give_back(buffer.id());
        }
    }

    /// Gives the first `length` bytes of a buffer to the device, at most all of it; it is told at the next
    /// [`kick`](Ring::kick). A buffer of another ring is dropped.
    #[inline]
    pub fn offer(&mut self, buffer: Buffer, length: u32) {
        if !self.is_ours(&buffer) {
            return;
        }
        let id = buffer.id();
        self.slots.lend(id);
        let descriptor = &self.queue.descriptors()[usize::from(id)];
        descriptor.length.store(length.min(self.buffer_length), Relaxed);
        self.queue.publish(id);
    }

    /// The next buffer that the device returned.
    #[inline]
    pub fn take_used(&mut self) -> Option<Used> {
        let index = self.queue.used_index();
        while let Some((id, length)) = self.queue.take_used(index) {
            if let Some(id) = self.slots.claim(id) {
                return Some(Used { buffer: self.token(id), length });
            }
            self.queue.count_fault();
        }
        None
    }

    /// Tells the device of what was offered since the last call, where it wants to be told.
    #[inline]
    pub fn kick(&mut self, transport: &mut impl Transport) {
        self.queue.kick(transport);
    }

    /// Asks for an interrupt once the device returned more than `others` buffers beyond those taken. Returns false
    /// where it did already: then there may be no interrupt. Without `VIRTIO_F_EVENT_IDX` the interrupt comes with
    /// the first buffer.
    ///
    /// `others` is less than the number of buffers that the device has; else the interrupt never comes.
    #[inline]
    pub fn arm(&mut self, others: u16) -> bool {
        self.queue.arm(others)
    }

    /// Wants no interrupts. One that is on its way may still come, and under `VIRTIO_F_EVENT_IDX` one in 65536
    /// buffers.
    #[inline]
    pub fn disarm(&mut self) {
        self.queue.disarm();
    }

    /// How often the device returned what it did not have, or jumped with its index.
    pub fn faults(&self) -> u64 {
        self.queue.faults()
    }

    /// The token of buffer `id`, below `SIZE`, which its last owner just gave up: the list of free buffers that it
    /// was popped from, or the device.
    #[inline]
    fn token(&self, id: u16) -> Buffer {
        // SAFETY:
        // 1. The buffers are `SIZE` times `stride` zeroed bytes, allocated in `new` and never freed; `id` is below
        //    `SIZE`, and `buffer_length` is at most `stride`.
        // 2. This is the only token: both callers took `id` out of `slots`, and it came there by consuming the token
        //    (`give_back`, `offer`) or in `new`, before there was any.
        // 3. The device does not write: it never had the buffer since, or it returned it.
        unsafe {
            let pointer = self.buffers.pointer.add(usize::from(id) * self.stride);
            Buffer::new(pointer, self.buffer_length, id)
        }
    }

    #[inline]
    fn is_ours(&self, buffer: &Buffer) -> bool {
        let offset = buffer.pointer().as_ptr().addr().wrapping_sub(self.buffers.pointer.as_ptr().addr());
        usize::from(buffer.id()) < SIZE && offset == usize::from(buffer.id()) * self.stride
    }
}
