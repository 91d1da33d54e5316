#![doc = include_str!("../README.md")]
#![no_std]

extern crate alloc;

use alloc::{string::String, vec, vec::Vec};
use core::fmt::{self, Display, Write};

use iface_block_device::{BlockDevice, BlockError};
use iface_clock::Clock;
use iface_console::{Console, Writer};
use iface_platform::{ExitStatus, Platform};
use sha2::{Digest, Sha256};

/// Most bytes of a call.
const LONGEST: usize = 1 << 20;

/// Settings, from `app.settings`: none.
pub struct Config {}

/// What it needs.
pub struct Needs<D, T, C, P> {
    /// What is read and written.
    pub block_device: D,
    /// Tells how fast.
    pub clock: T,
    /// Where the findings go.
    pub console: C,
    /// Has the arguments.
    pub platform: P,
}

/// Why it ends with a failure.
enum Failure {
    /// The disk failed.
    Disk(BlockError),
    /// Something is not as it should be.
    Wrong(&'static str),
}

impl From<BlockError> for Failure {
    fn from(error: BlockError) -> Self {
        Self::Disk(error)
    }
}

impl Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Disk(error) => error.fmt(f),
            Self::Wrong(what) => f.write_str(what),
        }
    }
}

/// Does what the arguments say.
pub fn main<D: BlockDevice, T: Clock, C: Console, P: Platform>(
    _config: &'static Config,
    needs: Needs<D, T, C, P>,
) -> ExitStatus {
    let probe = Probe { disk: needs.block_device, clock: needs.clock, console: needs.console };
    let kind = if probe.disk.is_read_only() { "read-only" } else { "writable" };
    let (blocks, size) = (probe.disk.blocks(), probe.disk.block_size());
    probe.tell(format_args!("a {kind} disk of {blocks} blocks of {size} bytes"));
    for argument in needs.platform.command_line().arguments() {
        if let Err(failure) = probe.obey(argument) {
            probe.tell(format_args!("{argument}: {failure}"));
            return ExitStatus::FAILURE;
        }
    }
    ExitStatus::SUCCESS
}

struct Probe<D, T, C> {
    disk: D,
    clock: T,
    console: C,
}

impl<D: BlockDevice, T: Clock, C: Console> Probe<D, T, C> {
    fn obey(&self, argument: &str) -> Result<(), Failure> {
        match argument {
            "read" => self.read_times(1),
            "write" => self.write(),
            "refused" => self.be_refused(),
            "measure" => [4096, 65536, LONGEST].into_iter().try_for_each(|length| self.measure(length)),
            _ => match argument.strip_prefix("read-").and_then(|times| times.parse().ok()) {
                Some(times) => self.read_times(times),
                None => Err(Failure::Wrong("no such argument")),
            },
        }
    }

    fn tell(&self, what: fmt::Arguments<'_>) {
        let _ = writeln!(Writer(self.console), "{what}");
    }

    fn read_times(&self, times: usize) -> Result<(), Failure> {
        let first = self.digest()?;
        self.tell(format_args!("read sha256 {}", hexadecimal(&first)));
        for time in 1..times {
            if self.digest()? != first {
                return Err(Failure::Wrong("it is something else each time"));
            }
            self.tell(format_args!("read again, {time}"));
        }
        Ok(())
    }

    fn write(&self) -> Result<(), Failure> {
        let mut written = Sha256::new();
        self.each_piece(LONGEST, |first, piece| {
            let words = piece.chunks_exact_mut(8).enumerate();
            words.for_each(|(word, bytes)| {
                bytes.copy_from_slice(&(first ^ (word as u64) << 32).to_le_bytes())
            });
            written.update(&*piece);
            self.disk.write(first, piece)
        })?;
        self.disk.flush()?;
        let written: Vec<u8> = written.finalize().to_vec();
        self.tell(format_args!("written sha256 {}", hexadecimal(&written)));
        if self.digest()? == written {
            Ok(())
        } else {
            Err(Failure::Wrong("it holds something else than was written"))
        }
    }

    fn be_refused(&self) -> Result<(), Failure> {
        match self.disk.write(0, &vec![0x5a; self.disk.block_size()]) {
            Err(BlockError::ReadOnly) => {
                self.tell(format_args!("a write is refused"));
                Ok(())
            }
            Err(error) => Err(error.into()),
            Ok(()) => Err(Failure::Wrong("the disk took it")),
        }
    }

    fn measure(&self, length: usize) -> Result<(), Failure> {
        let kib = length / 1024;
        let speed = self.timed(|| self.each_piece(length, |first, piece| self.disk.read(first, piece)))?;
        self.tell(format_args!("reads by {kib} KiB: {speed} KB/s"));
        if self.disk.is_read_only() {
            return Ok(());
        }
        let speed = self.timed(|| self.each_piece(length, |first, piece| self.disk.write(first, piece)))?;
        self.tell(format_args!("writes by {kib} KiB: {speed} KB/s"));
        Ok(())
    }

    /// How fast `work` goes through the disk, in units of 1000 bytes a second.
    fn timed(&self, work: impl FnOnce() -> Result<(), BlockError>) -> Result<u64, BlockError> {
        let start = self.clock.now();
        work()?;
        let bytes = self.disk.blocks() * self.disk.block_size() as u64;
        let microseconds = self.clock.now().since(start).as_micros().max(1) as u64;
        Ok(bytes * 1000 / microseconds)
    }

    fn digest(&self) -> Result<Vec<u8>, BlockError> {
        let mut digest = Sha256::new();
        self.each_piece(LONGEST, |first, piece| {
            self.disk.read(first, piece)?;
            digest.update(&*piece);
            Ok(())
        })?;
        Ok(digest.finalize().to_vec())
    }

    /// Calls `work` with the first block of each piece of the disk, and memory as long as that.
    fn each_piece(
        &self,
        length: usize,
        mut work: impl FnMut(u64, &mut [u8]) -> Result<(), BlockError>,
    ) -> Result<(), BlockError> {
        let mut memory = vec![0; length];
        let blocks = (length / self.disk.block_size()) as u64;
        for first in (0..self.disk.blocks()).step_by(blocks as usize) {
            let rest = (self.disk.blocks() - first).min(blocks) as usize;
            work(first, &mut memory[..rest * self.disk.block_size()])?;
        }
        Ok(())
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    let mut text = String::new();
    bytes.iter().for_each(|byte| {
        let _ = write!(text, "{byte:02x}");
    });
    text
}
