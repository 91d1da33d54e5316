//! A bus with one device.

use std::cell::RefCell;

use iface_virtio_bus::{Device, DeviceType, Source, TakeError, VirtioBus};

use crate::{FakeHal, FakeTransport};

thread_local! {
    static DEVICE: RefCell<Option<FakeTransport>> = const { RefCell::new(None) };
}

/// The bus of this thread; its one device fires [`FakeBus::SOURCE`].
#[derive(Clone, Copy, Debug)]
pub struct FakeBus(());

impl FakeBus {
    /// What the device fires.
    pub const SOURCE: Source = Source(11);

    /// A bus with the device behind `transport`; it takes the place of what this thread's bus had before.
    pub fn with(transport: FakeTransport) -> Self {
        DEVICE.set(Some(transport));
        Self(())
    }
}

impl VirtioBus for FakeBus {
    type Hal = FakeHal;
    type Transport = FakeTransport;

    fn take(&self, kind: DeviceType) -> Result<Device<FakeTransport>, TakeError> {
        let is_kind = |transport: &mut FakeTransport| transport.0.borrow().device_type == kind;
        let transport = DEVICE.with_borrow_mut(|device| device.take_if(is_kind)).ok_or(TakeError::Absent)?;
        Ok(Device { transport, source: Self::SOURCE })
    }
}
