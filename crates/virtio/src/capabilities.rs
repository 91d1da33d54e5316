//! Where a virtio PCI device has its structures (VIRTIO 1.2, section 4.1.4).

use iface_pci::{Address, Pci};
use iface_virtio_bus::TakeError;
use virtio_drivers::transport::pci::bus::{ConfigurationAccess, DeviceFunction, PciRoot};

/// Structures (section 4.1.4: `VIRTIO_PCI_CAP_*`).
const COMMON: u8 = 1;
const NOTIFY: u8 = 2;
const INTERRUPT_STATUS: u8 = 3;
const DEVICE: u8 = 4;

/// Configuration space (PCI Local Bus Specification 3.0, section 6.1, 6.2 and 6.7).
const COMMAND_AND_STATUS: u8 = 0x04;
const HAS_CAPABILITIES: u32 = 1 << 20;
const CAPABILITIES_POINTER: u8 = 0x34;
const FIRST_CAPABILITY: u8 = 0x40;
const CONFIGURATION_BYTES: usize = 256;
const VENDOR_SPECIFIC: u8 = 0x09;
const BARS: u8 = 6;
/// Capabilities of four bytes, at least, after the header of 64.
const MOST_CAPABILITIES: usize = (CONFIGURATION_BYTES - FIRST_CAPABILITY as usize) / 4;

/// Bytes of `virtio_pci_cap`, and of `virtio_pci_notify_cap` that goes on after it.
const CAPABILITY_BYTES: usize = 16;
const NOTIFY_CAPABILITY_BYTES: usize = 20;

/// Device registers at a physical address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) address: u64,
    pub(crate) length: u32,
}

impl Place {
    /// The registers at `offset` of it, if all of them lie in it.
    pub(crate) fn part(self, offset: u64, length: u32) -> Option<Self> {
        let end = offset.checked_add(length.into())?;
        (end <= self.length.into()).then(|| Self { address: self.address + offset, length })
    }
}

/// The structures of a device, each within its BAR.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Structures {
    pub(crate) common: Place,
    pub(crate) notify: Place,
    /// Bytes between the notification addresses of queues whose offset differs by one.
    pub(crate) notify_multiplier: u32,
    pub(crate) interrupt_status: Place,
    pub(crate) device: Option<Place>,
}

/// Finds the structures of the function at `address`. `common_length` is what is used of the common one, in bytes.
pub(crate) fn structures<P: Pci>(
    pci: P,
    address: Address,
    common_length: u32,
) -> Result<Structures, TakeError> {
    let mut bars = Bars::new(pci, address);
    let (mut common, mut notify, mut interrupt_status, mut device) = (None, None, None, None);
    for capability in capabilities(pci, address) {
        // The first one that can be used counts (section 4.1.4.1).
        match capability.structure {
            COMMON if common.is_none() => common = bars.place(&capability, common_length, 8),
            NOTIFY if notify.is_none() => {
                notify = bars.place(&capability, 2, 2).zip(capability.notify_multiplier);
            }
            INTERRUPT_STATUS if interrupt_status.is_none() => {
                interrupt_status = bars.place(&capability, 1, 1);
            }
            DEVICE if device.is_none() => device = bars.place(&capability, 1, 4),
            _ => {}
        }
    }
    let (notify, notify_multiplier) = notify.ok_or(TakeError::Malformed)?;
    Ok(Structures {
        common: common.ok_or(TakeError::Malformed)?,
        notify,
        notify_multiplier,
        interrupt_status: interrupt_status.ok_or(TakeError::Malformed)?,
        device,
    })
}

/// `virtio_pci_cap`, as the device says it.
struct Capability {
    structure: u8,
    bar: u8,
    offset: u32,
    length: u32,
    /// Even, of notify structures alone.
    notify_multiplier: Option<u32>,
}

/// The virtio capabilities of a function. A list that loops ends too.
fn capabilities<P: Pci>(pci: P, address: Address) -> impl Iterator<Item = Capability> {
    let is_there = pci.read(address, COMMAND_AND_STATUS) & HAS_CAPABILITIES != 0;
    let pointer = |value: u32| Some(value as u8 & !3).filter(|at| *at >= FIRST_CAPABILITY);
    let first = if is_there { pointer(pci.read(address, CAPABILITIES_POINTER)) } else { None };
    core::iter::successors(first, move |at| pointer(pci.read(address, *at) >> 8))
        .take(MOST_CAPABILITIES)
        .filter_map(move |at| capability(pci, address, at))
}

/// The capability at offset `at`, a multiple of four; `None` for another kind than virtio's, a reserved BAR, and one
/// that is too short.
fn capability<P: Pci>(pci: P, address: Address, at: u8) -> Option<Capability> {
    let [kind, _, bytes, structure] = pci.read(address, at).to_le_bytes();
    let bytes = usize::from(bytes);
    let fits = usize::from(at) + bytes <= CONFIGURATION_BYTES;
    if kind != VENDOR_SPECIFIC || bytes < CAPABILITY_BYTES || !fits {
        return None;
    }
    let bar = pci.read(address, at + 4) as u8;
    let notify_multiplier = (structure == NOTIFY && bytes >= NOTIFY_CAPABILITY_BYTES)
        .then(|| pci.read(address, at + 16))
        .filter(|multiplier| multiplier % 2 == 0);
    (bar < BARS).then(|| Capability {
        structure,
        bar,
        offset: pci.read(address, at + 8),
        length: pci.read(address, at + 12),
        notify_multiplier,
    })
}

/// The BARs of a function, each measured when it is first asked for: measuring one takes the device off the bus for a
/// moment, and a hypervisor long.
struct Bars<P: Pci> {
    root: PciRoot<Configuration<P>>,
    function: DeviceFunction,
    known: [Option<Option<Memory>>; BARS as usize],
}

/// A memory BAR.
#[derive(Clone, Copy)]
struct Memory {
    address: u64,
    size: u64,
}

impl<P: Pci> Bars<P> {
    fn new(pci: P, address: Address) -> Self {
        let Address { bus, device, function } = address;
        Self {
            root: PciRoot::new(Configuration(pci)),
            function: DeviceFunction { bus, device, function },
            known: [None; BARS as usize],
        }
    }

    /// Where a structure lies, if it has at least `length` bytes, is aligned, and lies within a memory BAR.
    fn place(&mut self, capability: &Capability, length: u32, alignment: u64) -> Option<Place> {
        let Memory { address, size } = self.memory(capability.bar)?;
        let end = u64::from(capability.offset) + u64::from(capability.length);
        // No overflow: the BAR does not.
        let place = || Place { address: address + u64::from(capability.offset), length: capability.length };
        (capability.length >= length && end <= size)
            .then(place)
            .filter(|place| place.address.is_multiple_of(alignment))
    }

    /// Memory BAR `bar`, below `BARS`, if firmware placed it.
    fn memory(&mut self, bar: u8) -> Option<Memory> {
        let Self { root, function, known } = self;
        *known[usize::from(bar)].get_or_insert_with(|| {
            let (address, size) = root.bar_info(*function, bar).ok()??.memory_address_size()?;
            (address != 0 && address.checked_add(size).is_some()).then_some(Memory { address, size })
        })
    }
}

/// Configuration space for virtio-drivers.
struct Configuration<P>(P);

impl<P: Pci> ConfigurationAccess for Configuration<P> {
    fn read_word(&self, at: DeviceFunction, register_offset: u8) -> u32 {
        self.0.read(Address { bus: at.bus, device: at.device, function: at.function }, register_offset)
    }

    fn write_word(&mut self, at: DeviceFunction, register_offset: u8, data: u32) {
        self.0.write(
            Address { bus: at.bus, device: at.device, function: at.function },
            register_offset,
            data,
        );
    }

    unsafe fn unsafe_clone(&self) -> Self {
        Self(self.0)
    }
}
