//! Random sequences of allocations, shrunk by proptest when one fails.

use iface_allocator::Allocator;
use proptest::{
    prelude::*,
    sample::Index,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};

use crate::arena::Arena;

const CASES: u32 = 64;

#[derive(Clone, Debug)]
enum Step {
    Alloc { size: usize, align: usize },
    Realloc { which: Index, size: usize },
    Free { which: Index },
}

/// Mostly small, sometimes large.
fn size() -> impl Strategy<Value = usize> {
    prop_oneof![8 => 1..300usize, 2 => 300..10_000usize, 1 => 10_000..200_000usize]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (size(), 0..=12u32).prop_map(|(size, shift)| Step::Alloc { size, align: 1 << shift }),
        2 => (any::<Index>(), size()).prop_map(|(which, size)| Step::Realloc { which, size }),
        2 => any::<Index>().prop_map(|which| Step::Free { which }),
    ]
}

pub(crate) fn sequences_keep_contents<A: Allocator>(new: &impl Fn() -> &'static A, memory: usize) {
    let config = Config { cases: CASES, failure_persistence: None, ..Config::default() };
    let seed = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let sequence = proptest::collection::vec(step(), 1..400);
    let result = TestRunner::new_with_rng(config, seed).run(&sequence, |steps| {
        let mut arena = Arena::new(new(), memory);
        steps.iter().for_each(|step| run(&mut arena, step));
        arena.free_all();
        arena.assert_all_returned();
        Ok(())
    });
    if let Err(failure) = result {
        panic!("{failure}");
    }
}

fn run<A: Allocator>(arena: &mut Arena<A>, step: &Step) {
    let blocks = arena.blocks();
    match step {
        Step::Alloc { size, align } => {
            arena.alloc(*size, *align);
        }
        Step::Realloc { .. } | Step::Free { .. } if blocks.is_empty() => {}
        Step::Realloc { which, size } => {
            arena.realloc(blocks[which.index(blocks.len())], *size);
        }
        Step::Free { which } => arena.free(blocks[which.index(blocks.len())]),
    }
}
