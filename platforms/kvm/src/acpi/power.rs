//! Turning the machine off.

use bare_x86_64::Fields;
use x86_64::paging::{self, Access, PAGE_SIZE};
use x86_64::x86::io::outw;

use super::fixed::{DSDT, FLAGS, HARDWARE_REDUCED, PM1A_CONTROL, SLEEP_CONTROL};
use super::{table, whole_table};
use crate::init;

/// Turns the machine off, where ACPI can. Returns where it can't.
pub(crate) fn soft_off() {
    let _ = try_soft_off();
}

fn try_soft_off() -> Option<()> {
    let fixed = table(b"FACP")?;
    let sleep_type = soft_off_type(whole_table(u64::from(fixed.u32_at(DSDT)?))?)?;
    if fixed.u32_at(FLAGS)? & HARDWARE_REDUCED != 0 {
        write_sleep_control(fixed, sleep_type)
    } else {
        write_pm1_control(fixed.u32_at(PM1A_CONTROL)?, sleep_type)
    }
}

/// Section 4.8.3.2.1: the sleep type at bit 10, and sleep enable.
fn write_pm1_control(port: u32, sleep_type: u8) -> Option<()> {
    let port = u16::try_from(port).ok().filter(|port| *port != 0)?;
    // SAFETY: the port is the power management's, which ends the image here.
    unsafe { outw(port, u16::from(sleep_type) << 10 | 1 << 13) };
    Some(())
}

/// Section 4.8.3.7: the sleep type at bit 2, and sleep enable, in a register of 8 bits in memory.
fn write_sleep_control(fixed: &[u8], sleep_type: u8) -> Option<()> {
    const IN_MEMORY: u32 = 0;
    let in_memory = fixed.u32_at(SLEEP_CONTROL)? & 0xff == IN_MEMORY;
    let address = fixed.u64_at(SLEEP_CONTROL + 4).filter(|address| in_memory && *address != 0)?;
    let page = address & !(PAGE_SIZE - 1);
    if init::is_memory(&(page..page.checked_add(PAGE_SIZE)?)) {
        return None;
    }
    // SAFETY: the page is registers of the machine, by its own table, and no memory.
    unsafe { paging::map(page..page + PAGE_SIZE, Access::Device) }.ok()?;
    // SAFETY: mapped above; the write ends the image.
    unsafe { (address as *mut u8).write_volatile(sleep_type << 2 | 1 << 5) };
    Some(())
}

/// The sleep type of state S5: the first element of the package called `_S5_` (section 7.4.2), found by its encoding
/// (section 20.2) and without an interpreter: NameOp, name, PackageOp, length of one byte, count, then an integer.
fn soft_off_type(definitions: &[u8]) -> Option<u8> {
    const NAME: &[u8] = b"\x08_S5_\x12";
    const BYTE_PREFIX: u8 = 0x0a;
    const ONE: u8 = 0x01;
    let at = definitions.windows(NAME.len()).position(|window| window == NAME)?;
    match *definitions.get(at + NAME.len() + 2..)?.first_chunk()? {
        [BYTE_PREFIX, value] => Some(value & 7),
        [value @ 0..=ONE, _] => Some(value),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::soft_off_type;

    #[test]
    fn the_sleep_type_is_found_in_the_definitions() {
        assert_eq!(soft_off_type(b"....\x08_S5_\x12\x06\x04\x00\x00\x00\x00"), Some(0));
        assert_eq!(soft_off_type(b"\x08_S5_\x12\x08\x04\x0a\x05\x0a\x05\x00\x00"), Some(5));
        assert_eq!(soft_off_type(b"\x08_S5_\x12\x06\x04\x01\x01"), Some(1));
    }

    #[test]
    fn definitions_that_end_early_have_none() {
        assert_eq!(soft_off_type(b"\x08_S5_\x12\x06\x04"), None);
        assert_eq!(soft_off_type(b"\x08_S4_\x12\x06\x04\x00\x00"), None);
        assert_eq!(soft_off_type(b""), None);
    }
}
