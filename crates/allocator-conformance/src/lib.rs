#![doc = include_str!("../README.md")]
#![expect(unsafe_code, reason = "the methods of `GlobalAlloc` are unsafe to call")]

mod arena;
mod figures;
mod random;

use iface_allocator::Allocator;

use arena::Arena;
pub use figures::{share_in_use, time_of_a_free};

/// Bytes that each check gives to the allocator under test.
const MEMORY: usize = 1 << 20;

/// Holds an allocator to what its interface promises. `new` makes one that has no memory yet.
///
/// # Panics
/// When the allocator breaks a promise; the message says which.
pub fn conforms<A: Allocator>(new: impl Fn() -> &'static A) {
    empty_gives_nothing(new());
    useless_memory_is_ignored(new());
    memory_is_counted(new());
    alignments_up_to_64_kib(Arena::new(new(), MEMORY));
    fresh_memory_is_zeroed_on_demand(Arena::new(new(), MEMORY));
    exhaustion_is_null(Arena::new(new(), MEMORY));
    absurd_sizes_are_null(Arena::new(new(), MEMORY));
    everything_freed_can_be_had_again(Arena::new(new(), MEMORY));
    fitting_realloc_stays(Arena::new(new(), MEMORY));
    failed_realloc_keeps_the_block(Arena::new(new(), MEMORY));
    random::sequences_keep_contents(&new, MEMORY);
}

fn empty_gives_nothing<A: Allocator>(allocator: &'static A) {
    let mut arena = Arena::over(allocator);
    assert!(arena.alloc(1, 1).is_none(), "an allocator without memory gave some");
    assert_eq!(allocator.usage().used, 0, "an allocator without memory has some in use");
}

fn useless_memory_is_ignored<A: Allocator>(allocator: &'static A) {
    for size in 0..32 {
        let memory = arena::memory(64);
        allocator.add(&mut memory[1..][..size]);
    }
    assert!(Arena::over(allocator).alloc(4096, 1).is_none(), "32 scraps gave a page");
}

fn memory_is_counted<A: Allocator>(allocator: &'static A) {
    for pieces in 1..=3 {
        allocator.add(arena::memory(MEMORY));
        let total = allocator.usage().total;
        let given = pieces * MEMORY;
        assert!(total <= given && total > given - given / 64, "{total} counted of {given}");
    }
    let mut arena = Arena::over(allocator);
    let before = allocator.usage().used;
    assert!(arena.alloc(5000, 8).is_some());
    assert!(allocator.usage().used >= before + 5000, "5000 bytes in use are not counted");
}

fn alignments_up_to_64_kib<A: Allocator>(mut arena: Arena<A>) {
    for align in (0..=16).map(|shift| 1 << shift) {
        for size in [1, 7, 8, 100, 4096] {
            let block =
                arena.alloc(size, align).unwrap_or_else(|| panic!("no {size} bytes aligned to {align}"));
            arena.free(block);
        }
    }
    arena.assert_all_returned();
}

fn fresh_memory_is_zeroed_on_demand<A: Allocator>(mut arena: Arena<A>) {
    for _ in 0..3 {
        let dirty = arena.alloc(MEMORY / 8, 1).expect("an eighth of the memory");
        arena.free(dirty);
        arena.assert_zeroed_allocation(MEMORY / 8);
    }
    arena.assert_all_returned();
}

fn exhaustion_is_null<A: Allocator>(mut arena: Arena<A>) {
    for size in [1, 24, 1000, 4096, 50_000] {
        let count = std::iter::from_fn(|| arena.alloc(size, 8)).count();
        assert!(count > 0, "no block of {size} bytes in {MEMORY}");
        assert!(arena.alloc(size, 8).is_none(), "the memory does not end");
        arena.free_all();
        arena.assert_all_returned();
    }
}

fn absurd_sizes_are_null<A: Allocator>(mut arena: Arena<A>) {
    for size in [MEMORY + 1, isize::MAX as usize / 2, isize::MAX as usize - 7] {
        assert!(arena.alloc(size, 1).is_none(), "{size} bytes of {MEMORY}");
    }
    assert!(arena.alloc(8, 1 << 40).is_none(), "a terabyte's alignment");
    arena.assert_all_returned();
}

fn everything_freed_can_be_had_again<A: Allocator>(mut arena: Arena<A>) {
    for round in 0..4 {
        let blocks: Vec<_> = std::iter::from_fn(|| arena.alloc(64, 8)).collect();
        let (even, odd): (Vec<_>, Vec<_>) = blocks.into_iter().enumerate().partition(|(at, _)| at % 2 == 0);
        even.into_iter().chain(odd).for_each(|(_, block)| arena.free(block));
        let large = arena.alloc(MEMORY / 4, 8);
        arena.free(large.unwrap_or_else(|| panic!("freed memory did not join in round {round}")));
    }
    arena.assert_all_returned();
}

fn fitting_realloc_stays<A: Allocator>(mut arena: Arena<A>) {
    let block = arena.alloc(4096, 8).expect("a page");
    let address = arena.address(block);
    for size in [4000, 2049, 2048, 100, 1] {
        assert!(arena.realloc(block, size));
        assert_eq!(arena.address(block), address, "shrinking to {size} bytes moved the block");
    }
    arena.free(block);
    arena.assert_all_returned();
}

fn failed_realloc_keeps_the_block<A: Allocator>(mut arena: Arena<A>) {
    let block = arena.alloc(3000, 16).expect("3000 bytes");
    assert!(!arena.realloc(block, MEMORY * 2), "more than there is");
    arena.free(block);
    arena.assert_all_returned();
}
