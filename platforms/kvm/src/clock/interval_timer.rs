//! Counter 2 of the interval timer (Intel 8254 Programmable Interval Timer), which the PC's speaker has.

use x86_64::x86::io::{inb, outb};

/// Its rate in Hz.
pub(super) const RATE: u64 = 1_193_182;

const COUNTER: u16 = 0x42;
const CONTROL: u16 = 0x43;
const SPEAKER: u16 = 0x61;

/// Counter 2, low byte then high byte, mode 0 (count down once), binary.
const COUNT_DOWN_ONCE: u8 = 0b1011_0000;
/// Counter 2, keep the count for reading.
const LATCH: u8 = 0b1000_0000;
/// The read-back command: counter 2, keep the status byte for reading, not the count.
const LATCH_STATUS: u8 = 0b1110_1000;
/// In the status byte: its output, which in mode 0 is high once it has come to zero. Port 0x61 has it too, but not on a
/// machine without a speaker, as QEMU's microvm is.
const OUTPUT: u8 = 1 << 7;
/// Counter 2 counts.
const GATE: u8 = 1 << 0;
/// Its output is heard.
const AUDIBLE: u8 = 1 << 1;

/// More readings than a machine with the timer needs for a millisecond.
const PATIENCE: u32 = 100_000;

/// The counter, counting down from 65,535.
pub(super) struct IntervalTimer;

impl IntervalTimer {
    pub fn start() -> Self {
        // SAFETY: the ports are the timer's and the speaker's, which do not touch memory.
        unsafe {
            outb(SPEAKER, inb(SPEAKER) & !AUDIBLE | GATE);
            outb(CONTROL, COUNT_DOWN_ONCE);
            outb(COUNTER, 0xff);
            outb(COUNTER, 0xff);
        }
        Self
    }

    pub fn count(&self) -> u16 {
        // SAFETY: as in `start`.
        unsafe {
            outb(CONTROL, LATCH);
            u16::from_le_bytes([inb(COUNTER), inb(COUNTER)])
        }
    }

    /// Whether it has come to zero since it was started, after 55 ms. It goes on counting from 65,535, so that a count tells
    /// nothing any more.
    pub fn has_run_out(&self) -> bool {
        // SAFETY: as in `start`.
        unsafe {
            outb(CONTROL, LATCH_STATUS);
            inb(COUNTER) & OUTPUT != 0
        }
    }

    /// Waits until the count is `target` or less, or it has run out.
    ///
    /// # Panics
    /// When it does not count: the machine has no such timer.
    pub fn wait_until(&self, target: u16) {
        let counts = (0..PATIENCE).any(|_| self.count() <= target || self.has_run_out());
        assert!(
            counts,
            "the machine tells no rate of its time-stamp counter and has no interval timer to measure it by"
        );
    }
}
