//! A domain with hardware page tables of its own: `type="pvh"`.

use core::ptr::NonNull;

use x86_64::paging::{GuardError, MapError};
use xen_abi::{Errno, Frame};

use crate::InitError;
use crate::machine::{Give, Machine, SharedPage, Started};

/// A PVH domain.
pub(crate) struct Pvh;

// SAFETY: see each method.
unsafe impl Machine for Pvh {
    fn early_write(&self, _bytes: &[u8]) {
        todo!()
    }

    fn begin(&self, _start_info: u64) -> Result<(), InitError> {
        todo!()
    }

    fn handle_exceptions(&self) {
        todo!()
    }

    fn set_up_memory(&self, _give: Give<'_>, _guards: &[u64]) -> Result<Started, InitError> {
        todo!()
    }

    fn console(&self) -> Result<Option<SharedPage>, InitError> {
        todo!()
    }

    fn store(&self) -> Result<Option<SharedPage>, InitError> {
        todo!()
    }

    fn map_shared_info(&self, _page: NonNull<u8>) -> Result<(), Errno> {
        todo!()
    }

    fn map_grant_table(&self, _page: NonNull<u8>) -> Result<(), Errno> {
        todo!()
    }

    fn frame(&self, _page: NonNull<u8>) -> Frame {
        todo!()
    }

    unsafe fn guard(&self, _page: u64, _note: u32) -> Result<(), MapError> {
        todo!()
    }

    fn guarded(&self, _address: u64) -> Option<u32> {
        todo!()
    }

    fn unguard(&self, _page: u64) -> Result<(), GuardError> {
        todo!()
    }

    fn writable(&self, _address: u64) -> bool {
        todo!()
    }
}
