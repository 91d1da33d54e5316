//! Wishes that a test has.

use alloc::boxed::Box;

use crate::{Handler, Handlers, Shutdown, Unheard, Wish};

/// Somebody who wishes that the image ends whenever a test says so.
#[derive(Default)]
pub struct FakeShutdown(Handlers);

impl FakeShutdown {
    /// One that stays for as long as the test runs.
    pub fn new() -> &'static Self {
        Box::leak(Box::default())
    }

    /// Has a wish.
    pub fn wish(&self, wish: Wish) {
        self.0.tell(wish);
    }
}

impl Shutdown for &'static FakeShutdown {
    fn on_wish(&self, handler: Handler) -> Result<(), Unheard> {
        self.0.add(handler);
        Ok(())
    }
}
