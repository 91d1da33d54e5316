use core::fmt;
use core::ops::{BitAnd, BitOr, BitOrAssign, Not};

/// What could be done with a file without waiting: the bits of poll(2), which those of epoll(7) are too.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Readiness(pub u32);

impl Readiness {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// There is something to read, or the end (`POLLIN`).
    pub const IN: Self = Self(0x001);
    /// There is something exceptional (`POLLPRI`).
    pub const PRI: Self = Self(0x002);
    /// There is room to write (`POLLOUT`).
    pub const OUT: Self = Self(0x004);
    /// Something failed (`POLLERR`).
    pub const ERR: Self = Self(0x008);
    /// The other side is gone (`POLLHUP`).
    pub const HUP: Self = Self(0x010);
    /// The other side sends no more (`POLLRDHUP`).
    pub const RDHUP: Self = Self(0x2000);
    /// What is told to everybody, asked for or not.
    pub const ALWAYS: Self = Self(Self::ERR.0 | Self::HUP.0);

    /// Whether there is none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether any of `other` is among it.
    pub const fn has_any(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// What of it somebody is told who asked for `interest`.
    pub const fn of_interest(self, interest: Self) -> Self {
        Self(self.0 & (interest.0 | Self::ALWAYS.0))
    }
}

impl BitOr for Readiness {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for Readiness {
    fn bitor_assign(&mut self, other: Self) {
        *self = *self | other;
    }
}

impl BitAnd for Readiness {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

impl Not for Readiness {
    type Output = Self;

    fn not(self) -> Self {
        Self(!self.0)
    }
}

impl fmt::Debug for Readiness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const NAMES: [(Readiness, &str); 6] = [
            (Readiness::IN, "IN"),
            (Readiness::PRI, "PRI"),
            (Readiness::OUT, "OUT"),
            (Readiness::ERR, "ERR"),
            (Readiness::HUP, "HUP"),
            (Readiness::RDHUP, "RDHUP"),
        ];
        let mut set = f.debug_set();
        for (_, name) in NAMES.iter().filter(|(bit, _)| self.has_any(*bit)) {
            set.entry(&format_args!("{name}"));
        }
        set.finish()
    }
}
