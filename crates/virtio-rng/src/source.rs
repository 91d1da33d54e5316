//! Asking the device, and waiting for it.

use core::cell::RefCell;

use iface_clock::{Clock, Duration};
use iface_entropy::{Entropy, EntropyError};
use iface_events::Events;
use virtio_drivers::{Hal, transport::Transport};
use virtio_ring::{Access, Buffer, Ring, Used, negotiate};

use crate::InitError;

/// `requestq` (VIRTIO 1.2, section 5.4.2).
const REQUEST_QUEUE: u16 = 0;
/// One request is under way at a time.
const QUEUE_SIZE: usize = 1;
/// Bytes of a request.
const REQUEST_BYTES: u32 = 256;
/// How long the device may take for a byte at least.
const PATIENCE: Duration = Duration::from_secs(1);
const FAILED: Result<usize, EntropyError> = Err(EntropyError::SourceFailed);

/// An entropy device. Borrowed for moments only: whoever waits for it has not borrowed it, so that its handler and
/// others who need bytes can.
pub(crate) struct Device<H, T>(RefCell<State<H, T>>);

struct State<H, T> {
    transport: T,
    ring: Ring<H, QUEUE_SIZE>,
    /// Bytes of the request under way.
    asked: u32,
}

impl<H: Hal, T: Transport> Device<H, T> {
    pub(crate) fn new(mut transport: T) -> Result<Self, InitError> {
        negotiate(&mut transport, 0)?;
        let mut ring = Ring::new(&mut transport, REQUEST_QUEUE, Access::Writes, REQUEST_BYTES, false)?;
        // From now on; there is no answer yet that this could be late for.
        ring.arm(0);
        transport.finish_init();
        Ok(Self(RefCell::new(State { transport, ring, asked: 0 })))
    }

    /// Quiets the interrupt.
    pub(crate) fn acknowledge(&self) {
        self.0.borrow_mut().transport.ack_interrupt();
    }

    /// Asks for `bytes` bytes at most, unless a request is under way: its bytes are as good.
    fn request(&self, bytes: usize) {
        let State { transport, ring, asked } = &mut *self.0.borrow_mut();
        if let Some(buffer) = ring.take_free() {
            *asked = bytes.min(REQUEST_BYTES as usize) as u32;
            ring.offer(buffer, *asked);
            ring.kick(transport);
        }
    }

    /// Moves what the device gave to the beginning of `target`, and says how much it was: 0 where it gave nothing yet.
    fn collect(&self, target: &mut [u8]) -> Result<usize, EntropyError> {
        let State { ring, asked, .. } = &mut *self.0.borrow_mut();
        let Some(Used { mut buffer, length }) = ring.take_used() else { return Ok(0) };
        // Beyond what was asked for lies nothing that the device wrote.
        let moved = if length <= *asked { Ok(take(&mut buffer, length as usize, target)) } else { FAILED };
        ring.give_back(buffer);
        moved
    }
}

/// Moves as many of the first `length` bytes of `buffer` as `target` has room for, wipes them all, and says how many
/// were moved.
fn take(buffer: &mut Buffer, length: usize, target: &mut [u8]) -> usize {
    let given = &mut buffer.as_mut()[..length];
    let moved = given.len().min(target.len());
    target[..moved].copy_from_slice(&given[..moved]);
    given.fill(0);
    moved
}

/// Random bytes of an entropy device.
pub struct VirtioRng<C, E, H: 'static, T: 'static> {
    clock: C,
    events: E,
    device: &'static Device<H, T>,
}

impl<C, E, H, T> VirtioRng<C, E, H, T> {
    pub(crate) fn new(clock: C, events: E, device: &'static Device<H, T>) -> Self {
        Self { clock, events, device }
    }
}

impl<C: Copy, E: Copy, H, T> Clone for VirtioRng<C, E, H, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<C: Copy, E: Copy, H, T> Copy for VirtioRng<C, E, H, T> {}

impl<C: Clock, E: Events, H: Hal, T: Transport> Entropy for VirtioRng<C, E, H, T> {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), EntropyError> {
        let mut missing = buffer;
        let mut deadline = self.clock.now() + PATIENCE;
        while !missing.is_empty() {
            let count = self.device.collect(missing)?;
            missing = &mut missing[count..];
            if count != 0 {
                deadline = self.clock.now() + PATIENCE;
            } else if self.clock.now() >= deadline {
                return Err(EntropyError::SourceFailed);
            } else {
                self.device.request(missing.len());
                self.events.wait(Some(deadline));
            }
        }
        Ok(())
    }
}
