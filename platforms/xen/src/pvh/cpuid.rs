//! What Xen says of itself to a domain with hardware support (`public/arch-x86/cpuid.h`).

use core::ops::RangeInclusive;

use x86_64::x86::cpuid::native_cpuid::cpuid_count;

/// Where a hypervisor's leaves begin; Xen moves its own up by 0x100 where it shows those of another one too.
const FIRST_LEAF: u32 = 0x4000_0000;
const LAST_FIRST_LEAF: u32 = 0x4000_ff00;
const STEP: usize = 0x100;

/// `XEN_CPUID_SIGNATURE_EBX` and so on: "XenVMMXenVMM".
const SIGNATURE: [u32; 3] = [0x566e_6558, 0x6558_4d4d, 0x4d4d_566e];
/// The leaf, counted from the first, with the hypercall page's register in `ebx`.
const HYPERCALL_PAGE: u32 = 2;

/// The model-specific register that is told where the hypercall page is; `None` where the hypervisor is not Xen.
pub(super) fn hypercall_register() -> Option<u32> {
    let leaves: RangeInclusive<u32> = FIRST_LEAF..=LAST_FIRST_LEAF;
    let first = leaves.step_by(STEP).find(|leaf| {
        let told = cpuid_count(*leaf, 0);
        [told.ebx, told.ecx, told.edx] == SIGNATURE && told.eax >= leaf + HYPERCALL_PAGE
    })?;
    Some(cpuid_count(first + HYPERCALL_PAGE, 0).ebx)
}
