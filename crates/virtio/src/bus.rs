//! Which devices there are, and which are taken.

use alloc::{vec, vec::Vec};
use core::{
    cell::{Cell, RefCell},
    marker::PhantomData,
};

use iface_dma::Dma;
use iface_pci::{Address, Pci};
use iface_virtio_bus::{Device, DeviceType, Source, TakeError, VirtioBus};
use virtio_drivers::transport::{
    Transport,
    mmio::MmioTransport,
    pci::{
        bus::{DeviceFunctionInfo, HeaderType},
        virtio_device_type,
    },
};

use crate::{AnyTransport, DmaHal, PciTransport, scan, window::Window};

/// The machine's virtio devices.
#[derive(Debug)]
pub struct Bus<D, P> {
    pci: P,
    devices: &'static Devices,
    dma: PhantomData<fn() -> D>,
}

/// What was offered to a driver already.
#[derive(Debug)]
pub(crate) struct Devices {
    windows: Vec<(Window, Cell<bool>)>,
    functions: RefCell<Vec<Address>>,
}

impl From<Vec<Window>> for Devices {
    fn from(windows: Vec<Window>) -> Self {
        let windows = windows.into_iter().map(|window| (window, Cell::new(false))).collect();
        Self { windows, functions: RefCell::new(vec![]) }
    }
}

impl<D, P: Copy> Clone for Bus<D, P> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<D, P: Copy> Copy for Bus<D, P> {}

impl<D: Dma, P: Pci> Bus<D, P> {
    pub(crate) fn new(pci: P, devices: &'static Devices) -> Self {
        Self { pci, devices, dma: PhantomData }
    }

    /// The first device of `kind` in a register window.
    fn take_window(&self, kind: DeviceType) -> Option<Device<AnyTransport>> {
        self.devices.windows.iter().filter(|(_, is_taken)| !is_taken.get()).find_map(|(window, is_taken)| {
            // SAFETY: whoever started the image says that these are a device's registers. No driver has it, and
            // windows do not overlap.
            let header = unsafe { D::registers(window.address, window.size) };
            // SAFETY: the mapping is valid for ever, and aligned as the window's address is.
            let transport = unsafe { MmioTransport::new(header.cast(), window.size) }.ok()?;
            is_taken.set(transport.device_type() == kind);
            is_taken.get().then_some(Device {
                transport: AnyTransport::Mmio(transport),
                source: Source(window.interrupt),
            })
        })
    }

    /// The first device of `kind` on PCI.
    fn take_function(&self, kind: DeviceType) -> Option<Result<Device<AnyTransport>, TakeError>> {
        let address = scan::find(self.pci, |address, id| {
            let is_free = || !self.devices.functions.borrow().contains(&address);
            (device_type(id) == Some(kind) && is_free()).then_some(address)
        })?;
        self.devices.functions.borrow_mut().push(address);
        Some(self.open_function(address, kind))
    }

    fn open_function(&self, address: Address, kind: DeviceType) -> Result<Device<AnyTransport>, TakeError> {
        let source = self.pci.interrupt(address).ok_or(TakeError::NoInterrupt)?;
        let transport = PciTransport::new::<D, P>(self.pci, address, kind)?;
        Ok(Device { transport: AnyTransport::Pci(transport), source })
    }
}

impl<D: Dma, P: Pci> VirtioBus for Bus<D, P> {
    type Hal = DmaHal<D>;
    type Transport = AnyTransport;

    fn take(&self, kind: DeviceType) -> Result<Device<AnyTransport>, TakeError> {
        match self.take_window(kind) {
            Some(device) => Ok(device),
            None => self.take_function(kind).unwrap_or(Err(TakeError::Absent)),
        }
    }
}

/// What a PCI function with this device and vendor ID is in virtio's terms.
fn device_type(id: u32) -> Option<DeviceType> {
    virtio_device_type(&DeviceFunctionInfo {
        vendor_id: id as u16,
        device_id: (id >> 16) as u16,
        class: 0,
        subclass: 0,
        prog_if: 0,
        revision: 0,
        header_type: HeaderType::Standard,
    })
}
