use core::fmt::{self, Display};

/// Where one end of a device stands (`enum xenbus_state` of `public/io/xenbus.h`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// None of those below.
    Unknown = 0,
    /// It prepares itself.
    Initialising = 1,
    /// It waits for what the other end says of itself.
    InitWait = 2,
    /// It said all of itself, and waits to be connected.
    Initialised = 3,
    /// It works.
    Connected = 4,
    /// It ends, because of an error or because the device is taken away.
    Closing = 5,
    /// It ended.
    Closed = 6,
    /// It works, and changes.
    Reconfiguring = 7,
    /// It works, and has changed.
    Reconfigured = 8,
}

impl State {
    /// All of them, by number.
    pub const ALL: [Self; 9] = [
        Self::Unknown,
        Self::Initialising,
        Self::InitWait,
        Self::Initialised,
        Self::Connected,
        Self::Closing,
        Self::Closed,
        Self::Reconfiguring,
        Self::Reconfigured,
    ];

    /// The state that a node's value stands for; [`Unknown`](State::Unknown) where it stands for none.
    pub fn parse(value: &str) -> Self {
        match value.as_bytes() {
            [digit @ b'0'..=b'8'] => Self::ALL[usize::from(digit - b'0')],
            _ => Self::Unknown,
        }
    }

    /// What stands for it in the store.
    pub const fn digit(self) -> &'static str {
        match self {
            Self::Unknown => "0",
            Self::Initialising => "1",
            Self::InitWait => "2",
            Self::Initialised => "3",
            Self::Connected => "4",
            Self::Closing => "5",
            Self::Closed => "6",
            Self::Reconfiguring => "7",
            Self::Reconfigured => "8",
        }
    }
}

impl Display for State {
    /// Its name and number, as tools on the host show the one or the other.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?} ({})", self.digit())
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::string::ToString;

    use super::State;

    #[test]
    fn a_digit_is_a_state_and_nothing_else_is() {
        for state in State::ALL {
            assert_eq!(State::parse(state.digit()), state);
        }
        for value in ["", "9", "10", "+4", "4 ", "4\0", "four", "-1", "04"] {
            assert_eq!(State::parse(value), State::Unknown, "{value:?}");
        }
        assert_eq!(State::InitWait.to_string(), "InitWait (2)");
    }
}
