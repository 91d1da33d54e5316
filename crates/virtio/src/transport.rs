//! One type for both transports.

use virtio_drivers::{
    PhysAddr, Result,
    transport::{DeviceStatus, DeviceType, InterruptStatus, Transport, mmio::MmioTransport},
};
use zerocopy::{FromBytes, Immutable, IntoBytes};

use crate::PciTransport;

/// How a device of this bus is talked to.
#[derive(Debug)]
pub enum AnyTransport {
    /// In a register window (VIRTIO 1.2, section 4.2).
    Mmio(MmioTransport<'static>),
    /// On PCI (section 4.1).
    Pci(PciTransport),
}

/// The same call on either.
macro_rules! either {
    ($transport:expr, $method:ident($($argument:expr),*)) => {
        match $transport {
            Self::Mmio(transport) => transport.$method($($argument),*),
            Self::Pci(transport) => transport.$method($($argument),*),
        }
    };
}

impl Transport for AnyTransport {
    fn device_type(&self) -> DeviceType {
        either!(self, device_type())
    }

    fn read_device_features(&mut self) -> u64 {
        either!(self, read_device_features())
    }

    fn write_driver_features(&mut self, driver_features: u64) {
        either!(self, write_driver_features(driver_features))
    }

    fn max_queue_size(&mut self, queue: u16) -> u32 {
        either!(self, max_queue_size(queue))
    }

    #[inline]
    fn notify(&mut self, queue: u16) {
        either!(self, notify(queue))
    }

    fn get_status(&self) -> DeviceStatus {
        either!(self, get_status())
    }

    fn set_status(&mut self, status: DeviceStatus) {
        either!(self, set_status(status))
    }

    fn set_guest_page_size(&mut self, guest_page_size: u32) {
        either!(self, set_guest_page_size(guest_page_size))
    }

    fn requires_legacy_layout(&self) -> bool {
        either!(self, requires_legacy_layout())
    }

    fn queue_set(
        &mut self,
        queue: u16,
        size: u32,
        descriptors: PhysAddr,
        driver_area: PhysAddr,
        device_area: PhysAddr,
    ) {
        either!(self, queue_set(queue, size, descriptors, driver_area, device_area))
    }

    fn queue_unset(&mut self, queue: u16) {
        either!(self, queue_unset(queue))
    }

    fn queue_used(&mut self, queue: u16) -> bool {
        either!(self, queue_used(queue))
    }

    #[inline]
    fn ack_interrupt(&mut self) -> InterruptStatus {
        either!(self, ack_interrupt())
    }

    fn read_config_generation(&self) -> u32 {
        either!(self, read_config_generation())
    }

    fn read_config_space<T: FromBytes + IntoBytes>(&self, offset: usize) -> Result<T> {
        either!(self, read_config_space(offset))
    }

    fn write_config_space<T: IntoBytes + Immutable>(&mut self, offset: usize, value: T) -> Result<()> {
        either!(self, write_config_space(offset, value))
    }
}
