//! The way from a reset device to agreed features (VIRTIO 1.2, section 3.1.1).

use virtio_drivers::{
    PAGE_SIZE,
    transport::{DeviceStatus, Transport},
};

/// `VIRTIO_F_EVENT_IDX`: each side says at which index it wants to be told.
pub const EVENT_IDX: u64 = 1 << 29;
/// `VIRTIO_F_VERSION_1`: not a legacy device.
pub const VERSION_1: u64 = 1 << 32;

/// Why a driver and a device cannot work together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NegotiateError {
    /// The transport is modern and the device does not offer `VIRTIO_F_VERSION_1`.
    NotVersion1,
    /// The device refuses the driver's choice.
    Refused,
}

impl core::fmt::Display for NegotiateError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::NotVersion1 => "the device does not conform to virtio 1.0 or later",
            Self::Refused => "the device refuses to work without a feature that the driver does not know",
        })
    }
}

impl core::error::Error for NegotiateError {}

/// Resets the device and agrees on the features of `known` that it offers; [`VERSION_1`] is always among them where the
/// transport is not a legacy one. The driver goes on with its queues, and ends with `finish_init`.
///
/// # Errors
/// As [`NegotiateError`] says; the device is left alone then.
pub fn negotiate(transport: &mut impl Transport, known: u64) -> Result<u64, NegotiateError> {
    let legacy = transport.requires_legacy_layout();
    transport.set_status(DeviceStatus::empty());
    transport.set_status(DeviceStatus::ACKNOWLEDGE);
    transport.set_status(DeviceStatus::ACKNOWLEDGE | DeviceStatus::DRIVER);
    let agreed = transport.read_device_features() & (known | VERSION_1);
    if !legacy && agreed & VERSION_1 == 0 {
        return Err(NegotiateError::NotVersion1);
    }
    transport.write_driver_features(agreed);
    if !legacy {
        let chosen = DeviceStatus::ACKNOWLEDGE | DeviceStatus::DRIVER | DeviceStatus::FEATURES_OK;
        transport.set_status(chosen);
        if !transport.get_status().contains(DeviceStatus::FEATURES_OK) {
            return Err(NegotiateError::Refused);
        }
    }
    transport.set_guest_page_size(PAGE_SIZE as u32);
    Ok(agreed)
}
