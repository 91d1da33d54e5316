//! What the tree does is held against what Linux does.

use std::env;
use std::string::String;
use std::vec::Vec;

use open_file::Seek;

use super::numbers::Numbers;
use super::worlds::{Ours, SLOTS, Step, Theirs, World};
use super::*;

/// Does each step in both worlds.
fn compare(name: &str, steps: impl IntoIterator<Item = Step>) {
    let fixture = fixture(Tree::new(&[]));
    let mut path = String::from("/tmp");
    for level in ["1", "2", "3", "4", "5"] {
        path = std::format!("{path}/{level}");
        fixture.vfs.make_directory(fixture.vfs.root(), path.as_bytes(), 0o700).expect("a directory");
    }
    let mut ours = Ours::new(fixture.vfs, fixture.find(&path).expect("that directory"));
    let mut theirs = Theirs::new(name);
    let mut done = Vec::new();
    for step in steps {
        let (found, expected) = (ours.step(&step), theirs.step(&step));
        done.push(std::format!("{step:?} = {expected:?}"));
        assert_eq!(found, expected, "behind\n{}", done.join("\n"));
    }
}

impl Numbers {
    /// Few names, so that they meet.
    fn path(&mut self) -> String {
        let mut names = Vec::new();
        for _ in 0..self.of(&[1, 1, 2, 2, 3]) {
            names.push(self.of(&["a", "b", "c", "d", "a", "b", "c", "d", ".", ".."]));
        }
        let mut path = names.join("/");
        if self.chance(1) {
            path += "/";
        }
        if self.below(60) == 0 { String::new() } else { path }
    }

    fn options(&mut self) -> OpenOptions {
        let (read, write) = self.of(&[(true, false), (true, false), (false, true), (true, true)]);
        let create = self.chance(6);
        OpenOptions {
            read,
            write,
            truncate: self.chance(2),
            create,
            exclusive: create && self.chance(2),
            directory: !create && self.chance(2),
            no_follow: self.chance(1),
            hold: false,
            permissions: self.of(&[0o600, 0o700]),
        }
    }

    fn offset(&mut self) -> u64 {
        self.of(&[0, 1, 7, 4095, 4096, 5000, 9000])
    }

    fn step(&mut self) -> Step {
        let slot = self.below(SLOTS as u64) as usize;
        let length = self.of(&[0, 1, 5, 100, 4096, 5000]);
        match self.below(29) {
            0..=4 => Step::Open(slot, self.path(), self.options()),
            5 => Step::Close(slot),
            6 => Step::Read(slot, length),
            7 => Step::ReadAt(slot, self.offset(), length),
            8 => Step::Write(slot, length),
            9 => Step::WriteAt(slot, self.offset(), length),
            10 => {
                let by = self.offset() as i64 - 4096;
                let start = Seek::Start(self.offset());
                Step::Seek(slot, self.of(&[start, Seek::Current(by), Seek::End(by)]))
            }
            11 => Step::Resize(slot, self.offset()),
            12 => Step::StatusOf(slot),
            13 => Step::NamesOf(slot),
            14..=15 => Step::Status(self.path(), self.chance(5)),
            16..=18 => Step::MakeDirectory(self.path()),
            19 => {
                Step::MakeLink(self.of(&["a", "b", "c/d", "d/", ".", "missing", "b/a"]).into(), self.path())
            }
            20..=21 => Step::Link(self.path(), self.path()),
            22 => Step::ReadLink(self.path()),
            23 => Step::Remove(self.path(), self.chance(5)),
            24..=26 => Step::Rename(self.path(), self.path()),
            27 => Step::SetPermissions(self.path(), self.of(&[0o700, 0o711, 0o755, 0o1777])),
            _ if self.chance(5) => Step::SetModified(self.path(), self.below(1 << 31)),
            _ => Step::OpenBelow(slot, self.path()),
        }
    }
}

/// Something for the steps to meet.
fn beginning() -> [Step; 6] {
    [
        Step::MakeDirectory("a".into()),
        Step::MakeDirectory("a/b".into()),
        Step::MakeLink("a".into(), "d".into()),
        Step::Open(0, "c".into(), CREATE),
        Step::Write(0, 100),
        Step::Open(1, "a".into(), READ),
    ]
}

/// `VFS_SEED` begins with another sequence, and `VFS_CASES` does more of them.
#[test]
fn does_as_linux_does() {
    let number = |name, default: u64| env::var(name).map_or(default, |text| text.parse().expect("a number"));
    let (seed, cases) = (number("VFS_SEED", 1), number("VFS_CASES", 100));
    for case in seed..seed + cases {
        let mut numbers = Numbers::new(case);
        let steps: Vec<_> = (0..200).map(|_| numbers.step()).collect();
        compare(&std::format!("{case}"), beginning().into_iter().chain(steps));
    }
}
