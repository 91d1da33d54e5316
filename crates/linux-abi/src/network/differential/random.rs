//! Calls that a random number chooses, on a handful of sockets.

use alloc::format;
use alloc::vec::Vec;

use linux_raw_sys::net::{
    AF_INET, AF_UNIX, MSG_DONTWAIT, MSG_PEEK, MSG_TRUNC, MSG_WAITALL, SO_ERROR, SO_LINGER, SOCK_DGRAM,
    SOCK_STREAM, SOL_SOCKET,
};

use super::NONBLOCKING;
use super::script::{Name, Script};

/// Owner of a place whose socket is closed.
const NOBODY: usize = usize::MAX;
/// Sockets at once.
const MOST: usize = 6;

/// SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014).
pub struct Random(pub u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    fn among<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())]
    }
}

/// Sockets of one kind, and what is done with them.
pub struct Player<'a> {
    script: &'a Script<'a>,
    random: Random,
    family: u32,
    kind: u32,
    open: Vec<usize>,
    /// Those that nothing was done with yet. Linux binds again what was connected, which is of no use.
    fresh: Vec<usize>,
    /// Those that were connected. Halves of others that Linux ends, too, stay so in what becomes of them, in odd ways.
    connected: Vec<usize>,
    /// No connection was closed yet: a closed one of Linux resets who sends more, while the stack hears it out.
    all_hear: bool,
    /// Addresses that sockets were given.
    places: Vec<(usize, Name)>,
}

impl<'a> Player<'a> {
    /// Of sockets of `kind`, none of which is there.
    pub fn new(script: &'a Script<'a>, seed: u64, family: u32, kind: u32) -> Self {
        let (random, (open, fresh, connected, places)) = (Random(seed), Default::default());
        Self { script, random, family, kind, open, fresh, connected, all_hear: true, places }
    }

    /// Does `count` things.
    pub fn play(&mut self, count: usize) {
        for _ in 0..count {
            let script = self.script;
            if self.open.is_empty() || self.open.len() < MOST && self.random.below(8) == 0 {
                let fd = script.socket(self.family, self.kind | NONBLOCKING);
                script.note("is", self.open.len());
                self.open.push(fd);
                self.fresh.push(fd);
                continue;
            }
            let place = self.random.below(self.open.len());
            script.note("with", place);
            self.act(place, self.open[place]);
            script.settle();
        }
        self.script.note("at the end", ());
        for fd in core::mem::take(&mut self.open) {
            self.script.bits(fd);
            self.script.close(fd);
        }
    }

    fn act(&mut self, place: usize, fd: usize) {
        let script = self.script;
        let deed = self.random.below(16);
        match deed {
            0 if self.fresh.contains(&fd) => self.bind(fd),
            1 => self.listen(fd),
            2 | 3 => self.connect(fd),
            4 | 5 => self.accept(fd),
            6 | 7 if self.all_hear => {
                let bytes = [b'a' + place as u8; 20];
                script.send(fd, &bytes[..self.random.below(21)], 0);
            }
            8 | 9 => {
                let flags =
                    self.random.among(&[0, 0, MSG_PEEK, MSG_DONTWAIT, MSG_WAITALL, MSG_TRUNC | MSG_PEEK]);
                script.note("flags", format!("{flags:#x}"));
                script.receive(fd, self.random.among(&[0, 1, 7, 30]), flags);
            }
            10 if self.connected.contains(&fd) => drop(script.shut_down(fd, self.random.below(3) as u32)),
            11 => {
                self.open.remove(place);
                self.fresh.retain(|other| *other != fd);
                self.places
                    .iter_mut()
                    .filter(|(owner, _)| *owner == fd)
                    .for_each(|(owner, _)| *owner = NOBODY);
                self.all_hear &= !self.connected.contains(&fd) || self.kind != SOCK_STREAM;
                self.connected.retain(|other| *other != fd);
                script.close(fd);
            }
            12 => drop(script.option(fd, SOL_SOCKET, SO_ERROR)),
            13 => script.peer_name(fd),
            14 if self.kind == SOCK_STREAM && self.random.below(3) == 0 => {
                script.set_option(fd, SOL_SOCKET, SO_LINGER, &[1, 0, 0, 0, 0, 0, 0, 0]);
            }
            14 if self.kind == SOCK_DGRAM => {
                if let Some(there) = self.somebody(fd) {
                    script.send_to(fd, b"to whom it concerns", &there);
                }
            }
            _ => script.bits(fd),
        }
        if (1..=4).contains(&deed) {
            self.fresh.retain(|fresh| *fresh != fd);
        }
    }

    /// An address that another socket has or had: connections of one with itself are odd, and nobody has use for them.
    fn somebody(&mut self, fd: usize) -> Option<Name> {
        let count = self.places.len();
        let place = (count > 0).then(|| self.random.below(count))?;
        let (owner, name) = &self.places[place];
        self.script.note("to", place);
        (*owner != fd).then(|| name.clone())
    }

    fn bind(&mut self, fd: usize) {
        let wanted = if self.family == AF_UNIX {
            // Names are the machine's, and so those of other tests.
            Name::hidden(&format!("{} {} {}", std::process::id(), self.kind, self.random.next()))
        } else {
            Name::loopback(0)
        };
        if self.script.bind(fd, &wanted) == 0 {
            let name = self.script.own_name(fd);
            self.places.push((fd, name));
        }
    }

    fn listen(&mut self, fd: usize) {
        if self.script.listen(fd, 5) == 0 && self.family == AF_INET {
            let name = self.script.own_name(fd);
            self.places.push((fd, Name::loopback(name.port())));
        }
    }

    fn connect(&mut self, fd: usize) {
        if let Some(there) = self.somebody(fd) {
            self.connected.push(fd);
            self.script.connect(fd, &there);
        }
    }

    fn accept(&mut self, fd: usize) {
        let accepted = self.script.accept(fd);
        if (accepted as isize) >= 0 {
            self.script.note("is", self.open.len());
            self.open.push(accepted);
            self.connected.push(accepted);
        }
    }
}
