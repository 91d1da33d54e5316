//! Configuration space by ports: mechanism 1 of the PCI Local Bus Specification 3.0, section 3.2.2.3.2.

use iface_pci::{Address, Pci, Source};
use x86_64::x86::io::{inl, outl};

use crate::Kvm;

const CONFIG_ADDRESS: u16 = 0xcf8;
const CONFIG_DATA: u16 = 0xcfc;
const ENABLE: u32 = 1 << 31;

/// Interrupt line and pin (section 6.2.4).
const INTERRUPT: u8 = 0x3c;
/// What firmware leaves in the line register where it knows none.
const UNKNOWN_LINE: u8 = 0xff;

impl Pci for Kvm {
    fn present(&self) -> bool {
        // SAFETY: the port selects what the next access means, and keeps what was written where there is a bus.
        unsafe {
            outl(CONFIG_ADDRESS, ENABLE);
            inl(CONFIG_ADDRESS) == ENABLE
        }
    }

    fn read(&self, address: Address, offset: u8) -> u32 {
        // SAFETY: reading configuration space does not touch memory.
        unsafe {
            outl(CONFIG_ADDRESS, select(address, offset));
            inl(CONFIG_DATA)
        }
    }

    fn write(&self, address: Address, offset: u8, value: u32) {
        // SAFETY: configuration space does not touch memory. A device that a driver lets master the bus does; the driver
        // answers for where to, by the regions that `iface_dma` gave it.
        unsafe {
            outl(CONFIG_ADDRESS, select(address, offset));
            outl(CONFIG_DATA, value);
        }
    }

    fn interrupt(&self, address: Address) -> Option<Source> {
        let [line, pin, ..] = self.read(address, INTERRUPT).to_le_bytes();
        (pin != 0 && line != 0 && line != UNKNOWN_LINE).then(|| Source(u32::from(line)))
    }
}

const fn select(address: Address, offset: u8) -> u32 {
    ENABLE
        | (address.bus as u32) << 16
        | (address.device as u32 & 31) << 11
        | (address.function as u32 & 7) << 8
        | offset as u32 & 0xfc
}

#[cfg(test)]
mod tests {
    use super::{Address, select};

    #[test]
    fn an_address_has_its_bits() {
        let address = Address { bus: 0x12, device: 0x1f, function: 7 };
        assert_eq!(select(address, 0x3d), 0x8012_ff3c);
    }
}
