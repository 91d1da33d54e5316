//! Random numbers, and where they begin.

use core::{cell::Cell, fmt::Display};
use std::{
    env, format,
    io::{Write, stderr},
    time::{SystemTime, UNIX_EPOCH},
};

/// Names the number that a run begins with; without it each run takes another.
const SEED: &str = "XEN_RING_SEED";

/// SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014).
pub struct Random(Cell<u64>);

impl Random {
    /// Numbers for the suite `name`, whose seed is told, even where the test passes.
    pub fn new(name: &str) -> Self {
        let seed = match env::var(SEED) {
            Ok(seed) => seed.parse().unwrap_or_else(|_| panic!("{SEED}={seed} is no number")),
            Err(_) => SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_nanos() as u64),
        };
        say(&format_args!("{name}: {SEED}={seed}"));
        Self(Cell::new(seed))
    }

    pub fn next(&self) -> u64 {
        self.0.set(self.0.get().wrapping_add(0x9e37_79b9_7f4a_7c15));
        let mixed = self.0.get();
        let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub fn word(&self) -> u32 {
        self.next() as u32
    }

    /// A number below `bound`.
    pub fn below(&self, bound: u32) -> u32 {
        ((u64::from(self.word()) * u64::from(bound)) >> 32) as u32
    }

    pub fn one_in(&self, count: u32) -> bool {
        self.below(count) == 0
    }

    pub fn pick<T: Copy>(&self, of: &[T]) -> T {
        of[self.below(of.len() as u32) as usize]
    }

    /// An index as a hostile domain would have it: near one that means something, such a one with a bit turned over, or
    /// any.
    pub fn index(&self, meaningful: &[u32]) -> u32 {
        let one = self.pick(meaningful);
        match self.below(4) {
            0 => self.word(),
            1 => one ^ 1 << self.below(32),
            _ => one.wrapping_add(self.below(5)).wrapping_sub(2),
        }
    }

    /// Where a ring's counts begin: near their wrap as often as not.
    pub fn start(&self) -> u32 {
        match self.below(4) {
            0 => 0,
            1 => self.word(),
            _ => 0_u32.wrapping_sub(self.below(600)),
        }
    }
}

/// Writes a line that the test harness does not hold back.
pub fn say(line: &dyn Display) {
    stderr().write_all(format!("{line}\n").as_bytes()).expect("standard error takes a line");
}
