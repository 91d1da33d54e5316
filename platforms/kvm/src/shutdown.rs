//! Wishes that the machine is turned off: its power button.

use alloc::boxed::Box;
use core::cell::Cell;

use iface_events::Events;
use iface_platform::ExitStatus;
use iface_shutdown::{Handler, Handlers, Shutdown, Unheard, Wish};
use x86_64::SingleCore;

use crate::Kvm;
use crate::acpi::PowerButton;

/// What is known of the button.
struct Pressed {
    handlers: Handlers,
    once: Cell<bool>,
}

// SAFETY: the image runs on one processor; handlers of events run in thread context.
static PRESSED: SingleCore<Pressed> =
    unsafe { SingleCore::new(Pressed { handlers: Handlers::new(), once: Cell::new(false) }) };

impl Shutdown for Kvm {
    fn on_wish(&self, handler: Handler) -> Result<(), Unheard> {
        if PRESSED.handlers.is_empty() {
            self.watch_button()?;
        }
        PRESSED.handlers.add(handler);
        Ok(())
    }
}

impl Kvm {
    fn watch_button(self) -> Result<(), Unheard> {
        let button = PowerButton::find().ok_or(Unheard("the machine has no power button of ACPI"))?;
        let look = move || {
            if button.was_pressed() {
                PRESSED.once.set(true);
                PRESSED.handlers.tell(Wish::PowerOff);
            }
        };
        let watched = self.subscribe(button.line, Box::new(look));
        watched.map_err(|_| Unheard("the power button's interrupt leads nowhere"))?;
        button.enable();
        Ok(())
    }
}

/// Whether a status is that of a program that a signal ended, after a wish: turning the machine off tells as much.
pub(crate) fn was_granted(status: ExitStatus) -> bool {
    PRESSED.once.get() && status.0 > crate::exit::LAST_TOLD && status != ExitStatus::PANIC
}
