//! The device's side of a virtqueue.

use std::{cell::RefCell, ptr::with_exposed_provenance_mut, rc::Rc};

use virtio_drivers::PhysAddr;

use crate::Registers;

const DESCRIPTOR_BYTES: u64 = 16;
const USED_ELEMENT_BYTES: u64 = 8;
/// Flags and index before a ring's elements.
const RING_HEADER_BYTES: u64 = 4;
const FLAG_NEXT: u16 = 1;
const FLAG_WRITE: u16 = 2;

/// A buffer that the driver gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Available {
    /// Descriptor.
    pub id: u16,
    /// Where its bytes are.
    pub address: PhysAddr,
    /// How many.
    pub length: u32,
    /// Whether the device may write them.
    pub writable: bool,
}

/// What a device sees of one of its queues. The queue was set up by a driver, and its memory is still there.
#[derive(Clone)]
pub struct DeviceQueue {
    registers: Rc<RefCell<Registers>>,
    queue: usize,
    next_available: u16,
    next_used: u16,
}

impl DeviceQueue {
    /// The device's view of `queue`.
    pub fn new(registers: &Rc<RefCell<Registers>>, queue: usize) -> Self {
        Self { registers: Rc::clone(registers), queue, next_available: 0, next_used: 0 }
    }

    /// The next buffer of the driver.
    pub fn take_available(&mut self) -> Option<Available> {
        if self.next_available == self.available_index() {
            return None;
        }
        let slot = u64::from(self.next_available) % self.size();
        let id: u16 = read(self.address(1) + RING_HEADER_BYTES + 2 * slot);
        self.next_available = self.next_available.wrapping_add(1);
        Some(self.descriptor(id))
    }

    /// Descriptor `id` of the table.
    pub fn descriptor(&self, id: u16) -> Available {
        assert!(u64::from(id) < self.size(), "the driver gave descriptor {id}");
        let at = self.address(0) + DESCRIPTOR_BYTES * u64::from(id);
        Available {
            id,
            address: read(at),
            length: read(at + 8),
            writable: read::<u16>(at + 12) & FLAG_WRITE != 0,
        }
    }

    /// The chain of buffers that begins with `head`, which the driver gave.
    pub fn chain(&self, head: Available) -> Vec<Available> {
        let mut chain = vec![head];
        let mut id = head.id;
        while let Some(next) = self.next(id) {
            assert!(chain.len() < self.size() as usize, "the driver gave a chain without an end");
            chain.push(self.descriptor(next));
            id = next;
        }
        chain
    }

    /// The descriptor at which the chain goes on behind `id`.
    fn next(&self, id: u16) -> Option<u16> {
        let at = self.address(0) + DESCRIPTOR_BYTES * u64::from(id);
        (read::<u16>(at + 12) & FLAG_NEXT != 0).then(|| read(at + 14))
    }

    /// The bytes of a buffer that the driver gave.
    pub fn read(&self, buffer: &Available) -> Vec<u8> {
        let mut bytes = vec![0; buffer.length as usize];
        let source = with_exposed_provenance_mut::<u8>(buffer.address as usize);
        // SAFETY: as in `read` below, for as many bytes as the driver said; the memory that they go to is new.
        unsafe { source.copy_to_nonoverlapping(bytes.as_mut_ptr(), bytes.len()) };
        bytes
    }

    /// Writes as much of `bytes` as fits into a buffer that the driver gave.
    pub fn write(&self, buffer: &Available, bytes: &[u8]) {
        assert!(buffer.writable, "the driver gave a buffer to read");
        let length = bytes.len().min(buffer.length as usize);
        let target = with_exposed_provenance_mut::<u8>(buffer.address as usize);
        // SAFETY: as in `read` below, for no more bytes than the driver said; `bytes` are the test's own.
        unsafe { target.copy_from_nonoverlapping(bytes.as_ptr(), length) };
    }

    /// Returns a buffer, of which `length` bytes were written.
    pub fn put_used(&mut self, id: u32, length: u32) {
        self.set_used_element(self.next_used, id, length);
        self.set_used_index(self.next_used.wrapping_add(1));
    }

    /// Writes an element of the used ring, and no index.
    pub fn set_used_element(&mut self, index: u16, id: u32, length: u32) {
        let slot = u64::from(index) % self.size();
        let at = self.address(2) + RING_HEADER_BYTES + USED_ELEMENT_BYTES * slot;
        write(at, id);
        write(at + 4, length);
    }

    /// Writes the index of the used ring.
    pub fn set_used_index(&mut self, index: u16) {
        self.next_used = index;
        write(self.address(2) + 2, index);
    }

    /// The index of the used ring.
    pub fn used_index(&self) -> u16 {
        self.next_used
    }

    /// The driver's index.
    pub fn available_index(&self) -> u16 {
        read(self.address(1) + 2)
    }

    /// The driver's flags: 1 where it wants no interrupts.
    pub fn available_flags(&self) -> u16 {
        read(self.address(1))
    }

    /// The index at which the driver wants an interrupt, under `VIRTIO_F_EVENT_IDX`.
    pub fn used_event(&self) -> u16 {
        read(self.address(1) + RING_HEADER_BYTES + 2 * self.size())
    }

    /// Writes the used ring's flags: 1 where the device wants no notifications.
    pub fn set_used_flags(&mut self, flags: u16) {
        write(self.address(2), flags);
    }

    /// Writes the index at which the device wants a notification, under `VIRTIO_F_EVENT_IDX`.
    pub fn set_available_event(&mut self, index: u16) {
        write(self.address(2) + RING_HEADER_BYTES + USED_ELEMENT_BYTES * self.size(), index);
    }

    /// Whether an interrupt is due after the used index went from `old` to where it is, under `VIRTIO_F_EVENT_IDX`.
    pub fn interrupt_is_due(&self, old: u16) -> bool {
        let passed = self.next_used.wrapping_sub(self.used_event()).wrapping_sub(1);
        passed < self.next_used.wrapping_sub(old)
    }

    /// How often the driver notified this queue.
    pub fn notifications(&self) -> u64 {
        self.registers.borrow().queues[self.queue].notifications
    }

    fn size(&self) -> u64 {
        u64::from(self.registers.borrow().queues[self.queue].size)
    }

    fn address(&self, part: usize) -> PhysAddr {
        self.registers.borrow().queues[self.queue].addresses[part]
    }
}

/// Reads memory as a device does.
fn read<T: Copy>(address: PhysAddr) -> T {
    // SAFETY: the address lies in memory of `FakeHal`, which a test's `Memory` keeps; this thread alone uses it, and
    // no reference to it is live while the device runs.
    unsafe { with_exposed_provenance_mut::<T>(address as usize).read_volatile() }
}

/// Writes memory as a device does.
fn write<T: Copy>(address: PhysAddr, value: T) {
    // SAFETY: as in `read`.
    unsafe { with_exposed_provenance_mut::<T>(address as usize).write_volatile(value) }
}
