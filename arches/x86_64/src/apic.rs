//! Interrupt controllers: the local APIC of the processor, and the I/O APICs that device lines end at.

use core::ptr::NonNull;

/// Registers of a memory-mapped device, of 32 bits.
#[derive(Clone, Copy, Debug)]
struct Registers(NonNull<u8>);

impl Registers {
    fn read(self, offset: usize) -> u32 {
        // SAFETY: whoever made it promised that the registers are there; `offset` is one of them.
        unsafe { self.0.byte_add(offset).cast::<u32>().read_volatile() }
    }

    fn write(self, offset: usize, value: u32) {
        // SAFETY: as in `read`.
        unsafe { self.0.byte_add(offset).cast::<u32>().write_volatile(value) };
    }
}

/// The processor's own interrupt controller and timer (Intel SDM volume 3A, chapter 12).
#[derive(Clone, Copy, Debug)]
pub struct LocalApic(Registers);

/// The register that says where its registers are, and the bits of the address there (section 12.4.4).
const APIC_BASE: u32 = 0x1b;
const APIC_BASE_ADDRESS: u64 = 0x000f_ffff_ffff_f000;

const ID: usize = 0x20;
const TASK_PRIORITY: usize = 0x80;
const END_OF_INTERRUPT: usize = 0xb0;
const SPURIOUS: usize = 0xf0;
const TIMER: usize = 0x320;
const INITIAL_COUNT: usize = 0x380;
const CURRENT_COUNT: usize = 0x390;
const DIVIDER: usize = 0x3e0;

const SOFTWARE_ENABLE: u32 = 1 << 8;
const TSC_DEADLINE_MODE: u32 = 0b10 << 17;
const DIVIDE_BY_16: u32 = 0b0011;
const TSC_DEADLINE: u32 = 0x6e0;

impl LocalApic {
    /// The local APIC whose registers are mapped at `registers`.
    ///
    /// # Safety
    /// They are, uncached, 4096 bytes.
    pub const unsafe fn new(registers: NonNull<u8>) -> Self {
        Self(Registers(registers))
    }

    /// The physical address of its registers.
    pub fn address() -> u64 {
        // SAFETY: every processor with a local APIC has the register; reading it has no effect.
        unsafe { x86::msr::rdmsr(APIC_BASE) & APIC_BASE_ADDRESS }
    }

    /// Turns it on; `spurious` is the vector of an interrupt that went away before it was taken.
    pub fn enable(&self, spurious: u8) {
        self.0.write(TASK_PRIORITY, 0);
        self.0.write(SPURIOUS, SOFTWARE_ENABLE | u32::from(spurious));
    }

    /// Its number, which I/O APICs address it by.
    pub fn id(&self) -> u8 {
        (self.0.read(ID) >> 24) as u8
    }

    /// Lets the next interrupt of the same or a lower priority come.
    pub fn end_of_interrupt(&self) {
        self.0.write(END_OF_INTERRUPT, 0);
    }

    /// Has the timer count down once to raise `vector`, with [`set_timer`](LocalApic::set_timer).
    pub fn use_countdown(&self, vector: u8) {
        self.0.write(DIVIDER, DIVIDE_BY_16);
        self.0.write(TIMER, u32::from(vector));
    }

    /// Has the timer raise `vector` at a value of the time-stamp counter, with
    /// [`set_deadline`](LocalApic::set_deadline). The processor must be able to.
    pub fn use_deadline(&self, vector: u8) {
        self.0.write(TIMER, TSC_DEADLINE_MODE | u32::from(vector));
        // A deadline written before the mode has changed is lost; a write of a model-specific register does not wait for
        // one of memory (section 12.5.4.1).
        // SAFETY: a fence changes no memory.
        unsafe { core::arch::asm!("mfence", options(nostack, preserves_flags)) };
    }

    /// Counts down from `count`, in steps of 16 bus clocks; 0 stops the timer.
    pub fn set_timer(&self, count: u32) {
        self.0.write(INITIAL_COUNT, count);
    }

    /// What is left of the countdown.
    pub fn timer(&self) -> u32 {
        self.0.read(CURRENT_COUNT)
    }

    /// Raises the timer's vector when the time-stamp counter reaches `tsc`; 0 stops the timer.
    pub fn set_deadline(&self, tsc: u64) {
        // SAFETY: the register is there, as the timer is in this mode; it has no effect on memory.
        unsafe { x86::msr::wrmsr(TSC_DEADLINE, tsc) };
    }
}

/// An I/O APIC (Intel 82093AA I/O Advanced Programmable Interrupt Controller, section 3).
#[derive(Clone, Copy, Debug)]
pub struct IoApic(Registers);

const SELECT: usize = 0x00;
const WINDOW: usize = 0x10;
const VERSION: u32 = 1;
const REDIRECTION: u32 = 0x10;

const LEVEL_TRIGGERED: u32 = 1 << 15;
const MASKED: u32 = 1 << 16;

impl IoApic {
    /// The I/O APIC whose registers are mapped at `registers`.
    ///
    /// # Safety
    /// They are, uncached, 32 bytes.
    pub const unsafe fn new(registers: NonNull<u8>) -> Self {
        Self(Registers(registers))
    }

    /// Whether there is one: reading where nothing is gives all zeros or all ones.
    pub fn is_present(&self) -> bool {
        !matches!(self.read(VERSION), 0 | u32::MAX)
    }

    /// How many lines it has.
    pub fn lines(&self) -> u32 {
        (self.read(VERSION) >> 16 & 0xff) + 1
    }

    /// Has `line`, triggered by a high level, raise `vector` on the processor whose local APIC is `destination`.
    pub fn route(&self, line: u32, vector: u8, destination: u8) {
        let register = REDIRECTION + 2 * line;
        self.write(register + 1, u32::from(destination) << 24);
        self.write(register, LEVEL_TRIGGERED | u32::from(vector));
    }

    /// Has `line` raise nothing.
    pub fn mask(&self, line: u32) {
        self.write(REDIRECTION + 2 * line, MASKED);
    }

    fn read(&self, register: u32) -> u32 {
        self.0.write(SELECT, register);
        self.0.read(WINDOW)
    }

    fn write(&self, register: u32, value: u32) {
        self.0.write(SELECT, register);
        self.0.write(WINDOW, value);
    }
}
