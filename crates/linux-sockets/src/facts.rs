//! What fstat(2) says of sockets.

use core::cell::Cell;

use open_file::{Kind, Status};

/// Numbers for sockets, each given once.
#[derive(Default)]
pub struct Inodes(Cell<u64>);

impl Inodes {
    /// The next one.
    pub fn next(&self) -> u64 {
        let next = self.0.get() + 1;
        self.0.set(next);
        next
    }
}

/// The device of all sockets, which is no disk's.
const DEVICE: u64 = 8;

/// Facts about the socket with number `inode`.
pub fn status(inode: u64) -> Status {
    Status {
        kind: Kind::Socket,
        permissions: 0o777,
        inode,
        device: DEVICE,
        special: (0, 0),
        links: 1,
        size: 0,
        modified: 0,
    }
}
