#![doc = include_str!("../README.md")]
#![no_std]

mod errno;

pub use errno::Errno;

/// Bytes of a page and of a frame, on every architecture of Xen.
pub const PAGE_SIZE: usize = 4096;

/// Names a domain (`domid_t` of `xen.h`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DomainId(pub u16);

impl DomainId {
    /// Whoever asks (`DOMID_SELF`).
    pub const SELF: Self = Self(0x7ff0);
}

/// One end of an event channel (`evtchn_port_t` of `event_channel.h`), as its own domain numbers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct Port(pub u32);

/// Names a grant among those of the domain that gave it (`grant_ref_t` of `grant_table.h`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference(pub u32);

/// The number of a page frame, as hypercalls and grants name it: of the domain's own physical memory, and of the machine's
/// in a domain without hardware page tables of its own (PV).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Frame(pub u64);

/// Numbers of hypercalls (`__HYPERVISOR_*` of `xen.h`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum Call {
    /// `__HYPERVISOR_set_trap_table`, of PV domains.
    SetTrapTable = 0,
    /// `__HYPERVISOR_mmu_update`, of PV domains.
    MmuUpdate = 1,
    /// `__HYPERVISOR_memory_op`.
    Memory = 12,
    /// `__HYPERVISOR_update_va_mapping`, of PV domains.
    UpdateVaMapping = 14,
    /// `__HYPERVISOR_console_io`, which a Xen for debugging alone lets a domain make.
    ConsoleIo = 18,
    /// `__HYPERVISOR_grant_table_op`.
    GrantTable = 20,
    /// `__HYPERVISOR_set_segment_base`, of PV domains.
    SetSegmentBase = 25,
    /// `__HYPERVISOR_mmuext_op`, of PV domains.
    MmuExtended = 26,
    /// `__HYPERVISOR_sched_op`.
    Schedule = 29,
    /// `__HYPERVISOR_event_channel_op`.
    EventChannel = 32,
    /// `__HYPERVISOR_hvm_op`.
    Hvm = 34,
}

/// Why a domain ends (`SHUTDOWN_*` of `sched.h`): what its host sees and acts on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShutdownReason(pub u32);

impl ShutdownReason {
    /// It is done (`SHUTDOWN_poweroff`).
    pub const POWEROFF: Self = Self(0);
    /// It wants to be started anew (`SHUTDOWN_reboot`).
    pub const REBOOT: Self = Self(1);
    /// It failed (`SHUTDOWN_crash`).
    pub const CRASH: Self = Self(3);
}
