//! Wishes that the image ends, which the program gets as signals.

use alloc::boxed::Box;

use iface_shutdown::{Shutdown, Wish};
use linux_raw_sys::general::{SIGINT, SIGTERM};

use crate::linux::{Linux, World};

impl<W: World> Linux<W> {
    /// Has the program get a signal for each wish from here on.
    pub fn heed_wishes(&'static self) {
        let Some(shutdown) = self.shutdown else { return };
        if let Err(error) = shutdown.on_wish(Box::new(|wish| self.send_from_kernel(signal_of(wish)))) {
            log::debug!("{error}");
        }
    }
}

/// What Linux's own init or terminal would send for it.
fn signal_of(wish: Wish) -> u32 {
    match wish {
        Wish::PowerOff | Wish::Reboot => SIGTERM,
        Wish::Interrupt => SIGINT,
    }
}
