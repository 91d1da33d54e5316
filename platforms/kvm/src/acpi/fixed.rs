//! Fields of the fixed description table (section 5.2.9), by their offsets in bytes.

/// Physical address of the definitions.
pub const DSDT: usize = 40;
/// Line of the system control interrupt, 16 bits.
pub const SCI_LINE: usize = 46;
/// Port for orders to the firmware, 0 where the machine knows but ACPI.
pub const ORDERS: usize = 48;
/// The order that hands the fixed hardware over, 8 bits.
pub const ENABLE: usize = 52;
/// Ports of the event registers, of which the second may be 0, as may be both.
pub const PM1_EVENTS: [usize; 2] = [56, 60];
/// Port of the control register.
pub const PM1A_CONTROL: usize = 64;
/// Bytes of each block of event registers, 8 bits: status, then enable.
pub const PM1_EVENTS_LENGTH: usize = 88;
pub const FLAGS: usize = 112;
/// Register in memory, where [`HARDWARE_REDUCED`] is set.
pub const SLEEP_CONTROL: usize = 244;

/// The power button, where there is one, is a device of the definitions.
pub const BUTTON_IN_DEFINITIONS: u32 = 1 << 4;
/// There is no fixed hardware.
pub const HARDWARE_REDUCED: u32 = 1 << 20;
