//! Segments: flat ones that 64-bit mode insists on, and the task state that names the exception stack.
//!
//! Intel SDM volume 3A, section 3.4.5 (descriptors) and 8.7 (64-bit task state).

use core::cell::UnsafeCell;

use x86::bits64::task::TaskStateSegment;
use x86::segmentation::SegmentSelector;

/// Selector of the code segment.
pub const CODE: u16 = 8;
/// Selector of the data segment.
pub const DATA: u16 = 16;
/// Selector of the task state; its descriptor takes two slots.
const TASK: u16 = 24;

/// Slots of the descriptor table.
const SLOTS: usize = 5;
/// The limit of the descriptor table: its size less one, in bytes.
pub const GDT_LIMIT: u16 = SLOTS as u16 * 8 - 1;

/// 64-bit code: present, accessed, readable, limit ignored.
const CODE_DESCRIPTOR: u64 = 0x00af_9b00_0000_ffff;
/// Data: present, accessed, writable, limit ignored.
const DATA_DESCRIPTOR: u64 = 0x00cf_9300_0000_ffff;

/// A global descriptor table.
#[derive(Debug)]
#[repr(C, align(8))]
pub struct Gdt(UnsafeCell<[u64; SLOTS]>);

// SAFETY: written once, by `load`, on the one processor.
unsafe impl Sync for Gdt {}

/// The image's descriptors; the boot code loads them, and [`load`] adds the task state.
pub static GDT: Gdt = Gdt(UnsafeCell::new([0, CODE_DESCRIPTOR, DATA_DESCRIPTOR, 0, 0]));

struct Task(UnsafeCell<TaskStateSegment>);

// SAFETY: written once, by `load`, on the one processor.
unsafe impl Sync for Task {}

static TASK_STATE: Task = Task(UnsafeCell::new(TaskStateSegment::new()));

/// Loads the task state: exceptions run on the stack that ends at `exception_stack`.
///
/// # Safety
/// The boot code has loaded [`GDT`], this is called once, and nobody else uses the stack.
pub unsafe fn load(exception_stack: u64) {
    let task = TASK_STATE.0.get();
    // SAFETY: there is one processor and no reference to the two; the descriptor names a task state that stays.
    unsafe {
        (*task).ist[0] = exception_stack;
        let [low, high] = task_descriptor(task as u64);
        (*GDT.0.get())[3] = low;
        (*GDT.0.get())[4] = high;
        x86::task::load_tr(SegmentSelector::from_raw(TASK));
    }
}

/// The descriptor of an available 64-bit task state at `base`.
const fn task_descriptor(base: u64) -> [u64; 2] {
    let limit = size_of::<TaskStateSegment>() as u64 - 1;
    let present_available = 0x89 << 40;
    [limit | (base & 0xff_ffff) << 16 | present_available | (base >> 24 & 0xff) << 56, base >> 32]
}

#[cfg(test)]
mod tests {
    use super::task_descriptor;

    #[test]
    fn a_task_descriptor_spreads_its_base() {
        let [low, high] = task_descriptor(0x1122_3344_5566_7788);
        assert_eq!(low, 0x5500_8966_7788_0067);
        assert_eq!(high, 0x1122_3344);
    }
}
