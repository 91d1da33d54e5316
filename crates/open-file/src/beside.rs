use alloc::rc::Rc;
use alloc::vec::Vec;
use core::any::Any;

use crate::OpenFile;

/// A descriptor that is passed to whoever receives (unix(7), `SCM_RIGHTS`).
#[derive(Clone)]
pub struct Right {
    /// The open file.
    pub file: Rc<dyn OpenFile>,
    /// What all descriptors of it share; whoever makes descriptors knows its type.
    pub description: Rc<dyn Any>,
}

/// Who sends (unix(7), `struct ucred`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// Number of the process.
    pub process: u32,
    /// Number of the user.
    pub user: u32,
    /// Number of the group.
    pub group: u32,
}

/// What goes along with bytes or a message, beside them.
#[derive(Clone, Default)]
pub struct Beside {
    /// Descriptors.
    pub rights: Vec<Right>,
    /// Who sends, where that is said.
    pub credentials: Option<Credentials>,
}

impl Beside {
    /// Whether there is nothing.
    pub const fn is_empty(&self) -> bool {
        self.rights.is_empty() && self.credentials.is_none()
    }
}
