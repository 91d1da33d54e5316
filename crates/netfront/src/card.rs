//! The card, as its owner has it.

use iface_event_channels::EventChannels;
use iface_grant_table::GrantTable;
use iface_net_device::{Checksums, NetDevice, Source, TransmitError};

use crate::frame::Frame;
use crate::gather::ETHERNET_HEADER;
use crate::nic::{Nic, State};

/// A network card of a Xen domain. While no backend is connected, its cable is unplugged: frames to be sent are lost, and
/// none come.
pub struct Card<G: 'static, V: 'static>(&'static Nic<G, V>);

impl<G, V> Card<G, V> {
    pub(crate) const fn new(nic: &'static Nic<G, V>) -> Self {
        Self(nic)
    }
}

impl<G: GrantTable, V: EventChannels> NetDevice for Card<G, V> {
    type Frame = Frame;

    fn mac_address(&self) -> [u8; 6] {
        self.0.mac_address
    }

    fn mtu(&self) -> usize {
        self.0.mtu
    }

    /// Both, whatever the backend does: the rest is done here, so that another backend may come.
    fn checksums(&self) -> Checksums {
        Checksums { receive: true, transmit: true }
    }

    fn source(&self) -> Source {
        self.0.parts.source
    }

    /// A channel is quiet after it fired.
    fn acknowledge(&mut self) {}

    #[inline]
    fn receive(&mut self) -> Option<Frame> {
        let grants = self.0.parts.grants;
        self.0.state.borrow_mut().with_link(|link, pool| link.receive(grants, pool)).flatten()
    }

    #[inline]
    fn recycle(&mut self, frame: Frame) {
        self.0.state.borrow_mut().pool.recycle(frame);
    }

    #[inline]
    fn can_transmit(&mut self) -> bool {
        let longest = ETHERNET_HEADER + self.0.mtu;
        let has_room = self.0.state.borrow_mut().with_link(|link, _| link.has_room(longest, &self.0.parts));
        has_room.unwrap_or(true)
    }

    #[inline]
    fn transmit<R>(&mut self, length: usize, fill: impl FnOnce(&mut [u8]) -> R) -> Result<R, TransmitError> {
        if length > ETHERNET_HEADER + self.0.mtu {
            return Err(TransmitError::TooLong);
        }
        let mut state = self.0.state.borrow_mut();
        if state.with_link(|link, _| link.has_room(length, &self.0.parts)) == Some(false) {
            return Err(TransmitError::Full);
        }
        let State { link, scratch, .. } = &mut *state;
        match link {
            Some(link) if length >= ETHERNET_HEADER => {
                link.send(length, scratch, fill).ok_or(TransmitError::Full)
            }
            // A backend takes a shorter frame for an attack, and a wire does not carry it.
            _ => Ok(fill(&mut scratch[..length])),
        }
    }

    #[inline]
    fn flush(&mut self) {
        let State { link, pool, .. } = &mut *self.0.state.borrow_mut();
        if let Some(link) = link {
            link.flush(&self.0.parts, pool);
        }
    }

    fn arm(&mut self) -> bool {
        self.flush();
        let mut state = self.0.state.borrow_mut();
        state.report_losses();
        state.pool.retry(self.0.parts.grants);
        state.with_link(|link, _| link.arm()).unwrap_or(true)
    }

    /// A ring asks for one signal, and not again before it is armed.
    fn disarm(&mut self) {}
}
