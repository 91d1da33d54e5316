//! What an allocator makes of much use: figures by which images choose.

use std::alloc::Layout;
use std::time::{Duration, Instant};

use iface_allocator::Allocator;
use proptest::prelude::Rng as _;
use proptest::test_runner::{RngAlgorithm, TestRng};

use crate::arena::{Arena, Block, memory};

/// Bytes of the memory whose share is told.
const MEMORY: usize = 4 << 20;
/// Blocks of mixed sizes that come and go before memory is filled up.
const CHANGES: usize = 20_000;
/// Rounds of which the fastest counts.
const ROUNDS: usize = 5;

/// The share of memory that is asked for when the first block does not fit, after blocks of 8 bytes to 16 KiB came and went in
/// random order with half of the memory in use: the rest is lost to rounding and to gaps.
///
/// # Panics
/// When the allocator breaks a promise; the message says which.
pub fn share_in_use<A: Allocator>(new: impl Fn() -> &'static A) -> f64 {
    let mut arena = Arena::new(new(), MEMORY);
    let mut random = Random::new();
    let mut blocks: Vec<(Block, usize)> = Vec::new();
    let mut asked = 0;
    for change in 0.. {
        if asked < MEMORY / 2 || change > CHANGES {
            let most = 16 << random.below(11);
            let size = 8 + random.below(most);
            let Some(block) = arena.alloc(size, 8) else { break };
            blocks.push((block, size));
            asked += size;
        } else {
            let (block, size) = blocks.swap_remove(random.below(blocks.len()));
            arena.free(block);
            asked -= size;
        }
    }
    asked as f64 / MEMORY as f64
}

/// How long one of `count` blocks of 256 bytes takes to be freed, in random order, until half of them are: the mean of the
/// fastest round.
///
/// # Panics
/// Where memory does not suffice.
pub fn time_of_a_free<A: Allocator>(new: impl Fn() -> &'static A, count: usize) -> Duration {
    let layout = Layout::from_size_align(256, 8).expect("a layout that exists");
    let mut random = Random::new();
    let round = || {
        let allocator = new();
        allocator.add(memory(count * 512));
        // SAFETY: the layout has a size.
        let mut blocks: Vec<_> = (0..count).map(|_| unsafe { allocator.alloc(layout) }).collect();
        assert!(blocks.iter().all(|block| !block.is_null()), "no memory for {count} blocks");
        (1..count).for_each(|last| blocks.swap(last, random.below(last + 1)));
        let start = Instant::now();
        for block in &blocks[..count / 2] {
            // SAFETY: it was allocated with this layout, and is used no more.
            unsafe { allocator.dealloc(*block, layout) };
        }
        start.elapsed() / (count / 2) as u32
    };
    std::iter::repeat_with(round).take(ROUNDS).min().expect("some rounds")
}

/// Numbers from a fixed seed.
struct Random(TestRng);

impl Random {
    fn new() -> Self {
        Self(TestRng::deterministic_rng(RngAlgorithm::ChaCha))
    }

    fn below(&mut self, end: usize) -> usize {
        (self.0.next_u64() % end as u64) as usize
    }
}
