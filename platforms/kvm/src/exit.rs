//! The ways out: QEMU's debug exit, ACPI's soft off, a reset.

use iface_platform::{CommandLine, ExitStatus, Platform};
use x86_64::interrupts;
use x86_64::x86::io::{outb, outl};

use crate::{Kvm, init, shutdown};

/// The port of QEMU's `isa-debug-exit`, as `run` places it: QEMU ends with twice the value written, plus one.
const DEBUG_EXIT: u16 = 0xf4;
/// The highest status that gets through; others are told as the next number, which `run` takes for a panic.
pub(crate) const LAST_TOLD: u8 = 126;
/// The keyboard controller's command port, and the command that pulses the reset line.
const KEYBOARD: u16 = 0x64;
const PULSE_RESET: u8 = 0xfe;
/// The reset control register of Intel's chipsets, and "reset the processor, hard".
const RESET_CONTROL: u16 = 0xcf9;
const HARD_RESET: u8 = 0x06;

impl Platform for Kvm {
    fn command_line(&self) -> CommandLine<'static> {
        init::command_line()
    }

    fn initrd(&self) -> Option<&'static [u8]> {
        init::initrd()
    }

    fn exit(&self, status: ExitStatus) -> ! {
        if !shutdown::was_granted(status) {
            debug_exit(status);
        }
        crate::acpi::soft_off();
        now(status)
    }
}

/// Ends the image by what needs no memory and no tables.
pub(crate) fn now(status: ExitStatus) -> ! {
    debug_exit(status);
    // SAFETY: resetting the machine ends the image.
    unsafe {
        outb(RESET_CONTROL, HARD_RESET);
        outb(KEYBOARD, PULSE_RESET);
    }
    loop {
        interrupts::halt();
    }
}

fn debug_exit(status: ExitStatus) {
    // QEMU keeps seven bits.
    let told = u32::from(status.0.min(LAST_TOLD + 1));
    // SAFETY: nothing but QEMU's exit device is at this port; writing to none has no effect.
    unsafe { outl(DEBUG_EXIT, told) };
}
