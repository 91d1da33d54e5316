//! The functions on the PCI buses (PCI Local Bus Specification 3.0, section 6.1; PCI-to-PCI Bridge Architecture
//! Specification 1.2, section 3.2.5).

use iface_pci::{Address, Pci};

const DEVICES: u8 = 32;
const FUNCTIONS: u8 = 8;

/// Double words of the configuration header.
const ID: u8 = 0x00;
const HEADER_TYPE: u8 = 0x0c;
const BRIDGE_BUSES: u8 = 0x18;

/// In the double word of the header type.
const IS_MULTIFUNCTION: u32 = 1 << 23;
const HEADER_TYPE_SHIFT: u32 = 16;
const HEADER_TYPE_MASK: u32 = 0x7f;
const HEADER_TYPE_BRIDGE: u32 = 1;

/// What is read where there is no function.
const ABSENT: u32 = u32::MAX;

/// What `visit` returns first, called for each function and its device and vendor ID, bus by bus.
pub(crate) fn find<P: Pci, T>(pci: P, mut visit: impl FnMut(Address, u32) -> Option<T>) -> Option<T> {
    if !pci.present() {
        return None;
    }
    let mut is_bus = [false; 256];
    is_bus[0] = true;
    for bus in 0..=u8::MAX {
        if !is_bus[usize::from(bus)] {
            continue;
        }
        for address in (0..DEVICES).flat_map(|device| functions(pci, bus, device)) {
            let id = pci.read(address, ID);
            if id == ABSENT {
                continue;
            }
            // Only upwards, so that bridges that point at each other end the search as others do.
            if let Some(secondary) = secondary_bus(pci, address).filter(|secondary| *secondary > bus) {
                is_bus[usize::from(secondary)] = true;
            }
            if let Some(found) = visit(address, id) {
                return Some(found);
            }
        }
    }
    None
}

/// The places of a device's functions: one, or eight.
fn functions<P: Pci>(pci: P, bus: u8, device: u8) -> impl Iterator<Item = Address> {
    let at = move |function| Address { bus, device, function };
    let count = if pci.read(at(0), ID) == ABSENT {
        0
    } else if pci.read(at(0), HEADER_TYPE) & IS_MULTIFUNCTION != 0 {
        FUNCTIONS
    } else {
        1
    };
    (0..count).map(at)
}

/// The bus behind a function, if it is a bridge.
fn secondary_bus<P: Pci>(pci: P, address: Address) -> Option<u8> {
    let header_type = pci.read(address, HEADER_TYPE) >> HEADER_TYPE_SHIFT & HEADER_TYPE_MASK;
    (header_type == HEADER_TYPE_BRIDGE).then(|| (pci.read(address, BRIDGE_BUSES) >> 8) as u8)
}
