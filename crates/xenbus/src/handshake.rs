//! What a frontend does next, from its own state and what it sees of the backend: no memory, no input and output.

use crate::{Gone, Seen, State};

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Wait until the backend changes.
    Wait,
    /// Set the own state, and ask again.
    Set(State),
    /// The aim is reached.
    Done,
}

/// On the way to a backend that waits for this end's keys. `online` says whether the host wants the device in use: one that
/// is being taken away closes, and must not be brought back.
pub(crate) fn toward_offer(own: State, seen: Seen, online: bool) -> Step {
    use State::{Closed, Closing, InitWait, Initialising, Unknown};
    let Seen::State(backend) = seen else { return Step::Wait };
    match (backend, own) {
        (InitWait, Initialising) => Step::Done,
        (Unknown, _) | (Initialising | Closed, Initialising) => Step::Wait,
        (Closed, _) if !online => Step::Wait,
        (InitWait | Initialising | Closed, _) => Step::Set(Initialising),
        (_, Closed) => Step::Wait,
        (Closing, _) => Step::Set(Closed),
        // It is connected to what this device was before: that has to end first.
        (_, Closing) => Step::Wait,
        (_, _) => Step::Set(Closing),
    }
}

/// On the way to a connected backend, which was offered before.
pub(crate) fn toward_connected(seen: Seen) -> Result<Step, Gone> {
    match seen {
        Seen::State(State::Connected | State::Reconfiguring | State::Reconfigured) => Ok(Step::Done),
        Seen::State(State::InitWait | State::Initialised | State::Unknown) => Ok(Step::Wait),
        Seen::State(State::Closing | State::Closed) => Err(Gone::Closed),
        Seen::State(State::Initialising) => Err(Gone::Restarted),
        Seen::Absent => Err(Gone::Vanished),
    }
}

/// How a backend that was connected left, if it did.
pub(crate) fn departure(seen: Seen) -> Option<Gone> {
    match seen {
        Seen::State(State::Connected | State::Reconfiguring | State::Reconfigured) => None,
        Seen::State(State::Closing | State::Closed) => Some(Gone::Closed),
        Seen::State(_) => Some(Gone::Restarted),
        Seen::Absent => Some(Gone::Vanished),
    }
}

/// On the way to two ends that are closed.
pub(crate) fn toward_closed(own: State, seen: Seen) -> Step {
    use State::{Closed, Closing, InitWait, Initialising, Unknown};
    let idle = match seen {
        Seen::Absent => true,
        Seen::State(backend) => matches!(backend, Closed | Initialising | InitWait | Unknown),
    };
    match own {
        Closed if idle => Step::Done,
        Closed => Step::Wait,
        Closing if idle || seen == Seen::State(Closing) => Step::Set(Closed),
        Closing => Step::Wait,
        _ => Step::Set(Closing),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all_seen() -> impl Iterator<Item = Seen> {
        State::ALL.into_iter().map(Seen::State).chain([Seen::Absent])
    }

    /// The steps taken while the backend does not change.
    fn settle(mut own: State, mut step: impl FnMut(State) -> Step) -> (State, Step) {
        for _ in 0..3 {
            match step(own) {
                Step::Set(state) => {
                    assert_ne!(state, own, "a state is not set twice");
                    own = state;
                }
                end => return (own, end),
            }
        }
        panic!("it does not settle, and is {own} now");
    }

    #[test]
    fn whatever_is_seen_it_settles() {
        for seen in all_seen() {
            for own in State::ALL {
                for online in [false, true] {
                    settle(own, |own| toward_offer(own, seen, online));
                }
                settle(own, |own| toward_closed(own, seen));
            }
        }
    }

    #[test]
    fn an_offer_is_taken_as_initialising_alone() {
        for seen in all_seen() {
            for own in State::ALL {
                let (own, end) = settle(own, |own| toward_offer(own, seen, true));
                let offered = seen == Seen::State(State::InitWait);
                assert_eq!(end == Step::Done, offered, "{seen:?}");
                assert!(!offered || own == State::Initialising);
            }
        }
    }

    #[test]
    fn a_device_that_is_taken_away_is_not_brought_back() {
        let closed = Seen::State(State::Closed);
        assert_eq!(toward_offer(State::Closed, closed, false), Step::Wait);
        assert_eq!(toward_offer(State::Closed, closed, true), Step::Set(State::Initialising));
    }

    #[test]
    fn what_was_connected_before_is_closed_before_it_is_offered() {
        let mut own = State::Initialising;
        let mut steps = alloc::vec::Vec::new();
        for backend in [State::Connected, State::Closing, State::Closed, State::InitWait] {
            let (next, end) = settle(own, |own| toward_offer(own, Seen::State(backend), true));
            own = next;
            steps.push((own, end));
        }
        assert_eq!(
            steps,
            [
                (State::Closing, Step::Wait),
                (State::Closed, Step::Wait),
                (State::Initialising, Step::Wait),
                (State::Initialising, Step::Done),
            ]
        );
    }

    #[test]
    fn closing_waits_for_a_backend_that_may_use_the_rings() {
        for busy in [State::Initialised, State::Connected, State::Reconfiguring, State::Reconfigured] {
            let seen = Seen::State(busy);
            let end = settle(State::Connected, |own| toward_closed(own, seen));
            assert_eq!(end, (State::Closing, Step::Wait));
        }
        for idle in [Seen::Absent, Seen::State(State::Closed), Seen::State(State::InitWait)] {
            let end = settle(State::Connected, |own| toward_closed(own, idle));
            assert_eq!(end, (State::Closed, Step::Done));
        }
    }

    #[test]
    fn a_connection_ends_when_the_backend_goes_backwards() {
        for seen in all_seen() {
            let works = toward_connected(seen) == Ok(Step::Done);
            assert_eq!(departure(seen).is_none(), works, "{seen:?}");
        }
        assert_eq!(departure(Seen::State(State::InitWait)), Some(Gone::Restarted));
        assert_eq!(toward_connected(Seen::State(State::Initialising)), Err(Gone::Restarted));
    }
}
