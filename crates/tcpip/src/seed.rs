//! Seeds of the protocols' random numbers, by the sequence number that a connection is to begin with.
//!
//! smoltcp has no other way to give a connection such a number. What is said here of its generator is of `src/rand.rs` and
//! `src/iface/interface/mod.rs` of version 0.14; [`is_possible`](crate::sleep::is_possible) finds out if it holds.

/// The generator multiplies its state, and adds (O'Neill, *PCG: A Family of Simple Fast Space-Efficient Statistically Good
/// Algorithms for Random Number Generation*, 2014).
const MULTIPLIER: u64 = 0xbb2e_fcec_3c39_611d;
const INCREMENT: u64 = 0x7590_ef39;

/// It shows 32 bits of the result, from this one on; from one further down where the three highest bits are not zero.
const LOWEST_BIT: u32 = 29;

/// A seed with which an interface's first connection begins at `number`.
pub fn of(number: u32) -> u64 {
    let ends_at = |free_bits: u64| u64::from(number) << LOWEST_BIT | free_bits;
    // One number goes before, to count packets from, and a second one if that is zero.
    let first =
        (0..1 << LOWEST_BIT).map(|free_bits| before(ends_at(free_bits))).find(|state| counts_packets(*state));
    before(first.unwrap_or_default())
}

/// Whether packets are counted from what the generator shows of a state: not if its two halves are the same.
const fn counts_packets(state: u64) -> bool {
    let shown = (state >> (LOWEST_BIT as u64 - (state >> 61))) as u32;
    shown as u16 != (shown >> 16) as u16
}

/// The state before another.
const fn before(state: u64) -> u64 {
    state.wrapping_sub(INCREMENT).wrapping_mul(inverse(MULTIPLIER))
}

/// What an odd number makes 1 with, modulo 2⁶⁴. Each of Newton's steps doubles the bits that are right, from three on.
const fn inverse(odd: u64) -> u64 {
    let (mut inverse, mut right_bits) = (odd, 3);
    while right_bits < u64::BITS {
        inverse = inverse.wrapping_mul(2_u64.wrapping_sub(odd.wrapping_mul(inverse)));
        right_bits *= 2;
    }
    inverse
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn inverses_make_one(number in any::<u64>()) {
            prop_assert_eq!((number | 1).wrapping_mul(inverse(number | 1)), 1);
        }
    }

    #[test]
    fn two_numbers_on_stands_what_was_asked_for() {
        let next = |state: u64| state.wrapping_mul(MULTIPLIER).wrapping_add(INCREMENT);
        // Some of so many have a first number from which packets are not counted.
        for number in (0..300_000_u32).map(|step| step.wrapping_mul(0x9e37_79b1)) {
            let first = next(of(number));
            assert!(counts_packets(first));
            assert_eq!(next(first) >> LOWEST_BIT, number.into());
        }
    }
}
