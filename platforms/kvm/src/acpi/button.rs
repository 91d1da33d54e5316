//! The power button of the fixed hardware (section 4.8.2.2.1.1).

use bare_x86_64::Fields;
use iface_events::Source;
use x86_64::x86::io::{inw, outb, outw};

use super::fixed::{
    BUTTON_IN_DEFINITIONS, ENABLE, FLAGS, HARDWARE_REDUCED, ORDERS, PM1_EVENTS, PM1_EVENTS_LENGTH,
    PM1A_CONTROL, SCI_LINE,
};
use super::interrupts::line_of;
use super::table;

/// The button in the status and enable registers (sections 4.8.3.1.1 and 4.8.3.1.2).
const BUTTON: u16 = 1 << 8;
/// In the control register: events raise the system control interrupt (section 4.8.3.2.1).
const RAISES_INTERRUPT: u16 = 1 << 0;

/// Where the power button is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PowerButton {
    /// Its line, which other events of the fixed hardware share.
    pub line: Source,
    /// Ports of the status and enable registers: one pair or two, between which a machine may spread the bits.
    blocks: [Option<Block>; 2],
    /// What has the firmware hand the hardware over, where it has not yet.
    handover: Option<Handover>,
}

/// Ports of a status and an enable register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Block {
    status: u16,
    enable: u16,
}

/// An order to the firmware, and the register that tells whether it was carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Handover {
    port: u16,
    order: u8,
    control: u16,
}

impl PowerButton {
    /// That of the machine, by its tables.
    pub fn find() -> Option<Self> {
        let mut button = Self::in_table(table(b"FACP")?)?;
        button.line = line_of(button.line);
        Some(button)
    }

    fn in_table(fixed: &[u8]) -> Option<Self> {
        if fixed.u32_at(FLAGS)? & (HARDWARE_REDUCED | BUTTON_IN_DEFINITIONS) != 0 {
            return None;
        }
        let half = u32::from(fixed.get(PM1_EVENTS_LENGTH)? / 2);
        let block = |field| {
            let status = fixed.u32_at(field).filter(|port| *port != 0 && half >= 2)?;
            Some(Block { status: port(status)?, enable: port(status.checked_add(half)?)? })
        };
        let blocks = PM1_EVENTS.map(block);
        blocks[0].or(blocks[1])?;
        let line = u16::from_le_bytes(*fixed.get(SCI_LINE..)?.first_chunk()?);
        Some(Self { line: Source(line.into()), blocks, handover: Handover::in_table(fixed) })
    }

    /// Has it raise its line when it is pressed, and nothing else of the fixed hardware do so.
    pub fn enable(&self) {
        for Block { status, enable } in self.blocks.into_iter().flatten() {
            // SAFETY: the ports are the power management's. Writing a status bit clears it.
            unsafe {
                outw(status, BUTTON);
                outw(enable, BUTTON);
            }
        }
        self.handover.inspect(Handover::demand);
    }

    /// Whether it was pressed since the last time that this was asked.
    pub fn was_pressed(&self) -> bool {
        let pressed = |block: Block| {
            // SAFETY: as in `enable`.
            let pressed = unsafe { inw(block.status) } & BUTTON != 0;
            if pressed {
                // SAFETY: as in `enable`.
                unsafe { outw(block.status, BUTTON) };
            }
            pressed
        };
        self.blocks.into_iter().flatten().fold(false, |any, block| pressed(block) | any)
    }
}

impl Handover {
    fn in_table(fixed: &[u8]) -> Option<Self> {
        let orders = fixed.u32_at(ORDERS).filter(|port| *port != 0)?;
        let order = fixed.get(ENABLE).copied().filter(|order| *order != 0)?;
        Some(Self { port: port(orders)?, order, control: port(fixed.u32_at(PM1A_CONTROL)?)? })
    }

    fn demand(&self) {
        // SAFETY: the port is the power management's, and reading it has no effect.
        if unsafe { inw(self.control) } & RAISES_INTERRUPT == 0 {
            // SAFETY: the firmware hands over what the image alone uses.
            unsafe { outb(self.port, self.order) };
        }
    }
}

fn port(number: u32) -> Option<u16> {
    u16::try_from(number).ok().filter(|port| *port != 0)
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use proptest::prelude::*;

    use super::*;

    /// As QEMU's q35 has it.
    fn q35() -> Vec<u8> {
        let mut table = std::vec![0; 244];
        table[SCI_LINE] = 9;
        table[ORDERS] = 0xb2;
        table[ENABLE] = 2;
        table[PM1_EVENTS[0]..][..2].copy_from_slice(&[0x00, 0x06]);
        table[PM1A_CONTROL..][..2].copy_from_slice(&[0x04, 0x06]);
        table[PM1_EVENTS_LENGTH] = 4;
        table
    }

    #[test]
    fn the_button_of_q35_is_found() {
        let found = PowerButton::in_table(&q35()).unwrap();
        assert_eq!(found.line, Source(9));
        assert_eq!(found.blocks, [Some(Block { status: 0x600, enable: 0x602 }), None]);
        assert_eq!(found.handover, Some(Handover { port: 0xb2, order: 2, control: 0x604 }));
    }

    #[test]
    fn a_machine_without_fixed_hardware_has_none() {
        for flag in [BUTTON_IN_DEFINITIONS, HARDWARE_REDUCED] {
            let mut table = q35();
            table[FLAGS..][..4].copy_from_slice(&flag.to_le_bytes());
            assert_eq!(PowerButton::in_table(&table), None);
        }
        let mut table = q35();
        table[PM1_EVENTS[0] + 1] = 0;
        assert_eq!(PowerButton::in_table(&table), None);
        assert_eq!(PowerButton::in_table(&q35()[..FLAGS]), None);
    }

    #[test]
    fn ports_that_are_none_are_passed_over() {
        for (field, bytes) in [(PM1_EVENTS[0], [0xff, 0xff, 0, 0]), (PM1_EVENTS[0], [0, 6, 1, 0])] {
            let mut table = q35();
            table[field..][..4].copy_from_slice(&bytes);
            assert_eq!(PowerButton::in_table(&table), None, "{bytes:x?}");
        }
        let mut table = q35();
        table[PM1_EVENTS_LENGTH] = 1;
        assert_eq!(PowerButton::in_table(&table), None);
    }

    proptest! {
        #[test]
        fn any_table_is_survived(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = PowerButton::in_table(&bytes);
        }
    }
}
