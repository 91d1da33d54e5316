//! The page that Xen shares with the domain (`shared_info` of `public/xen.h`): pending event channels, and the time.

use core::cell::UnsafeCell;
use core::mem::offset_of;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicU8, AtomicU64, Ordering};

use pvclock::{Shared, TimeInfo, WallClock};
use xen_abi::Port;
use xen_sys::{shared_info as Layout, vcpu_info as Vcpu};

use crate::InitError;
use crate::machine::machine;

/// Bits of a word of the page's bit fields.
const WORD: u32 = u64::BITS;
/// Words of each bit field: a port is below 4096 in the two-level form of event channels.
const WORDS: usize = 64;

/// A page of `.bss` in whose place the other one comes.
#[repr(C, align(4096))]
struct Place(UnsafeCell<[u8; 4096]>);

// SAFETY: what is there is used as atomic words, and by `pvclock`.
unsafe impl Sync for Place {}

static PLACE: Place = Place(UnsafeCell::new([0; 4096]));

/// Maps the page, and masks every channel: nothing interrupts the image, which polls.
pub(crate) fn map() -> Result<(), InitError> {
    let page = NonNull::from(&PLACE).cast();
    machine().map_shared_info(page).map_err(|errno| InitError::Refused { what: "the shared page", errno })?;
    words(offset_of!(Layout, evtchn_mask)).iter().for_each(|word| word.store(u64::MAX, Ordering::Relaxed));
    let mask = offset_of!(Layout, vcpu_info) + offset_of!(Vcpu, evtchn_upcall_mask);
    // SAFETY: the byte is in the page, and this domain's to write.
    unsafe { at::<AtomicU8>(mask) }.store(1, Ordering::Relaxed);
    Ok(())
}

/// Whether a channel was signalled since this was last asked.
pub(crate) fn take_pending(port: Port) -> bool {
    let bit = 1 << (port.0 % WORD);
    let word = words(offset_of!(Layout, evtchn_pending)).get((port.0 / WORD) as usize);
    // Looked at before it is written: most often nothing is pending.
    word.is_some_and(|word| {
        word.load(Ordering::Relaxed) & bit != 0 && word.fetch_and(!bit, Ordering::Acquire) & bit != 0
    })
}

/// The time of the one processor.
pub(crate) fn time() -> &'static Shared<TimeInfo> {
    // SAFETY: there lies that structure, aligned to its size of 32 bytes.
    unsafe { at(offset_of!(Layout, vcpu_info) + offset_of!(Vcpu, time)) }
}

/// The time of day.
pub(crate) fn wall_clock() -> &'static Shared<WallClock> {
    // SAFETY: there lies that structure, aligned to its size of 16 bytes.
    unsafe { at(offset_of!(Layout, wc_version)) }
}

/// The bit field at `offset`, of one bit a port.
fn words(offset: usize) -> &'static [AtomicU64; WORDS] {
    // SAFETY: both fields are as long, and aligned.
    unsafe { at(offset) }
}

/// What lies at `offset` of the page.
///
/// # Safety
/// It is a `T`, which allows for the other side's writes, lies within the page, and is aligned there.
unsafe fn at<T>(offset: usize) -> &'static T {
    // SAFETY: the caller's; the page stays as long as the image runs.
    unsafe { &*PLACE.0.get().byte_add(offset).cast() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Offsets of `public/xen.h` on x86_64.
    #[test]
    fn the_page_has_xens_layout() {
        assert_eq!((offset_of!(Layout, evtchn_pending), offset_of!(Layout, evtchn_mask)), (2048, 2560));
        assert_eq!((offset_of!(Vcpu, time), offset_of!(Layout, wc_version)), (32, 3072));
        assert_eq!(offset_of!(Vcpu, evtchn_upcall_mask), 1);
    }

    #[test]
    fn a_pending_channel_is_told_of_once() {
        let pending = words(offset_of!(Layout, evtchn_pending));
        pending[1].store(1 << 5 | 1 << 6, Ordering::Relaxed);
        assert!(!take_pending(Port(64)));
        assert!(take_pending(Port(69)));
        assert!(!take_pending(Port(69)));
        assert!(take_pending(Port(70)));
        assert!(!take_pending(Port(4096)), "there is no such port");
    }
}
