//! The domain's own memory, and the hypercalls for its page tables (`public/xen.h`).

use core::ptr;

use x86_64::paging::{self, Entry, PAGE_SIZE, Table};
use xen_abi::{Call, DomainId, Errno};
use xen_sys::{
    __MACH2PHYS_VIRT_START, MMUEXT_TLB_FLUSH_LOCAL, mmu_update, mmuext_op, mmuext_op__bindgen_ty_1,
    mmuext_op__bindgen_ty_2,
};

use super::tables::{Mmu, Update};
use crate::hypercall;

const _: () = assert!(size_of::<Update>() == size_of::<mmu_update>(), "the two are one structure");

/// Flag of `update_va_mapping`: this processor forgets the one entry (`UVMF_INVLPG | UVMF_LOCAL`).
const FORGET_ONE: usize = 2;

/// Memory whose pages have the frames of `frames`.
#[derive(Debug)]
pub(super) struct Memory {
    frames: &'static [u64],
}

impl Memory {
    /// # Safety
    /// Page by page `frames` is the domain's memory, as Xen told.
    pub const unsafe fn new(frames: &'static [u64]) -> Self {
        Self { frames }
    }
}

impl Mmu for Memory {
    fn machine_address(&self, page: u64) -> u64 {
        // Where there is none, Xen refuses what this makes of it.
        self.frames[(page / PAGE_SIZE) as usize].wrapping_mul(PAGE_SIZE)
    }

    fn page(&self, machine_address: u64) -> u64 {
        let pages = ptr::with_exposed_provenance::<u64>(__MACH2PHYS_VIRT_START as usize);
        // SAFETY: Xen keeps the page of every frame there, and this is one of the domain's.
        unsafe { pages.add((machine_address / PAGE_SIZE) as usize).read() * PAGE_SIZE }
    }

    fn allocate(&self) -> Option<u64> {
        paging::allocate_page()
    }

    fn free(&self, page: u64) {
        // SAFETY: the caller allocated it, and has taken it away from where it was.
        unsafe { paging::free_page(page) };
    }

    fn clear(&self, page: u64) {
        // SAFETY: the caller allocated it, and whoever used it has given up what it holds.
        unsafe { paging::clear_page(page) };
    }

    fn entry(&self, table: u64, index: usize) -> Entry {
        let table = ptr::with_exposed_provenance::<Table>(self.page(table) as usize);
        // SAFETY: page tables are mapped for reading at their pseudo-physical addresses. The processor may write to
        // them meanwhile.
        unsafe { (&raw const (*table).0).cast::<Entry>().add(index).read_volatile() }
    }

    fn write(&self, page: u64, index: usize, entry: Entry) {
        let page = ptr::with_exposed_provenance_mut::<Entry>(page as usize);
        // SAFETY: the page is nobody's, and mapped for writing.
        unsafe { page.add(index).write(entry) };
    }

    fn update(&self, updates: &[Update]) -> Result<(), Errno> {
        let (list, count) = (updates.as_ptr() as usize, updates.len());
        // SAFETY: Xen reads the updates. They are of tables, which map each page at its own address.
        unsafe { hypercall::call(Call::MmuUpdate, [list, count, 0, DomainId::SELF.0.into()]) }.map(drop)
    }

    fn set(&self, page: u64, entry: Entry) -> Result<(), Errno> {
        let arguments = [page as usize, entry.bits() as usize, FORGET_ONE, 0];
        // SAFETY: who asked for it answers for what becomes of the page.
        unsafe { hypercall::call(Call::UpdateVaMapping, arguments) }.map(drop)
    }

    fn flush(&self) -> Result<(), Errno> {
        let operation = mmuext_op {
            cmd: MMUEXT_TLB_FLUSH_LOCAL,
            arg1: mmuext_op__bindgen_ty_1 { mfn: 0 },
            arg2: mmuext_op__bindgen_ty_2 { nr_ents: 0 },
        };
        let arguments = [&raw const operation as usize, 1, 0, DomainId::SELF.0.into()];
        // SAFETY: Xen reads the operation. Forgetting entries changes nothing but time.
        unsafe { hypercall::call(Call::MmuExtended, arguments) }.map(drop)
    }
}
