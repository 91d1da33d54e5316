//! Names of sockets: files, and abstract ones, which begin with a zero byte.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::rc::{Rc, Weak};
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};

use open_file::{Address, Errno};

use super::end::End;

/// Names of five hexadecimal digits are given to who asks for any (unix(7), "Autobind feature").
const ANY_NAMES: u32 = 1 << 20;

/// What a socket is found by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Name {
    /// An abstract name, with its zero byte.
    Abstract(Vec<u8>),
    /// Device and number of a file.
    File((u64, u64)),
}

/// Which socket has which name. A name is free again once its socket is closed; its file stays.
#[derive(Default)]
pub struct Names {
    sockets: RefCell<BTreeMap<Name, Weak<End>>>,
    /// The next name for who asks for any.
    next: Cell<u32>,
    /// How many descriptors are on their way from one socket to another.
    flying: Rc<Cell<usize>>,
}

impl Names {
    /// The socket that an address stands for.
    ///
    /// # Errors
    /// `ECONNREFUSED` for a name that no socket has, `EINVAL` for what is no name.
    pub fn find(&self, address: &Address) -> Result<Rc<End>, Errno> {
        let name = match address {
            Address::Unix(name) if name.first() == Some(&0) => Name::Abstract(name.clone()),
            Address::File(file) => Name::File(file.number()),
            _ => return Err(Errno::EINVAL),
        };
        self.sockets.borrow().get(&name).and_then(Weak::upgrade).ok_or(Errno::ECONNREFUSED)
    }

    /// Gives a socket a name, any where it is empty.
    ///
    /// # Errors
    /// `EADDRINUSE` where another one has it, `EINVAL` for what is no name.
    pub fn give(&self, address: &Address, end: &Rc<End>) -> Result<(), Errno> {
        let (name, shown) = match address {
            Address::Unix(name) if name.is_empty() => {
                let name = self.any().ok_or(Errno::ENOSPC)?;
                (Name::Abstract(name.clone()), name)
            }
            Address::Unix(name) if name.first() == Some(&0) => (Name::Abstract(name.clone()), name.clone()),
            Address::File(file) => (Name::File(file.number()), file.path.clone()),
            _ => return Err(Errno::EINVAL),
        };
        if self.is_taken(&name) {
            return Err(Errno::EADDRINUSE);
        }
        end.set_name(shown);
        end.set_known(Some((name.clone(), address.clone())));
        self.sockets.borrow_mut().insert(name, Rc::downgrade(end));
        Ok(())
    }

    pub const fn flying(&self) -> &Rc<Cell<usize>> {
        &self.flying
    }

    /// Frees the name of a socket, and lets go of its file. Those that a listener accepts show its name and do not have it.
    pub fn forget(&self, end: &End) {
        if let Some((name, _)) = end.set_known(None) {
            self.sockets.borrow_mut().remove(&name);
        }
    }

    fn is_taken(&self, name: &Name) -> bool {
        self.sockets.borrow().contains_key(name)
    }

    fn any(&self) -> Option<Vec<u8>> {
        (0..ANY_NAMES).find_map(|_| {
            let number = self.next.replace((self.next.get() + 1) % ANY_NAMES);
            let name = format!("\0{number:05x}").into_bytes();
            (!self.is_taken(&Name::Abstract(name.clone()))).then_some(name)
        })
    }
}
