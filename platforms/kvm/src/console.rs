//! The first serial port: a 16550 (National Semiconductor PC16550D, section 8).

use core::arch::asm;
use core::sync::atomic::{AtomicBool, Ordering::Relaxed};

use iface_console::Console;
use x86_64::x86::io::{inb, outb};

use crate::Kvm;

/// Ports of COM1.
const DATA: u16 = 0x3f8;
const INTERRUPT_ENABLE: u16 = DATA + 1;
const FIFO_CONTROL: u16 = DATA + 2;
const LINE_CONTROL: u16 = DATA + 3;
const MODEM_CONTROL: u16 = DATA + 4;
const LINE_STATUS: u16 = DATA + 5;

/// What is read where there is no serial port.
const NO_PORT: u8 = 0xff;
const RECEIVED: u8 = 1 << 0;
const TRANSMITTER_EMPTY: u8 = 1 << 5;

/// Bytes that the transmitter takes once it is empty.
const FIFO_DEPTH: usize = 16;
/// How often the line status is read before output is dropped: a second and more, as a read takes a microsecond of a
/// hypervisor at least.
const PATIENCE: u32 = 1_000_000;

/// Sets 115,200 bits a second, eight bits, no parity, with FIFOs and without interrupts.
pub(crate) fn init() {
    const DIVISOR_LATCH: u8 = 0x80;
    const EIGHT_BITS: u8 = 0x03;
    let settings = [
        (INTERRUPT_ENABLE, 0),
        (LINE_CONTROL, DIVISOR_LATCH),
        (DATA, 1),
        (INTERRUPT_ENABLE, 0),
        (LINE_CONTROL, EIGHT_BITS),
        (FIFO_CONTROL, 0x07),
        (MODEM_CONTROL, 0x03),
    ];
    for (port, value) in settings {
        // SAFETY: the ports are the serial port's, which does not touch memory.
        unsafe { outb(port, value) };
    }
}

impl Console for Kvm {
    fn write(&self, bytes: &[u8]) {
        for chunk in bytes.chunks(FIFO_DEPTH) {
            if !wait_until_empty() {
                return;
            }
            // SAFETY: reads the chunk and writes it to the serial port. The direction flag is clear, as the ABI has it.
            unsafe {
                asm!(
                    "rep outsb",
                    inout("rcx") chunk.len() => _,
                    inout("rsi") chunk.as_ptr() => _,
                    in("dx") DATA,
                    options(readonly, nostack, preserves_flags),
                );
            }
        }
    }

    fn read(&self, buffer: &mut [u8]) -> usize {
        let mut count = 0;
        for byte in buffer {
            let status = line_status();
            if status & RECEIVED == 0 || status == NO_PORT {
                break;
            }
            // SAFETY: as in `init`.
            *byte = unsafe { inb(DATA) };
            count += 1;
        }
        count
    }
}

/// Waits until the transmitter takes bytes; false where it does not for too long. One that once did not is asked without
/// waiting, until it takes some again: the image is held up once, and not by each line.
fn wait_until_empty() -> bool {
    static STUCK: AtomicBool = AtomicBool::new(false);
    let patience = if STUCK.load(Relaxed) { 1 } else { PATIENCE };
    let is_empty = (0..patience).any(|_| line_status() & TRANSMITTER_EMPTY != 0);
    STUCK.store(!is_empty, Relaxed);
    is_empty
}

fn line_status() -> u8 {
    // SAFETY: as in `init`.
    unsafe { inb(LINE_STATUS) }
}
