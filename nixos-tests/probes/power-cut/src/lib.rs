#![doc = include_str!("../README.md")]
#![no_std]

extern crate alloc;

use alloc::{format, vec, vec::Vec};
use core::fmt::{self, Display, Write};

use iface_console::{Console, Writer};
use iface_filesystem::{FileError, FileSystem, Kind, Node};
use iface_platform::{ExitStatus, Platform};

/// Bytes of a record.
const RECORD: usize = 100;
/// Bytes of a whole file: more than a cluster.
const WHOLE: usize = 10_000;

/// Settings, from `app.settings`: none.
pub struct Config {}

/// What it needs.
pub struct Needs<C, F, P> {
    /// Where the findings go.
    pub console: C,
    /// What is written and read.
    pub filesystem: F,
    /// Has the arguments.
    pub platform: P,
}

/// Why it ends with a failure.
enum Failure {
    /// The file system failed.
    File(FileError),
    /// Something is not as it was written.
    Wrong(&'static str),
}

impl From<FileError> for Failure {
    fn from(error: FileError) -> Self {
        Self::File(error)
    }
}

impl Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(error) => error.fmt(f),
            Self::Wrong(what) => f.write_str(what),
        }
    }
}

/// Does what the arguments say.
pub fn main<C: Console, F: FileSystem, P: Platform>(
    _config: &'static Config,
    needs: Needs<C, F, P>,
) -> ExitStatus {
    let probe = Probe { files: needs.filesystem, console: needs.console };
    for argument in needs.platform.command_line().arguments() {
        if let Err(failure) = probe.obey(argument) {
            probe.tell(format_args!("{argument}: {failure}"));
            return ExitStatus::FAILURE;
        }
    }
    ExitStatus::SUCCESS
}

struct Probe<C, F> {
    files: F,
    console: C,
}

impl<C: Console, F: FileSystem> Probe<C, F> {
    fn obey(&self, argument: &str) -> Result<(), Failure> {
        match argument.strip_prefix("write-").and_then(|count| count.parse().ok()) {
            Some(count) => self.write_until(count),
            None if argument == "check" => self.check(),
            None => Err(Failure::Wrong("no such argument")),
        }
    }

    fn tell(&self, what: fmt::Arguments<'_>) {
        let _ = writeln!(Writer(self.console), "{what}");
    }

    fn write_until(&self, count: usize) -> Result<(), Failure> {
        let records = self.file(b"records")?;
        // What of a record was not synchronized is written again.
        for number in self.size(records)? / RECORD..count {
            self.files.write(records, (number * RECORD) as u64, &bytes(number, RECORD))?;
            if number.is_multiple_of(7) {
                self.replace_whole(number)?;
            }
            if number.is_multiple_of(5) {
                self.write_and_remove(number)?;
            }
            self.files.synchronize()?;
            self.tell(format_args!("synchronized {}", number + 1));
        }
        Ok(())
    }

    /// Has another file take the place of the whole one.
    fn replace_whole(&self, number: usize) -> Result<(), Failure> {
        let root = self.files.root();
        let new = self.file(b"a new whole file")?;
        self.files.resize(new, 0)?;
        self.files.write(new, 0, &bytes(number, WHOLE))?;
        self.files.synchronize()?;
        let before = self.files.child(root, b"whole");
        self.files.rename((root, b"a new whole file"), (root, b"whole"))?;
        before.into_iter().for_each(|before| self.files.forget(before));
        Ok(())
    }

    fn write_and_remove(&self, number: usize) -> Result<(), Failure> {
        let name = format!("temporary file {}", number % 3);
        let node = self.file(name.as_bytes())?;
        self.files.write(node, 0, &bytes(number, WHOLE / 2))?;
        self.files.remove(self.files.root(), name.as_bytes())?;
        self.files.forget(node);
        Ok(())
    }

    fn check(&self) -> Result<(), Failure> {
        let count = match self.files.child(self.files.root(), b"records") {
            Ok(records) => self.check_records(records)?,
            Err(FileError::NotFound) => 0,
            Err(error) => return Err(error.into()),
        };
        if count > 7 {
            let whole = self.contents(self.files.child(self.files.root(), b"whole")?)?;
            if whole.len() != WHOLE || !(0..count + 7).any(|number| whole == bytes(number, WHOLE)) {
                return Err(Failure::Wrong("the whole file is none that was written"));
            }
        }
        self.tell(format_args!("there are {count} records"));
        Ok(())
    }

    fn check_records(&self, node: Node) -> Result<usize, Failure> {
        let found = self.contents(node)?;
        let is_right = |(number, record): (usize, &[u8])| record == bytes(number, RECORD);
        if !found.chunks_exact(RECORD).enumerate().all(is_right) {
            return Err(Failure::Wrong("a record is not as it was written"));
        }
        Ok(found.len() / RECORD)
    }

    /// The file of this name, which is made where there is none.
    fn file(&self, name: &[u8]) -> Result<Node, FileError> {
        let root = self.files.root();
        match self.files.child(root, name) {
            Err(FileError::NotFound) => self.files.create(root, name, Kind::File, 0o644),
            found => found,
        }
    }

    fn size(&self, node: Node) -> Result<usize, FileError> {
        Ok(self.files.metadata(node)?.size as usize)
    }

    fn contents(&self, node: Node) -> Result<Vec<u8>, FileError> {
        let mut bytes = vec![0; self.size(node)?];
        self.files.read(node, 0, &mut bytes)?;
        Ok(bytes)
    }
}

/// Bytes that follow from a number and from where they are.
fn bytes(number: usize, length: usize) -> Vec<u8> {
    let mut state = number as u64 + 1;
    let byte = |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    (0..length).map(byte).collect()
}
