//! Pages at addresses of their own.

use core::ops::Range;

use bare_x86_64::address_space;
use iface_address_space::{AddressError, AddressSpace, Protection};

use crate::Kvm;

impl AddressSpace for Kvm {
    fn window(&self) -> Range<usize> {
        address_space::window()
    }

    unsafe fn map(&self, range: Range<usize>, protection: Protection) -> Result<(), AddressError> {
        // SAFETY: the caller's.
        unsafe { address_space::map(range, protection) }
    }

    unsafe fn protect(&self, range: Range<usize>, protection: Protection) -> Result<(), AddressError> {
        // SAFETY: the caller's.
        unsafe { address_space::protect(range, protection) }
    }

    fn allows(&self, range: Range<usize>, write: bool) -> bool {
        address_space::allows(range, write)
    }
}
