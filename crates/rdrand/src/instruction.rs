//! The instructions, and whether the processor has them.

use core::arch::x86_64::{__cpuid, __cpuid_count, _rdrand64_step, _rdseed64_step};

/// CPUID leaves and bits (Software Developer's Manual, volume 2, CPUID).
const LEAF_FEATURES: u32 = 1;
const ECX_RDRAND: u32 = 1 << 30;
const LEAF_EXTENDED_FEATURES: u32 = 7;
const EBX_RDSEED: u32 = 1 << 18;

/// Section 7.3.17.1: ten retries in a tight loop.
const RDRAND_TRIES: u32 = 10;
/// Section 7.3.17.2 recommends a PAUSE between retries, and no number; this many take about 50 microseconds.
const RDSEED_TRIES: u32 = 1000;

/// An instruction that the processor has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Instruction {
    Rdseed,
    Rdrand,
}

impl Instruction {
    /// The better one that the processor has.
    pub(crate) fn detect() -> Option<Self> {
        let has_leaf_7 = __cpuid(0).eax >= LEAF_EXTENDED_FEATURES;
        if has_leaf_7 && __cpuid_count(LEAF_EXTENDED_FEATURES, 0).ebx & EBX_RDSEED != 0 {
            Some(Self::Rdseed)
        } else if __cpuid(LEAF_FEATURES).ecx & ECX_RDRAND != 0 {
            Some(Self::Rdrand)
        } else {
            None
        }
    }

    /// A random number; `None` where the generator gives none in as many tries as it may take.
    pub(crate) fn draw(self) -> Option<u64> {
        match self {
            // SAFETY: `detect`, the only maker of this value, saw that the processor has the instruction.
            Self::Rdrand => (0..RDRAND_TRIES).find_map(|_| unsafe { rdrand() }),
            Self::Rdseed => (0..RDSEED_TRIES).find_map(|_| {
                // SAFETY: as above.
                let number = unsafe { rdseed() };
                if number.is_none() {
                    core::hint::spin_loop();
                }
                number
            }),
        }
    }
}

/// # Safety
/// The processor has RDRAND.
#[target_feature(enable = "rdrand")]
unsafe fn rdrand() -> Option<u64> {
    let mut number = 0;
    (_rdrand64_step(&mut number) == 1).then_some(number)
}

/// # Safety
/// The processor has RDSEED.
#[target_feature(enable = "rdseed")]
unsafe fn rdseed() -> Option<u64> {
    let mut number = 0;
    (_rdseed64_step(&mut number) == 1).then_some(number)
}
