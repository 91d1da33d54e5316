//! Pages at addresses of their own: by the domain's own page tables (PVH), or by those that Xen changes (PV). Both are told
//! apart here and not by `Machine`, so that an image without such pages has nothing of it.

use core::ops::Range;

use bare_x86_64::address_space::{self, access, addresses, error};
use iface_address_space::{AddressError, AddressSpace, Protection};

use crate::Xen;
use crate::pv::Pv;

impl AddressSpace for Xen {
    fn window(&self) -> Range<usize> {
        address_space::window()
    }

    unsafe fn map(&self, range: Range<usize>, protection: Protection) -> Result<(), AddressError> {
        // SAFETY: the caller's.
        unsafe {
            match Pv::running() {
                Some(pv) => pv.map(addresses(range), access(protection)).map_err(error),
                None => address_space::map(range, protection),
            }
        }
    }

    unsafe fn protect(&self, range: Range<usize>, protection: Protection) -> Result<(), AddressError> {
        // SAFETY: the caller's.
        unsafe {
            match Pv::running() {
                Some(pv) => pv.protect(addresses(range), access(protection)).map_err(error),
                None => address_space::protect(range, protection),
            }
        }
    }

    fn allows(&self, range: Range<usize>, write: bool) -> bool {
        match Pv::running() {
            Some(pv) => pv.allows(addresses(range), write),
            None => address_space::allows(range, write),
        }
    }
}
