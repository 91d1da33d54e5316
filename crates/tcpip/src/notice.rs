//! Who is told of a socket's readiness as it changes.

use iface_net_stack::{Readiness, Told};

/// Somebody who is told of one socket.
pub struct Notice {
    told: Told,
    /// There was no room to send: that there is some is news.
    full: bool,
}

impl Notice {
    /// Of a socket that is `ready` now, which is not told.
    pub fn new(told: Told, ready: Readiness) -> Self {
        Self { told, full: !ready.writable }
    }

    /// Bytes were taken from the application, after which the socket is `ready`.
    pub const fn sent(&mut self, ready: Readiness) {
        self.full |= !ready.writable;
    }

    /// Tells what of `ready` may be new. Room is so only where there was none.
    pub fn tell(&mut self, ready: Readiness, news: Readiness) {
        let news = ready.and(news);
        let room = news.writable && core::mem::take(&mut self.full);
        let news = Readiness { writable: room, ..news };
        if !news.is_none() {
            (self.told)(news);
        }
    }
}
