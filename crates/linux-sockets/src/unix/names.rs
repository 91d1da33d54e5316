//! Names of sockets: paths, and abstract ones, which begin with a zero byte.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::rc::{Rc, Weak};
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};

use open_file::Errno;

use super::end::End;

/// Names of five hexadecimal digits are given to who asks for any (unix(7), "Autobind feature").
const ANY_NAMES: u32 = 1 << 20;

/// Which socket has which name. A name is free again once its socket is closed.
#[derive(Default)]
pub struct Names {
    sockets: RefCell<BTreeMap<Vec<u8>, Weak<End>>>,
    /// The next name for who asks for any.
    next: Cell<u32>,
}

impl Names {
    /// The socket with a name.
    ///
    /// # Errors
    /// `ENOENT` for a path that no socket has, `ECONNREFUSED` for an abstract name.
    pub fn find(&self, name: &[u8]) -> Result<Rc<End>, Errno> {
        let absent = match name.first() {
            None => Errno::EINVAL,
            Some(0) => Errno::ECONNREFUSED,
            Some(_) => Errno::ENOENT,
        };
        self.sockets.borrow().get(name).and_then(Weak::upgrade).ok_or(absent)
    }

    /// Gives a socket a name, any where it is empty.
    ///
    /// # Errors
    /// `EADDRINUSE` where another one has it.
    pub fn give(&self, name: &[u8], end: &Rc<End>) -> Result<(), Errno> {
        let name = if name.is_empty() { self.any().ok_or(Errno::ENOSPC)? } else { Vec::from(name) };
        if self.is_taken(&name) {
            return Err(Errno::EADDRINUSE);
        }
        end.set_name(name.clone());
        self.sockets.borrow_mut().insert(name, Rc::downgrade(end));
        Ok(())
    }

    /// Frees the name of a socket. Those that a listener accepts show its name and do not have it.
    pub fn forget(&self, end: &Rc<End>) {
        let name = end.name();
        let mut sockets = self.sockets.borrow_mut();
        if sockets.get(&name).is_some_and(|has| has.ptr_eq(&Rc::downgrade(end))) {
            sockets.remove(&name);
        }
    }

    fn is_taken(&self, name: &[u8]) -> bool {
        self.sockets.borrow().contains_key(name)
    }

    fn any(&self) -> Option<Vec<u8>> {
        (0..ANY_NAMES).find_map(|_| {
            let number = self.next.replace((self.next.get() + 1) % ANY_NAMES);
            let name = format!("\0{number:05x}").into_bytes();
            (!self.is_taken(&name)).then_some(name)
        })
    }
}
