//! What the card's owner and the thread that keeps it connected share.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::cell::RefCell;

use iface_event_channels::{DomainId, EventChannels};
use iface_grant_table::GrantTable;

use crate::broken::{Broken, LinkError};
use crate::gather::ETHERNET_HEADER;
use crate::link::{Abilities, Link, Parts};
use crate::pool::Pool;

/// A card, connected or not.
pub(crate) struct Nic<G, V> {
    pub(crate) parts: Parts<G, V>,
    pub(crate) mac_address: [u8; 6],
    pub(crate) mtu: usize,
    /// Borrowed for moments only, and never while a thread waits.
    pub(crate) state: RefCell<State>,
}

/// What changes of a card.
pub(crate) struct State {
    pub(crate) link: Option<Link>,
    pub(crate) pool: Pool,
    /// Where a frame is written that goes nowhere, or needs several buffers.
    pub(crate) scratch: Vec<u8>,
    /// A connection that nobody uses any more, and why.
    broken: Option<(Link, Broken)>,
    /// Called when a connection breaks.
    on_break: Option<Box<dyn Fn()>>,
    /// Losses of earlier connections.
    losses: [u64; 2],
    /// How many losses there are when they are told of next.
    report_at: u64,
}

impl State {
    /// Does `work` on the connection, if there is one; a broken one is set aside.
    #[inline]
    pub(crate) fn with_link<T>(
        &mut self,
        work: impl FnOnce(&mut Link, &mut Pool) -> Result<T, Broken>,
    ) -> Option<T> {
        let link = self.link.as_mut()?;
        match work(link, &mut self.pool) {
            Ok(value) => Some(value),
            Err(broken) => {
                self.broken = self.link.take().map(|link| (link, broken));
                self.on_break.iter().for_each(|call| call());
                None
            }
        }
    }

    /// Frames that were received and no good, and frames that backends did not send.
    pub(crate) fn losses(&self) -> [u64; 2] {
        let [dropped, refused] = self.link.as_ref().map_or([0; 2], Link::losses);
        [self.losses[0] + dropped, self.losses[1] + refused]
    }

    /// Tells of losses, each time that there are twice as many: a backend can't fill the log.
    pub(crate) fn report_losses(&mut self) {
        let [dropped, refused] = self.losses();
        if dropped + refused >= self.report_at {
            self.report_at = (dropped + refused).saturating_mul(2);
            log::warn!(
                "{dropped} received frames dropped for what the backend said of them or for their checksum, \
                 {refused} frames not sent by the backend"
            );
        }
    }
}

impl<G: GrantTable, V: EventChannels> Nic<G, V> {
    /// A card that is not connected, and has `pages` of memory.
    pub(crate) fn new(parts: Parts<G, V>, mac_address: [u8; 6], mtu: usize, pages: usize) -> Self {
        let state = State {
            link: None,
            pool: Pool::new(pages),
            scratch: alloc::vec![0; ETHERNET_HEADER + mtu],
            broken: None,
            on_break: None,
            losses: [0; 2],
            report_at: 1,
        };
        Self { parts, mac_address, mtu, state: RefCell::new(state) }
    }

    /// Has `call` called when a connection breaks.
    pub(crate) fn on_break(&self, call: Box<dyn Fn()>) {
        self.state.borrow_mut().on_break = Some(call);
    }

    /// Rings and channels for `backend`, which are not used yet.
    pub(crate) fn open(&self, backend: DomainId, abilities: Abilities) -> Result<Link, LinkError> {
        Link::open(&self.parts, backend, abilities, &mut self.state.borrow_mut().pool)
    }

    /// Uses `link` from now on.
    pub(crate) fn connect(&self, link: Link) {
        link.wake(self.parts.channels);
        self.state.borrow_mut().link = Some(link);
        self.parts.channels.fire(self.parts.source);
    }

    /// Stops using the connection. Frames to be sent are lost from now on, for which nobody has to wait any more.
    pub(crate) fn disconnect(&self) -> Option<Link> {
        let mut state = self.state.borrow_mut();
        let link = state.link.take().or_else(|| state.broken.take().map(|(link, _)| link));
        self.parts.channels.fire(self.parts.source);
        link
    }

    /// What broke the connection, if something did.
    pub(crate) fn broken(&self) -> Option<Broken> {
        self.state.borrow().broken.as_ref().map(|(_, broken)| *broken)
    }

    /// Takes back what a connection had.
    pub(crate) fn close(&self, link: Link) {
        let state = &mut *self.state.borrow_mut();
        let [dropped, refused] = link.losses();
        state.losses = [state.losses[0] + dropped, state.losses[1] + refused];
        link.close(&self.parts, &mut state.pool);
        let held = state.pool.held();
        if held > 0 {
            log::warn!("backends hold {held} pages that they should be done with; they are not used again");
        }
    }
}
