//! The indexes of a virtqueue: what was offered, what came back, and who wants to be told.

use core::sync::atomic::{
    Ordering::{Acquire, Relaxed, Release, SeqCst},
    fence,
};

use virtio_drivers::{Hal, transport::Transport};

use crate::{
    RingError,
    shared::{Descriptor, NO_INTERRUPT, NO_NOTIFY, Shared},
};

/// A virtqueue of `SIZE` descriptors, whatever they describe.
pub(crate) struct Queue<const SIZE: usize> {
    shared: Shared<SIZE>,
    number: u16,
    event_index: bool,
    /// The available ring's index, as the device last saw it.
    next_available: u16,
    /// That index when the device was last told.
    told: u16,
    /// How far the used ring was read.
    next_used: u16,
    faults: u64,
}

impl<const SIZE: usize> Queue<SIZE> {
    const MASK: u16 = {
        assert!(SIZE.is_power_of_two() && SIZE <= 1 << 15, "a ring has 2^n slots, 32768 at most");
        SIZE as u16 - 1
    };

    /// Memory for queue `number` of the device; `None` where there is none.
    ///
    /// # Errors
    /// [`RingError::Unavailable`] and [`RingError::TooShort`].
    pub(crate) fn new<H: Hal>(
        transport: &mut impl Transport,
        number: u16,
        event_index: bool,
    ) -> Result<Option<Self>, RingError> {
        match transport.max_queue_size(number) {
            0 => return Err(RingError::Unavailable),
            offered if (offered as usize) < SIZE => {
                return Err(RingError::TooShort { offered, wanted: SIZE });
            }
            _ if transport.queue_used(number) => return Err(RingError::Unavailable),
            _ => {}
        }
        let shared = Shared::allocate::<H>(transport.requires_legacy_layout());
        let (next_available, told, next_used, faults) = (0, 0, 0, 0);
        Ok(shared.map(|shared| Self { shared, number, event_index, next_available, told, next_used, faults }))
    }

    /// Has the device use the queue, whose descriptors were written as far as they never change. Interrupts are off.
    pub(crate) fn connect(&mut self, transport: &mut impl Transport) {
        self.disarm();
        fence(SeqCst);
        let [descriptors, available, used] = self.shared.addresses;
        transport.queue_set(self.number, SIZE as u32, descriptors, available, used);
    }

    #[inline]
    pub(crate) fn descriptors(&self) -> &'static [Descriptor; SIZE] {
        self.shared.descriptors
    }

    /// Gives the chain that begins with descriptor `head` to the device.
    #[inline]
    pub(crate) fn publish(&mut self, head: u16) {
        let slot = usize::from(self.next_available & Self::MASK);
        self.shared.available.ring[slot].store(head, Relaxed);
        self.next_available = self.next_available.wrapping_add(1);
        // Release: the device that sees the index sees the descriptors and the buffers' bytes.
        self.shared.available.index.store(self.next_available, Release);
    }

    /// How far the device wrote the used ring; at most `SIZE` elements beyond what was read.
    #[inline]
    pub(crate) fn used_index(&mut self) -> u16 {
        // Acquire: with the index come the elements and the buffers' bytes.
        let index = self.shared.used.index.load(Acquire);
        if index.wrapping_sub(self.next_used) > SIZE as u16 {
            self.catch_up(index);
        }
        index
    }

    /// The next element of the used ring, head and length, up to an index that [`used_index`](Self::used_index) gave.
    #[inline]
    pub(crate) fn take_used(&mut self, index: u16) -> Option<(u32, u32)> {
        if self.next_used == index {
            return None;
        }
        let element = &self.shared.used.ring[usize::from(self.next_used & Self::MASK)];
        let (head, length) = (element.id.load(Relaxed), element.length.load(Relaxed));
        self.next_used = self.next_used.wrapping_add(1);
        Some((head, length))
    }

    /// Tells the device of what was published since the last call, where it wants to be told.
    #[inline]
    pub(crate) fn kick(&mut self, transport: &mut impl Transport) {
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
            transport.notify(self.number);
        }
    }

    /// As [`Ring::arm`](crate::Ring::arm).
    #[inline]
    pub(crate) fn arm(&mut self, others: u16) -> bool {
        if self.event_index {
            self.shared.available.used_event.store(self.next_used.wrapping_add(others), Relaxed);
        } else {
            self.shared.available.flags.store(0, Relaxed);
        }
        // As in `kick`: first our wish, then a look at the index.
        fence(SeqCst);
        self.shared.used.index.load(Acquire).wrapping_sub(self.next_used) <= others
    }

    /// As [`Ring::disarm`](crate::Ring::disarm).
    #[inline]
    pub(crate) fn disarm(&mut self) {
        if self.event_index {
            // The index that is furthest from being reached.
            self.shared.available.used_event.store(self.next_used.wrapping_sub(1), Relaxed);
        } else {
            self.shared.available.flags.store(NO_INTERRUPT, Relaxed);
        }
    }

    /// Counts something that the device can't have done in good faith.
    #[inline]
    pub(crate) fn count_fault(&mut self) {
        self.faults += 1;
    }

    pub(crate) fn faults(&self) -> u64 {
        self.faults
    }

    /// A device that is further ahead than the ring is long overwrote what it wrote before: the elements that are
    /// left are the last `SIZE`.
    #[cold]
    fn catch_up(&mut self, index: u16) {
        self.faults += 1;
        self.next_used = index.wrapping_sub(SIZE as u16);
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
