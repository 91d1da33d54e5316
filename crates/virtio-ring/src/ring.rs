//! The driver's side of a virtqueue.

use core::{
    marker::PhantomData,
    sync::atomic::{
        Ordering::{Acquire, Relaxed, Release, SeqCst},
        fence,
    },
};

use virtio_drivers::{Hal, PhysAddr, transport::Transport};

use crate::{
    Buffer,
    memory::{self, Memory},
    shared::{DESCRIPTOR_WRITE, NO_INTERRUPT, NO_NOTIFY, Shared},
};

/// Buffers begin on cache lines, 64 bytes long, so that the device's writes disturb no neighbour.
const BUFFER_ALIGNMENT: usize = 64;

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
    shared: Shared<SIZE>,
    buffers: Memory,
    buffer_length: u32,
    stride: usize,
    queue: u16,
    event_index: bool,
    /// Which buffers the device has.
    with_device: [bool; SIZE],
    /// The numbers of the free buffers: the first `free_count`.
    free: [u16; SIZE],
    free_count: usize,
    /// The available ring's index, as the device last saw it.
    next_available: u16,
    /// That index when the device was last told.
    told: u16,
    /// How far the used ring was read.
    next_used: u16,
    faults: u64,
    hal: PhantomData<fn() -> H>,
}

impl<H: Hal, const SIZE: usize> Ring<H, SIZE> {
    const MASK: u16 = {
        assert!(SIZE.is_power_of_two() && SIZE <= 1 << 15, "a ring has 2^n slots, 32768 at most");
        SIZE as u16 - 1
    };

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
        check_queue(transport, queue, SIZE)?;
        let stride = (buffer_length as usize).next_multiple_of(BUFFER_ALIGNMENT);
        let out_of_memory = RingError::OutOfMemory { bytes: stride * SIZE };
        let shared = Shared::allocate::<H>(transport.requires_legacy_layout()).ok_or(out_of_memory)?;
        let buffers = memory::allocate::<H>(stride * SIZE).ok_or(out_of_memory)?;
        let flags = if access == Access::Writes { DESCRIPTOR_WRITE } else { 0 };
        for (id, descriptor) in shared.descriptors.iter().enumerate() {
            descriptor.address.store(buffers.address + (id * stride) as PhysAddr, Relaxed);
            descriptor.length.store(buffer_length, Relaxed);
            descriptor.flags.store(flags, Relaxed);
        }
        let mut ring = Self {
            shared,
            buffers,
            buffer_length,
            stride,
            queue,
            event_index,
            with_device: [false; SIZE],
            free: core::array::from_fn(|id| id as u16),
            free_count: SIZE,
            next_available: 0,
            told: 0,
            next_used: 0,
            faults: 0,
            hal: PhantomData,
        };
        ring.disarm();
        fence(SeqCst);
        let [descriptors, available, used] = ring.shared.addresses;
        transport.queue_set(queue, SIZE as u32, descriptors, available, used);
        Ok(ring)
    }

    /// A free buffer.
    #[inline]
    pub fn take_free(&mut self) -> Option<Buffer> {
        self.free_count = self.free_count.checked_sub(1)?;
        Some(self.token(self.free[self.free_count]))
    }

    /// Whether [`take_free`](Ring::take_free) would give one.
    #[inline]
    pub fn has_free(&self) -> bool {
        self.free_count != 0
    }

    /// Puts a buffer to the free ones. One of another ring is dropped.
    #[inline]
    pub fn give_back(&mut self, buffer: Buffer) {
        if self.is_ours(&buffer) {
            self.free[self.free_count] = buffer.id();
            self.free_count += 1;
        }
    }

    /// Gives the first `length` bytes of a buffer to the device, at most all of it; it is told at the next
    /// [`kick`](Ring::kick). A buffer of another ring is dropped.
    #[inline]
    pub fn offer(&mut self, buffer: Buffer, length: u32) {
        if !self.is_ours(&buffer) {
            return;
        }
        let id = usize::from(buffer.id());
        self.with_device[id] = true;
        self.shared.descriptors[id].length.store(length.min(self.buffer_length), Relaxed);
        let slot = usize::from(self.next_available & Self::MASK);
        self.shared.available.ring[slot].store(buffer.id(), Relaxed);
        self.next_available = self.next_available.wrapping_add(1);
        // Release: the device that sees the index sees the descriptor and the buffer's bytes.
        self.shared.available.index.store(self.next_available, Release);
    }

    /// The next buffer that the device returned.
    #[inline]
    pub fn take_used(&mut self) -> Option<Used> {
        // Acquire: with the index come the element and the buffer's bytes.
        let index = self.shared.used.index.load(Acquire);
        if index.wrapping_sub(self.next_used) > SIZE as u16 {
            self.catch_up(index);
        }
        while self.next_used != index {
            let element = &self.shared.used.ring[usize::from(self.next_used & Self::MASK)];
            let (id, length) = (element.id.load(Relaxed), element.length.load(Relaxed));
            self.next_used = self.next_used.wrapping_add(1);
            if let Some(buffer) = self.claim(id) {
                return Some(Used { buffer, length });
            }
            self.faults += 1;
        }
        None
    }

    /// Tells the device of what was offered since the last call, where it wants to be told.
    #[inline]
    pub fn kick(&mut self, transport: &mut impl Transport) {
        let (old, new) = (self.told, self.next_available);
        if old == new {
            return;
        }
        self.told = new;
        // The device publishes its wish, then looks at the index; we the other way round. Without the barrier both
        // could miss the other's store.
        fence(SeqCst);
        let used = self.shared.used;
        let wanted = if self.event_index {
            is_due(used.available_event.load(Relaxed), new, old)
        } else {
            used.flags.load(Relaxed) & NO_NOTIFY == 0
        };
        if wanted {
            transport.notify(self.queue);
        }
    }

    /// Asks for an interrupt once the device returned more than `others` buffers beyond those taken. Returns false
    /// where it did already: then there may be no interrupt. Without `VIRTIO_F_EVENT_IDX` the interrupt comes with
    /// the first buffer.
    ///
    /// `others` is less than the number of buffers that the device has; else the interrupt never comes.
    #[inline]
    pub fn arm(&mut self, others: u16) -> bool {
        if self.event_index {
            self.shared.available.used_event.store(self.next_used.wrapping_add(others), Relaxed);
        } else {
            self.shared.available.flags.store(0, Relaxed);
        }
        // As in `kick`: first our wish, then a look at the index.
        fence(SeqCst);
        self.shared.used.index.load(Acquire).wrapping_sub(self.next_used) <= others
    }

    /// Wants no interrupts. One that is on its way may still come, and under `VIRTIO_F_EVENT_IDX` one in 65536
    /// buffers.
    #[inline]
    pub fn disarm(&mut self) {
        if self.event_index {
            // The index that is furthest from being reached.
            self.shared.available.used_event.store(self.next_used.wrapping_sub(1), Relaxed);
        } else {
            self.shared.available.flags.store(NO_INTERRUPT, Relaxed);
        }
    }

    /// How often the device returned what it did not have, or jumped with its index.
    pub fn faults(&self) -> u64 {
        self.faults
    }

    /// A device that is further ahead than the ring is long overwrote what it wrote before: the elements that are
    /// left are the last `SIZE`.
    #[cold]
    fn catch_up(&mut self, index: u16) {
        self.faults += 1;
        self.next_used = index.wrapping_sub(SIZE as u16);
    }

    /// Takes a buffer back from the device, if it has it.
    #[inline]
    fn claim(&mut self, id: u32) -> Option<Buffer> {
        let with_device = self.with_device.get_mut(id as usize)?;
        if !core::mem::take(with_device) {
            return None;
        }
        Some(self.token(id as u16))
    }

    /// The token of buffer `id`, below `SIZE`, which its last owner just gave up: the list of free buffers that it
    /// was popped from, or the device.
    #[inline]
    fn token(&self, id: u16) -> Buffer {
        // SAFETY:
        // 1. The buffers are `SIZE` times `stride` zeroed bytes, allocated in `new` and never freed; `id` is below
        //    `SIZE`, and `buffer_length` is at most `stride`.
        // 2. This is the only token: both callers took `id` from the place where it was (`free`, `with_device`), and
        //    it came there by consuming the token (`give_back`, `offer`) or in `new`, before there was any.
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

/// Whether the device has `queue`, unused and with `size` slots.
fn check_queue(transport: &mut impl Transport, queue: u16, size: usize) -> Result<(), RingError> {
    match transport.max_queue_size(queue) {
        0 => Err(RingError::Unavailable),
        offered if (offered as usize) < size => Err(RingError::TooShort { offered, wanted: size }),
        _ if transport.queue_used(queue) => Err(RingError::Unavailable),
        _ => Ok(()),
    }
}

/// Whether an index that went from `old` to `new` passed `event` (VIRTIO 1.2, section 2.7.10.1: `vring_need_event`).
#[inline]
fn is_due(event: u16, new: u16, old: u16) -> bool {
    new.wrapping_sub(event).wrapping_sub(1) < new.wrapping_sub(old)
}

#[cfg(test)]
mod tests {
    use super::is_due;

    #[test]
    fn an_event_is_due_when_the_index_passes_it() {
        for (event, new, old, due) in [
            (0, 1, 0, true),
            (1, 1, 0, false),
            (4, 9, 2, true),
            (9, 9, 2, false),
            (1, 9, 2, false),
            (65530, 4, 65529, true),
            (65530, 4, 65531, false),
            (3, 4, 65530, true),
            (65535, 0, 65535, true),
        ] {
            assert_eq!(is_due(event, new, old), due, "{event} {new} {old}");
        }
    }
}
