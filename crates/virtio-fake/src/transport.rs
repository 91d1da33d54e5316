//! A transport whose registers a test reads and writes.

use std::{cell::RefCell, rc::Rc};

use virtio_drivers::{
    Error, PhysAddr, Result,
    transport::{DeviceStatus, DeviceType, InterruptStatus, Transport},
};
use zerocopy::{FromBytes, Immutable, IntoBytes};

/// Where a driver put a queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueueRegisters {
    /// Slots that the device offers.
    pub max_size: u32,
    /// Slots that the driver chose; 0 until it did.
    pub size: u32,
    /// Addresses of the descriptors, the available ring and the used ring.
    pub addresses: [PhysAddr; 3],
    /// How often the driver notified it.
    pub notifications: u64,
}

/// A device's registers.
#[derive(Clone)]
pub struct Registers {
    /// What kind of device it is.
    pub device_type: DeviceType,
    /// Features that the device offers.
    pub device_features: u64,
    /// Features that the driver accepted.
    pub driver_features: u64,
    /// Whether the device takes any choice of features; else `FEATURES_OK` does not stay.
    pub agrees: bool,
    /// Whether the transport is a legacy one.
    pub legacy: bool,
    /// The status register.
    pub status: DeviceStatus,
    /// Device configuration space.
    pub config: Vec<u8>,
    /// The queues.
    pub queues: Vec<QueueRegisters>,
    /// Interrupts that wait for acknowledgement.
    pub interrupt: InterruptStatus,
}

impl Registers {
    /// A device with `queues` queues of 1024 slots at most.
    pub fn new(device_type: DeviceType, device_features: u64, config: &[u8], queues: usize) -> Self {
        Self {
            device_type,
            device_features,
            driver_features: 0,
            agrees: true,
            legacy: false,
            status: DeviceStatus::empty(),
            config: config.to_vec(),
            queues: vec![QueueRegisters { max_size: 1024, ..QueueRegisters::default() }; queues],
            interrupt: InterruptStatus::empty(),
        }
    }

    /// The same, shared between a transport and a test.
    pub fn shared(self) -> Rc<RefCell<Self>> {
        Rc::new(RefCell::new(self))
    }
}

/// The driver's side of [`Registers`].
#[derive(Clone)]
pub struct FakeTransport(pub Rc<RefCell<Registers>>);

impl Transport for FakeTransport {
    fn device_type(&self) -> DeviceType {
        self.0.borrow().device_type
    }

    fn read_device_features(&mut self) -> u64 {
        self.0.borrow().device_features
    }

    fn write_driver_features(&mut self, driver_features: u64) {
        self.0.borrow_mut().driver_features = driver_features;
    }

    fn max_queue_size(&mut self, queue: u16) -> u32 {
        self.0.borrow().queues.get(usize::from(queue)).map_or(0, |queue| queue.max_size)
    }

    fn notify(&mut self, queue: u16) {
        self.0.borrow_mut().queues[usize::from(queue)].notifications += 1;
    }

    fn get_status(&self) -> DeviceStatus {
        self.0.borrow().status
    }

    fn set_status(&mut self, status: DeviceStatus) {
        let mut registers = self.0.borrow_mut();
        let refused = if registers.agrees { DeviceStatus::empty() } else { DeviceStatus::FEATURES_OK };
        registers.status = status.difference(refused);
        if status.is_empty() {
            registers.queues.iter_mut().for_each(|queue| queue.size = 0);
        }
    }

    fn set_guest_page_size(&mut self, _guest_page_size: u32) {}

    fn requires_legacy_layout(&self) -> bool {
        self.0.borrow().legacy
    }

    fn queue_set(
        &mut self,
        queue: u16,
        size: u32,
        descriptors: PhysAddr,
        driver_area: PhysAddr,
        device_area: PhysAddr,
    ) {
        let registers = &mut self.0.borrow_mut().queues[usize::from(queue)];
        registers.size = size;
        registers.addresses = [descriptors, driver_area, device_area];
    }

    fn queue_unset(&mut self, queue: u16) {
        self.0.borrow_mut().queues[usize::from(queue)].size = 0;
    }

    fn queue_used(&mut self, queue: u16) -> bool {
        self.0.borrow().queues.get(usize::from(queue)).is_some_and(|queue| queue.size != 0)
    }

    fn ack_interrupt(&mut self) -> InterruptStatus {
        std::mem::take(&mut self.0.borrow_mut().interrupt)
    }

    fn read_config_generation(&self) -> u32 {
        0
    }

    fn read_config_space<T: FromBytes + IntoBytes>(&self, offset: usize) -> Result<T> {
        let registers = self.0.borrow();
        let bytes = registers.config.get(offset..).ok_or(Error::ConfigSpaceTooSmall)?;
        Ok(T::read_from_prefix(bytes).map_err(|_| Error::ConfigSpaceTooSmall)?.0)
    }

    fn write_config_space<T: IntoBytes + Immutable>(&mut self, offset: usize, value: T) -> Result<()> {
        let mut registers = self.0.borrow_mut();
        let bytes = registers.config.get_mut(offset..).ok_or(Error::ConfigSpaceTooSmall)?;
        value.write_to_prefix(bytes).map_err(|_| Error::ConfigSpaceTooSmall)
    }
}
