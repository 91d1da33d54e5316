//! The driver's side of a virtqueue of messages for the device, some of them long.

use core::{marker::PhantomData, slice, sync::atomic::Ordering::Relaxed};

use virtio_drivers::{Hal, PhysAddr, transport::Transport};

use crate::{
    RingError,
    circle::Circle,
    memory::{self, Memory},
    queue::Queue,
    ring::BUFFER_ALIGNMENT,
};

/// A split virtqueue of `SIZE` descriptors, `SIZE` a power of two up to 32768, for messages that the device reads. Each
/// lies in one piece in as many of `SIZE` neighbouring slots as it takes, and in one descriptor.
pub struct Outgoing<H, const SIZE: usize> {
    queue: Queue<SIZE>,
    circle: Circle<SIZE>,
    memory: Memory,
    slot_length: usize,
    hal: PhantomData<fn() -> H>,
}

impl<H: Hal, const SIZE: usize> Outgoing<H, SIZE> {
    /// Sets up `queue` of the device, with slots of at least `slot_length` bytes. Interrupts are off.
    ///
    /// # Errors
    /// As [`RingError`] says.
    pub fn new(
        transport: &mut impl Transport,
        queue: u16,
        slot_length: usize,
        event_index: bool,
    ) -> Result<Self, RingError> {
        let slot_length = slot_length.max(1).next_multiple_of(BUFFER_ALIGNMENT);
        let out_of_memory = RingError::OutOfMemory { bytes: slot_length * SIZE };
        let mut queue = Queue::new::<H>(transport, queue, event_index)?.ok_or(out_of_memory)?;
        let memory = memory::allocate::<H>(slot_length * SIZE).ok_or(out_of_memory)?;
        for (slot, descriptor) in queue.descriptors().iter().enumerate() {
            descriptor.address.store(memory.address + (slot * slot_length) as PhysAddr, Relaxed);
        }
        queue.connect(transport);
        Ok(Self { queue, circle: Circle::new(), memory, slot_length, hal: PhantomData })
    }

    /// Bytes of all slots together.
    pub fn capacity(&self) -> usize {
        self.slot_length * SIZE
    }

    /// Whether a message of `length` bytes can be sent now.
    #[inline]
    pub fn has_room(&self, length: usize) -> bool {
        self.circle.has_room(self.slots_for(length))
    }

    /// Gives the device a message of `length` bytes, which `fill` writes over what was there; it is told at the next
    /// [`kick`](Outgoing::kick). `None` where there is no [room](Outgoing::has_room); then `fill` is not called.
    #[inline]
    pub fn send<R>(&mut self, length: usize, fill: impl FnOnce(&mut [u8]) -> R) -> Option<R> {
        let slot = self.circle.lend(self.slots_for(length))?;
        // SAFETY:
        // 1. `lend` gave as many neighbouring slots as `length` takes, all of them within the `SIZE` times `slot_length`
        //    zeroed bytes that were allocated in `new` and are never freed.
        // 2. Nobody else has them: the circle lends no slot twice, and the slice ends with this call.
        // 3. The device does not write: its descriptors say that they are to be read.
        let bytes = unsafe {
            let first = self.memory.pointer.add(usize::from(slot) * self.slot_length);
            slice::from_raw_parts_mut(first.as_ptr(), length)
        };
        let result = fill(bytes);
        self.queue.descriptors()[usize::from(slot)].length.store(length as u32, Relaxed);
        self.queue.publish(slot);
        Some(result)
    }

    /// Frees the slots of messages that the device is done with.
    pub fn collect(&mut self) {
        let index = self.queue.used_index();
        while let Some((slot, _)) = self.queue.take_used(index) {
            if !self.circle.finish(slot) {
                self.queue.count_fault();
            }
        }
    }

    /// Tells the device of what was sent since the last call, where it wants to be told.
    #[inline]
    pub fn kick(&mut self, transport: &mut impl Transport) {
        self.queue.kick(transport);
    }

    /// Asks for an interrupt once the device is done with half the messages that it has. Returns false where it is already:
    /// then there may be no interrupt. Without `VIRTIO_F_EVENT_IDX` the interrupt comes with the first.
    pub fn arm(&mut self) -> bool {
        self.queue.arm(self.circle.lent() / 2)
    }

    /// Wants no interrupts, as far as [`Ring::disarm`](crate::Ring::disarm) can.
    pub fn disarm(&mut self) {
        self.queue.disarm();
    }

    /// How often the device returned what it did not have, or jumped with its index.
    pub fn faults(&self) -> u64 {
        self.queue.faults()
    }

    #[inline]
    fn slots_for(&self, length: usize) -> usize {
        length.div_ceil(self.slot_length).max(1)
    }
}
