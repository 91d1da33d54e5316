//! The registers of a virtio PCI device (VIRTIO 1.2, section 4.1).

use core::{mem::size_of, ops::Deref, ptr::NonNull};

use iface_dma::Dma;
use iface_pci::{Address, Pci};
use iface_virtio_bus::TakeError;
use safe_mmio::{
    UniqueMmioPointer, field, field_shared,
    fields::{ReadOnly, ReadPure, ReadPureWrite, WriteOnly},
};
use virtio_drivers::{
    Error, PhysAddr,
    transport::{DeviceStatus, DeviceType, InterruptStatus, Transport},
};
use zerocopy::{FromBytes, Immutable, IntoBytes};

use crate::capabilities::{Place, Structures, structures};

/// Queues that can be notified; no driver of the pool has more.
const MOST_QUEUES: u16 = 8;
/// How often the status is read after a reset before the device is given up; QEMU resets within the write.
const RESET_READS: u32 = 100_000;
/// What is used of a device's configuration, in bytes; none of section 5 has more.
const MOST_CONFIGURATION: u32 = 4096;

/// The command register's bits that let a device answer and access memory (PCI Local Bus Specification 3.0, section
/// 6.2.2).
const COMMAND: u8 = 0x04;
const COMMAND_MASK: u32 = 0xffff;
const MEMORY_SPACE: u32 = 1 << 1;
const BUS_MASTER: u32 = 1 << 2;
const INTERRUPT_DISABLE: u32 = 1 << 10;

/// `virtio_pci_common_cfg` (section 4.1.4.3), its 64-bit fields in halves as section 4.1.3.1 allows.
#[repr(C)]
struct Common {
    device_feature_select: ReadPureWrite<u32>,
    device_feature: ReadPure<u32>,
    driver_feature_select: ReadPureWrite<u32>,
    driver_feature: ReadPureWrite<u32>,
    config_msix_vector: ReadPureWrite<u16>,
    num_queues: ReadPure<u16>,
    device_status: ReadPureWrite<u8>,
    config_generation: ReadPure<u8>,
    queue_select: ReadPureWrite<u16>,
    queue_size: ReadPureWrite<u16>,
    queue_msix_vector: ReadPureWrite<u16>,
    queue_enable: ReadPureWrite<u16>,
    queue_notify_off: ReadPure<u16>,
    queue_desc: [ReadPureWrite<u32>; 2],
    queue_driver: [ReadPureWrite<u32>; 2],
    queue_device: [ReadPureWrite<u32>; 2],
}

/// A virtio device on PCI. It is reset when this is dropped.
#[derive(Debug)]
pub struct PciTransport {
    device_type: DeviceType,
    common: UniqueMmioPointer<'static, Common>,
    interrupt_status: UniqueMmioPointer<'static, ReadOnly<u8>>,
    configuration: Option<UniqueMmioPointer<'static, [u8]>>,
    /// Where each queue is notified. Queues may share an address.
    doorbells: [Option<NonNull<WriteOnly<u16>>>; MOST_QUEUES as usize],
}

impl PciTransport {
    /// Prepares the function at `address` for use.
    ///
    /// # Errors
    /// [`TakeError::Malformed`], where a structure or a queue's notification does not lie where it must.
    pub(crate) fn new<D: Dma, P: Pci>(
        pci: P,
        address: Address,
        device_type: DeviceType,
    ) -> Result<Self, TakeError> {
        let structures = structures(pci, address, size_of::<Common>() as u32)?;
        let command = pci.read(address, COMMAND) & COMMAND_MASK & !INTERRUPT_DISABLE;
        pci.write(address, COMMAND, command | MEMORY_SPACE | BUS_MASTER);
        let configuration = structures.device.map(|device| {
            let length = device.length.min(MOST_CONFIGURATION);
            let bytes = NonNull::slice_from_raw_parts(registers::<D, u8>(device, length), length as usize);
            // SAFETY: as for `common`.
            unsafe { UniqueMmioPointer::new(bytes) }
        });
        let common = registers::<D, Common>(structures.common, size_of::<Common>() as u32);
        let interrupt_status = registers::<D, ReadOnly<u8>>(structures.interrupt_status, 1);
        let mut transport = Self {
            device_type,
            // SAFETY: these are the device's registers, mapped for ever, aligned as `structures` checked. The device
            // is taken once, so there is no other pointer in use; where a device has its structures overlap, its
            // registers do what they do, and no memory is touched.
            common: unsafe { UniqueMmioPointer::new(common) },
            // SAFETY: as above.
            interrupt_status: unsafe { UniqueMmioPointer::new(interrupt_status) },
            configuration,
            doorbells: [None; MOST_QUEUES as usize],
        };
        transport.find_doorbells::<D>(&structures)?;
        Ok(transport)
    }

    /// Reads where the queues are notified (section 4.1.4.4).
    fn find_doorbells<D: Dma>(&mut self, structures: &Structures) -> Result<(), TakeError> {
        let queues = field_shared!(self.common, num_queues).read().min(MOST_QUEUES);
        for queue in 0..queues {
            field!(self.common, queue_select).write(queue);
            let offset = field_shared!(self.common, queue_notify_off).read();
            let offset = u64::from(offset) * u64::from(structures.notify_multiplier);
            let doorbell = structures.notify.part(offset, 2).ok_or(TakeError::Malformed)?;
            self.doorbells[usize::from(queue)] = Some(registers::<D, _>(doorbell, 2));
        }
        Ok(())
    }

    /// Selects a queue for the registers that are there once.
    fn select(&mut self, queue: u16) {
        field!(self.common, queue_select).write(queue);
    }
}

/// The first `length` bytes of a structure's registers.
fn registers<D: Dma, T>(place: Place, length: u32) -> NonNull<T> {
    // SAFETY: the place lies in a memory BAR of a device that the caller drives.
    unsafe { D::registers(place.address, length as usize) }.cast()
}

/// Writes a 64-bit field as two halves.
macro_rules! write_halves {
    ($common:expr, $field:ident, $value:expr) => {
        for (half, index) in [($value as u32, 0), (($value >> 32) as u32, 1)] {
            if let Some(mut register) = field!($common, $field).as_mut_slice().get(index) {
                register.write(half);
            }
        }
    };
}

impl Transport for PciTransport {
    fn device_type(&self) -> DeviceType {
        self.device_type
    }

    fn read_device_features(&mut self) -> u64 {
        let [low, high] = [0, 1].map(|half| {
            field!(self.common, device_feature_select).write(half);
            u64::from(field_shared!(self.common, device_feature).read())
        });
        low | high << 32
    }

    fn write_driver_features(&mut self, driver_features: u64) {
        for (half, bits) in [(0, driver_features as u32), (1, (driver_features >> 32) as u32)] {
            field!(self.common, driver_feature_select).write(half);
            field!(self.common, driver_feature).write(bits);
        }
    }

    fn max_queue_size(&mut self, queue: u16) -> u32 {
        self.select(queue);
        field_shared!(self.common, queue_size).read().into()
    }

    #[inline]
    fn notify(&mut self, queue: u16) {
        if let Some(Some(doorbell)) = self.doorbells.get(usize::from(queue)) {
            // SAFETY: it is a register of this device, mapped for ever and aligned, and `self` is borrowed mutably:
            // no other pointer to it is in use.
            unsafe { UniqueMmioPointer::new(*doorbell) }.write(queue);
        }
    }

    fn get_status(&self) -> DeviceStatus {
        DeviceStatus::from_bits_truncate(field_shared!(self.common, device_status).read().into())
    }

    /// Waits until a reset is done, as section 4.1.4.3.2 asks of drivers.
    fn set_status(&mut self, status: DeviceStatus) {
        field!(self.common, device_status).write(status.bits() as u8);
        if status.is_empty() {
            // A device that never ends it is found out by what comes next.
            let _is_reset = (0..RESET_READS).any(|_| self.get_status().is_empty());
        }
    }

    fn set_guest_page_size(&mut self, _guest_page_size: u32) {}

    fn requires_legacy_layout(&self) -> bool {
        false
    }

    fn queue_set(
        &mut self,
        queue: u16,
        size: u32,
        descriptors: PhysAddr,
        driver_area: PhysAddr,
        device_area: PhysAddr,
    ) {
        self.select(queue);
        field!(self.common, queue_size).write(size as u16);
        write_halves!(self.common, queue_desc, descriptors);
        write_halves!(self.common, queue_driver, driver_area);
        write_halves!(self.common, queue_device, device_area);
        field!(self.common, queue_enable).write(1);
    }

    /// Nothing: a queue is disabled by a reset of the device (section 4.1.4.3.2).
    fn queue_unset(&mut self, _queue: u16) {}

    fn queue_used(&mut self, queue: u16) -> bool {
        self.select(queue);
        field_shared!(self.common, queue_enable).read() == 1
    }

    fn ack_interrupt(&mut self) -> InterruptStatus {
        // Reading clears it and lowers the line (section 4.1.4.5).
        InterruptStatus::from_bits_retain(self.interrupt_status.read().into())
    }

    fn read_config_generation(&self) -> u32 {
        field_shared!(self.common, config_generation).read().into()
    }

    fn read_config_space<T: FromBytes + IntoBytes>(&self, offset: usize) -> Result<T, Error> {
        let configuration = self.configuration.as_ref().ok_or(Error::ConfigSpaceMissing)?;
        check_field::<T>(configuration.len(), offset)?;
        // SAFETY: the field lies within the registers and is aligned, as checked; reading has no side effects
        // (section 4.1.4.6).
        unsafe {
            let pointer = configuration.ptr().cast::<T>().byte_add(offset).cast_mut();
            Ok(configuration.deref().child(NonNull::new_unchecked(pointer)).read_unsafe())
        }
    }

    fn write_config_space<T: IntoBytes + Immutable>(&mut self, offset: usize, value: T) -> Result<(), Error> {
        let configuration = self.configuration.as_mut().ok_or(Error::ConfigSpaceMissing)?;
        check_field::<T>(configuration.len(), offset)?;
        // SAFETY: the field lies within the registers and is aligned, as checked.
        unsafe {
            let pointer = configuration.ptr_nonnull().cast::<T>().byte_add(offset);
            configuration.child(pointer).write_unsafe(value);
        }
        Ok(())
    }
}

/// Whether a `T` at `offset` lies within `length` bytes that begin at a multiple of four, and is aligned.
fn check_field<T>(length: usize, offset: usize) -> Result<(), Error> {
    if align_of::<T>() > 4 || !offset.is_multiple_of(align_of::<T>()) {
        return Err(Error::InvalidParam);
    }
    match offset.checked_add(size_of::<T>()) {
        Some(end) if end <= length => Ok(()),
        _ => Err(Error::ConfigSpaceTooSmall),
    }
}

// SAFETY: registers may be accessed from any thread.
unsafe impl Send for PciTransport {}

impl Drop for PciTransport {
    fn drop(&mut self) {
        self.set_status(DeviceStatus::empty());
    }
}
