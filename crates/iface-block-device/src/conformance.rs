//! What every disk is held to; its unit tests call these with disks of their own.

use alloc::{vec, vec::Vec};

use crate::{BlockDevice, BlockError};

/// Most bytes that one call asks for: more than any driver moves by a single request.
const LONGEST: usize = 1 << 20;

/// Reads all that the disk has, in pieces of several lengths that must agree, and asks for what it does not have.
///
/// # Panics
/// When the disk contradicts itself; the message says where.
pub fn readable<D: BlockDevice>(disk: D) {
    let size = disk.block_size();
    assert!(size.is_power_of_two() && (512..=4096).contains(&size), "blocks of {size} bytes");
    let whole = contents(disk, LONGEST / size);
    for blocks in [1, 3, 8, 88, 89] {
        assert!(contents(disk, blocks) == whole, "read by {blocks} blocks, the disk holds something else");
    }
    assert_eq!(disk.read(disk.blocks(), &mut []), Ok(()), "no block at all, behind the last");
    refuses(&disk, |first, length| disk.read(first, &mut vec![0; length]));
}

/// Everything on the disk, asked for by `blocks` blocks.
fn contents<D: BlockDevice>(disk: D, blocks: usize) -> Vec<u8> {
    let mut whole = vec![0xaa; disk.blocks() as usize * disk.block_size()];
    for (index, piece) in whole.chunks_mut(blocks * disk.block_size()).enumerate() {
        assert_eq!(disk.read((index * blocks) as u64, piece), Ok(()), "from block {}", index * blocks);
    }
    whole
}

/// Whether what is not whole blocks of the disk is refused.
fn refuses<D: BlockDevice>(disk: &D, ask: impl Fn(u64, usize) -> Result<(), BlockError>) {
    let (size, end) = (disk.block_size(), disk.blocks());
    for length in [1, size - 1, size + 1] {
        assert_eq!(ask(0, length), Err(BlockError::NotWholeBlocks), "{length} bytes");
    }
    let beyond = [(end, size), (end - 1, 2 * size), (end + 1, 0), (u64::MAX, size), (u64::MAX / 512, size)];
    for (first, length) in beyond {
        assert_eq!(ask(first, length), Err(BlockError::OutOfRange), "{length} bytes from {first} of {end}");
    }
}

/// Tries to change a disk that cannot be changed.
///
/// # Panics
/// When it says or does anything else than to refuse.
pub fn read_only<D: BlockDevice>(disk: D) {
    assert!(disk.is_read_only());
    let before = contents(disk, 8);
    let bytes = vec![0x5a; disk.block_size()];
    assert_eq!(disk.write(0, &bytes), Err(BlockError::ReadOnly));
    assert_eq!(disk.write(u64::MAX, &bytes[1..]), Err(BlockError::ReadOnly));
    assert_eq!(disk.flush(), Ok(()));
    assert!(contents(disk, 8) == before, "a read-only disk changed");
}

/// Writes all over a disk, `operations` times at places that follow from `seed`, and compares it with memory that was
/// written as the disk was. What the disk held is lost.
///
/// # Panics
/// When the disk holds something else than was written; the message says where.
pub fn writable<D: BlockDevice>(disk: D, seed: u64, operations: usize) {
    assert!(!disk.is_read_only());
    refuses(&disk, |first, length| disk.write(first, &vec![0; length]));
    let mut expected = contents(disk, 8);
    let mut random = Random(seed | 1);
    for operation in 0..operations {
        let (first, blocks) = random.range(disk.blocks(), LONGEST / disk.block_size());
        let start = first as usize * disk.block_size();
        let bytes = &mut expected[start..][..blocks * disk.block_size()];
        match random.below(4) {
            0 => assert_eq!(disk.flush(), Ok(())),
            1 | 2 => {
                bytes.fill_with(|| random.next() as u8);
                assert_eq!(disk.write(first, bytes), Ok(()), "{blocks} blocks from {first}");
            }
            _ => {
                let mut found = vec![0xaa; bytes.len()];
                assert_eq!(disk.read(first, &mut found), Ok(()), "{blocks} blocks from {first}");
                assert!(found == *bytes, "operation {operation}: {blocks} blocks from {first} (seed {seed})");
            }
        }
    }
    assert!(contents(disk, 8) == expected, "the disk holds what was not written (seed {seed})");
}

/// Marsaglia's xorshift64, which needs no library and repeats by its seed.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// Blocks of a disk of `end`: half of the ranges are short, and some long.
    fn range(&mut self, end: u64, longest: usize) -> (u64, usize) {
        let first = self.below(end);
        let longest = if self.below(2) == 0 { 9 } else { longest as u64 };
        let blocks = 1 + self.below(longest.min(end - first));
        (first, blocks as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::Disk;

    #[test]
    fn the_fake_is_as_a_disk_has_to_be() {
        for block_size in [512, 4096] {
            let contents: Vec<u8> = (0..block_size * 300).map(|index| (index / 77) as u8).collect();
            let disk = Disk::read_only(block_size, contents.clone());
            readable(disk);
            read_only(disk);
            let disk = Disk::new(block_size, contents);
            writable(disk, 7, 200);
            readable(disk);
        }
    }
}
