#![doc = include_str!("../README.md")]
#![no_std]

extern crate alloc;

use alloc::vec;
use core::fmt::Write;

use iface_console::{Console, Writer};
use iface_filesystem::{FileError, FileSystem, Kind, conformance};

/// Bytes of each block of the file.
const BLOCK: usize = 4096;

/// Settings, from `app.settings`.
pub struct Config {
    /// How many blocks the file has.
    pub blocks: usize,
}

/// What it needs.
pub struct Needs<C, F> {
    /// Where the verdict goes.
    pub console: C,
    /// Empty, and writable.
    pub filesystem: F,
}

/// Holds the file system to its rules, and says so.
pub fn main<C: Console, F: FileSystem>(config: &'static Config, needs: Needs<C, F>) {
    let files = needs.filesystem;
    conformance::writable(files);
    fill_and_read_back(files, config.blocks).expect("a file that fits");
    let nodes = conformance::consistent(files);
    let _ =
        writeln!(Writer(needs.console), "a file of {} bytes, {nodes} nodes in all", config.blocks * BLOCK);
}

/// Writes blocks that each hold their own number, then reads them from the last to the first.
fn fill_and_read_back<F: FileSystem>(files: F, blocks: usize) -> Result<(), FileError> {
    let file = files.create(files.root(), b"blocks", Kind::File, 0o644)?;
    for number in 0..blocks {
        files.write(file, offset(number), &vec![number as u8; BLOCK])?;
    }
    for number in (0..blocks).rev() {
        let mut block = vec![0; BLOCK];
        assert_eq!(files.read(file, offset(number), &mut block)?, BLOCK);
        assert!(block.iter().all(|byte| *byte == number as u8), "block {number} holds something else");
    }
    assert_eq!(files.metadata(file)?.size, offset(blocks));
    Ok(())
}

fn offset(block: usize) -> u64 {
    (block * BLOCK) as u64
}
