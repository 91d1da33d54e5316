//! What the processor and the hypervisor say of themselves.

use x86::cpuid::native_cpuid::cpuid_count;

/// The first leaf that belongs to a hypervisor.
const HYPERVISOR: u32 = 0x4000_0000;
/// The leaf with the rates of time-stamp counter and local APIC timer, first defined by VMware and told by QEMU too.
const TIMING: u32 = 0x4000_0010;

/// Whether pages may be 1 GiB (Intel SDM volume 2A, CPUID, leaf 8000_0001H, EDX bit 26).
pub fn has_gibibyte_pages() -> bool {
    cpuid_count(0x8000_0000, 0).eax > 0x8000_0000 && cpuid_count(0x8000_0001, 0).edx >> 26 & 1 == 1
}

/// Whether there are instructions for the bases of `fs` and `gs` (leaf 7, EBX bit 0).
pub fn has_fs_base_instructions() -> bool {
    cpuid_count(0, 0).eax >= 7 && cpuid_count(7, 0).ebx & 1 == 1
}

/// Whether the local APIC timer takes a deadline of the time-stamp counter (leaf 1, ECX bit 24).
pub fn has_tsc_deadline() -> bool {
    cpuid_count(1, 0).ecx >> 24 & 1 == 1
}

/// The hypervisor's name and its highest leaf, where one tells (leaf 1, ECX bit 31).
pub fn hypervisor() -> Option<([u8; 12], u32)> {
    if cpuid_count(1, 0).ecx >> 31 == 0 {
        return None;
    }
    let leaf = cpuid_count(HYPERVISOR, 0);
    let mut name = [0; 12];
    for (bytes, register) in name.chunks_exact_mut(4).zip([leaf.ebx, leaf.ecx, leaf.edx]) {
        bytes.copy_from_slice(&register.to_le_bytes());
    }
    // KVM once said 0 and meant the leaf after (Linux, Documentation/virt/kvm/x86/cpuid.rst).
    Some((name, if leaf.eax == 0 { HYPERVISOR + 1 } else { leaf.eax }))
}

/// The bits of KVM's features (leaf 4000_0001H, EAX), where the hypervisor is KVM.
pub fn kvm_features() -> Option<u32> {
    let (name, last) = hypervisor()?;
    (&name == b"KVMKVMKVM\0\0\0" && last > HYPERVISOR).then(|| cpuid_count(HYPERVISOR + 1, 0).eax)
}

/// The rate of the time-stamp counter in Hz, where hypervisor or processor tell it.
pub fn tsc_rate() -> Option<u64> {
    hypervisor_tsc_rate().or_else(processor_tsc_rate)
}

fn hypervisor_tsc_rate() -> Option<u64> {
    timing().map(|[tsc, _]| tsc).filter(|rate| *rate != 0)
}

/// The rate of the local APIC timer before its divider in Hz, where the hypervisor tells it.
pub fn local_apic_rate() -> Option<u64> {
    timing().map(|[_, bus]| bus).filter(|rate| *rate != 0)
}

/// The rates of time-stamp counter and local APIC timer in Hz, 0 for one that is not told.
fn timing() -> Option<[u64; 2]> {
    let (_, last) = hypervisor()?;
    let leaf = (last >= TIMING).then(|| cpuid_count(TIMING, 0))?;
    Some([leaf.eax, leaf.ebx].map(|kilohertz| u64::from(kilohertz) * 1000))
}

/// Leaf 15H: the ratio of time-stamp counter and core crystal clock, and the crystal's rate.
fn processor_tsc_rate() -> Option<u64> {
    if cpuid_count(0, 0).eax < 0x15 {
        return None;
    }
    let leaf = cpuid_count(0x15, 0);
    (leaf.eax != 0 && leaf.ebx != 0 && leaf.ecx != 0)
        .then(|| u64::from(leaf.ecx) * u64::from(leaf.ebx) / u64::from(leaf.eax))
}
