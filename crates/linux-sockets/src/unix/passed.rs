//! What is on its way between two ends beside bytes and messages (unix(7), "Ancillary messages").
//!
//! Descriptors of sockets of Unix that hold descriptors of each other would never be closed. None ever come to: a socket that is on
//! its way itself is sent none, and one that holds some is not sent.

use alloc::rc::Rc;
use alloc::vec::Vec;
use core::any::Any;
use core::cell::Cell;

use open_file::{Beside, Credentials, Errno, Right};

use super::Unix;
use super::end::End;

/// Most descriptors on their way (`RLIMIT_NOFILE` of Linux, at its highest here).
const MOST: usize = 65_536;

/// A descriptor on its way.
struct Flying {
    right: Right,
    /// The end of a socket of Unix.
    end: Option<Rc<End>>,
    /// How many there are.
    count: Rc<Cell<usize>>,
}

impl Flying {
    fn new(right: &Right, count: &Rc<Cell<usize>>) -> Self {
        let unix = (&*right.file as &dyn Any).downcast_ref::<Unix>();
        let end = unix.map(|unix| Rc::clone(&unix.end));
        end.iter().for_each(|end| end.flies(true));
        count.set(count.get() + 1);
        Self { right: right.clone(), end, count: Rc::clone(count) }
    }
}

impl Drop for Flying {
    fn drop(&mut self) {
        self.end.iter().for_each(|end| end.flies(false));
        self.count.set(self.count.get() - 1);
    }
}

/// All that is passed with a message.
#[derive(Default)]
pub struct Passed {
    rights: Vec<Flying>,
    credentials: Option<Credentials>,
}

impl Passed {
    /// What is passed on to `end`.
    ///
    /// # Errors
    /// `ETOOMANYREFS` as said above, and for too many.
    pub fn new(beside: &Beside, to: &End, count: &Rc<Cell<usize>>) -> Result<Self, Errno> {
        if beside.rights.len() > MOST.saturating_sub(count.get()) {
            return Err(Errno::ETOOMANYREFS);
        }
        let rights: Vec<_> = beside.rights.iter().map(|right| Flying::new(right, count)).collect();
        let holds = rights.iter().filter_map(|flying| flying.end.as_ref()).any(|end| end.holds_rights());
        if holds || !rights.is_empty() && to.is_flying() {
            return Err(Errno::ETOOMANYREFS);
        }
        Ok(Self { rights, credentials: beside.credentials })
    }

    pub const fn has_rights(&self) -> bool {
        !self.rights.is_empty()
    }

    pub const fn is_empty(&self) -> bool {
        self.rights.is_empty() && self.credentials.is_none()
    }

    /// As whoever receives it has it.
    pub fn received(&self) -> Beside {
        let rights = self.rights.iter().map(|flying| flying.right.clone()).collect();
        Beside { rights, credentials: self.credentials }
    }
}

#[cfg(test)]
mod tests {
    use iface_sockets::Type;
    use open_file::{Address, Socket};

    use super::*;
    use crate::facts::Inodes;
    use crate::unix::Names;

    /// Makes sockets, and counts what is on its way between them.
    #[derive(Default)]
    struct Fixture {
        names: Rc<Names>,
        inodes: Rc<Inodes>,
    }

    impl Fixture {
        fn pair(&self) -> [Rc<Unix>; 2] {
            Unix::pair(Type::Stream, &self.names, &self.inodes).map(Rc::new)
        }

        fn flying(&self) -> usize {
            self.names.flying().get()
        }
    }

    fn with(socket: &Rc<Unix>) -> Beside {
        let right = Right { file: Rc::clone(socket) as _, description: Rc::new(()) };
        Beside { rights: Vec::from([right]), credentials: None }
    }

    #[test]
    fn sockets_never_hold_each_other() {
        let fixture = Fixture::default();
        let ([a, to_a], [b, to_b], [_c, to_c]) = (fixture.pair(), fixture.pair(), fixture.pair());
        assert_eq!(to_a.send_with(b"x", None, &with(&a)), Err(Errno::ETOOMANYREFS), "one in itself");
        assert_eq!(to_a.send_with(b"x", None, &with(&b)), Ok(1));
        assert_eq!(to_b.send_with(b"x", None, &with(&a)), Err(Errno::ETOOMANYREFS), "each in the other");
        assert_eq!(to_c.send_with(b"x", None, &with(&a)), Err(Errno::ETOOMANYREFS), "a third with both");
        assert_eq!((to_b.send(b"y", None), fixture.flying()), (Ok(1), 1));
        let (_, received) = a.receive_with(&mut [0; 9], false).unwrap();
        assert_eq!((received.rights.len(), fixture.flying()), (1, 0));
        assert_eq!(to_b.send_with(b"x", None, &with(&a)), Ok(1));
        drop((b, received));
        assert_eq!(fixture.flying(), 0, "what nobody received is let go");
        assert_eq!(Rc::strong_count(&a), 1);
    }

    #[test]
    fn a_listener_is_not_sent_to_who_waits_at_it() {
        let fixture = Fixture::default();
        let [listener, client] =
            [(); 2].map(|()| Rc::new(Unix::new(Type::Stream, &fixture.names, &fixture.inodes)));
        let name = Address::Unix(b"\0name".into());
        listener.bind(&name).unwrap();
        listener.listen(5).unwrap();
        client.connect(&name).unwrap();
        assert_eq!(client.send_with(b"x", None, &with(&listener)), Err(Errno::ETOOMANYREFS));
        let [other, to_other] = fixture.pair();
        assert_eq!(client.send_with(b"x", None, &with(&other)), Ok(1));
        assert_eq!(to_other.send_with(b"x", None, &with(&listener)), Err(Errno::ETOOMANYREFS));
        let _accepted = listener.accept().unwrap();
        assert_eq!(client.send_with(b"x", None, &with(&listener)), Ok(1));
    }
}
