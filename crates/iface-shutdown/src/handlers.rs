//! What every provider has to remember.

use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::RefCell;

use crate::{Handler, Wish};

/// The handlers of a provider.
#[derive(Default)]
pub struct Handlers(RefCell<Vec<Rc<Handler>>>);

impl Handlers {
    /// None yet.
    pub const fn new() -> Self {
        Self(RefCell::new(Vec::new()))
    }

    /// Adds one.
    pub fn add(&self, handler: Handler) {
        self.0.borrow_mut().push(Rc::new(handler));
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.borrow().is_empty()
    }

    /// Calls each with a wish. One may add further ones, which are told of later wishes alone.
    pub fn tell(&self, wish: Wish) {
        let handlers = self.0.borrow().clone();
        handlers.iter().for_each(|handler| handler(wish));
    }
}

#[cfg(test)]
mod tests {
    use alloc::boxed::Box;
    use core::cell::Cell;

    use super::*;

    #[test]
    fn a_handler_may_add_another() {
        let handlers = Rc::new(Handlers::new());
        let told = Rc::new(Cell::new(0));
        assert!(handlers.is_empty());
        let (further, counted) = (Rc::downgrade(&handlers), Rc::clone(&told));
        handlers.add(Box::new(move |wish| {
            counted.set(counted.get() + 1);
            let counted = Rc::clone(&counted);
            let Some(further) = further.upgrade().filter(|_| wish == Wish::PowerOff) else { return };
            further.add(Box::new(move |_| counted.set(counted.get() + 10)));
        }));
        handlers.tell(Wish::PowerOff);
        assert_eq!(told.get(), 1);
        handlers.tell(Wish::Reboot);
        assert_eq!(told.get(), 12);
        assert!(!handlers.is_empty());
    }
}
