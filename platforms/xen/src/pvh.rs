//! A domain with page tables of its own, under the hypervisor's: `type="pvh"`. Every virtual address is the physical one
//! (`x86_64::paging`).

mod cpuid;

use alloc::string::String;
use core::cell::Cell;
use core::ptr::NonNull;

use bare_x86_64::memory::{self, InitrdError};
use bare_x86_64::physical::Machine as PhysicalMemory;
use bare_x86_64::{BootError, Found};
use x86_64::paging::{self, Access, GuardError, MapError, PAGE_SIZE};
use x86_64::x86::io::outb;
use x86_64::x86::msr::wrmsr;
use x86_64::{SingleCore, exception, interrupts, segments};
use xen_abi::{Call, DomainId, Errno, Frame, Port};
use xen_sys::XEN_HVM_DEBUGCONS_IOPORT;

use crate::init::EXCEPTION_STACK;
use crate::machine::{Give, Machine, SharedPage, Started};
use crate::{InitError, fault, hypercall};

/// `HVMOP_get_param` of `public/hvm/hvm_op.h`.
const GET_PARAMETER: u32 = 1;
/// `XENMEM_add_to_physmap` of `public/memory.h`.
const ADD_TO_PHYSMAP: u32 = 7;
/// Spaces of it, `XENMAPSPACE_*`.
const SHARED_INFO: u32 = 0;
const GRANT_TABLE: u32 = 1;

/// Parameters of the domain (`public/hvm/params.h`, `HVM_PARAM_*`): the frame of a page, and its channel.
const STORE: [u32; 2] = [1, 2];
const CONSOLE: [u32; 2] = [17, 18];

/// `xen_hvm_param`.
#[repr(C)]
struct Parameter {
    domain: u16,
    padding: u16,
    index: u32,
    value: u64,
}

/// `xen_add_to_physmap`.
#[repr(C)]
struct AddToPhysmap {
    domain: u16,
    size: u16,
    space: u32,
    index: u64,
    frame: u64,
}

unsafe extern "C" {
    /// The page of the linker script.
    static HYPERCALL_PAGE: u8;
}

/// A PVH domain.
pub(crate) struct Pvh;

// SAFETY: the image runs on one processor, and no handler of exceptions uses it.
static START_INFO: SingleCore<Cell<u64>> = unsafe { SingleCore::new(Cell::new(0)) };

impl From<BootError> for InitError {
    fn from(error: BootError) -> Self {
        Self::Boot(error)
    }
}

impl From<InitrdError> for InitError {
    fn from(error: InitrdError) -> Self {
        Self::Initrd(error)
    }
}

// SAFETY: memory is what Xen's memory map says, mapped at its own address, and less what is in use; frames are those of the
// addresses; the shared pages are where Xen says.
unsafe impl Machine for Pvh {
    fn early_write(&self, bytes: &[u8]) {
        for byte in bytes {
            // SAFETY: Xen takes the byte for its log; the port does not touch memory.
            unsafe { outb(XEN_HVM_DEBUGCONS_IOPORT as u16, *byte) };
        }
    }

    fn begin(&self, start_info: u64) -> Result<(), InitError> {
        START_INFO.set(start_info);
        let register = cpuid::hypercall_register().ok_or(InitError::NoXen)?;
        // SAFETY: the register is Xen's, which fills the page; nothing else is there.
        unsafe { wrmsr(register, (&raw const HYPERCALL_PAGE) as u64) };
        Ok(())
    }

    fn handle_exceptions(&self) {
        exception::set_handler(fault::exception);
        // SAFETY: the boot code loaded the descriptor table with interrupts off; this is called once. Two words above the
        // first frame are left free, which a register dump without error code reads.
        unsafe {
            segments::load(EXCEPTION_STACK.top() - 16);
            interrupts::load_exceptions();
        }
    }

    fn set_up_memory(&self, give: Give<'_>, guards: &[u64]) -> Result<Started, InitError> {
        // SAFETY: the allocator has memory of the image alone until it gets more below, from which what is found is kept.
        let found = Found::read_pvh(&unsafe { PhysicalMemory::new() }, START_INFO.get())?;
        // SAFETY: Xen's memory map is true; what was found is kept out, and nothing else is used, as Xen has its own pages
        // where there is no memory by the map. Guard pages lie below stacks.
        let initrd = unsafe {
            memory::hand_over(&found, give)?;
            memory::protect_image(guards)?;
            memory::hand_over_high(&found, give)?;
            memory::map_initrd(&found)?
        };
        // The builder may have left it in the first page.
        let command_line = String::from(found.command_line).leak();
        // SAFETY: what could lie there was read, and copied.
        unsafe { memory::unmap_first_page()? };
        Ok(Started { command_line, initrd })
    }

    fn console(&self) -> Result<Option<SharedPage>, InitError> {
        shared_page(CONSOLE)
    }

    fn store(&self) -> Result<Option<SharedPage>, InitError> {
        shared_page(STORE)
    }

    fn map_shared_info(&self, page: NonNull<u8>) -> Result<(), Errno> {
        put(SHARED_INFO, 0, self.frame(page))
    }

    fn map_grant_table(&self, pages: NonNull<u8>, frames: usize) -> Result<(), Errno> {
        let Frame(first) = self.frame(pages);
        (0..frames as u64).try_for_each(|index| put(GRANT_TABLE, index, Frame(first + index)))
    }

    fn frame(&self, page: NonNull<u8>) -> Frame {
        Frame(page.as_ptr() as u64 / PAGE_SIZE)
    }

    unsafe fn guard(&self, page: u64, note: u32) -> Result<(), MapError> {
        // SAFETY: the caller's.
        unsafe { paging::guard(page, note) }
    }

    fn guarded(&self, address: u64) -> Option<u32> {
        paging::guarded(address)
    }

    fn unguard(&self, page: u64) -> Result<(), GuardError> {
        paging::unguard(page)
    }

    fn writable(&self, address: u64) -> bool {
        paging::writable(address)
    }
}

/// Puts a frame of `space` in the place of another, which nothing else uses.
fn put(space: u32, index: u64, Frame(frame): Frame) -> Result<(), Errno> {
    let mut put = AddToPhysmap { domain: DomainId::SELF.0, size: 0, space, index, frame };
    // SAFETY: that memory waits for this, by the trait.
    unsafe { hypercall::operation(Call::Memory, ADD_TO_PHYSMAP, &mut put) }.map(drop)
}

/// The page and the channel that these parameters of the domain name, mapped.
fn shared_page([frame, channel]: [u32; 2]) -> Result<Option<SharedPage>, InitError> {
    let refused = |errno| InitError::Refused { what: "a parameter of the domain", errno };
    let (frame, channel) = (parameter(frame).map_err(refused)?, parameter(channel).map_err(refused)?);
    let address = frame.wrapping_mul(PAGE_SIZE);
    let Some(page) = NonNull::new(address as *mut u8).filter(|_| channel != 0) else { return Ok(None) };
    // SAFETY: the page is Xen's for this purpose, and neither of the image nor of its allocator.
    unsafe { paging::map(address..address.saturating_add(PAGE_SIZE), Access::ReadWrite)? };
    Ok(Some(SharedPage { page, port: Port(channel as u32) }))
}

/// A parameter of the domain; 0 for one that is not set.
fn parameter(index: u32) -> Result<u64, Errno> {
    let mut parameter = Parameter { domain: DomainId::SELF.0, padding: 0, index, value: 0 };
    // SAFETY: Xen writes the value.
    unsafe { hypercall::operation(Call::Hvm, GET_PARAMETER, &mut parameter)? };
    Ok(parameter.value)
}
