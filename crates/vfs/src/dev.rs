//! `/dev`.

use alloc::rc::Rc;

use iface_entropy::Entropy;

use crate::device::Driver;
use crate::memory::{Full, Null, Random, Zero};
use crate::special::{ROOT, Special};

/// The devices, and links to the descriptors of who looks.
pub(crate) fn tree<E: Entropy>(terminal: impl Driver + Copy + 'static, entropy: E, made: u64) -> Special {
    let tree = Special::new("devtmpfs", made);
    tree.device(ROOT, "null", Rc::new(Null));
    tree.device(ROOT, "zero", Rc::new(Zero));
    tree.device(ROOT, "full", Rc::new(Full));
    tree.device(ROOT, "random", Rc::new(Random { entropy, minor: 8 }));
    tree.device(ROOT, "urandom", Rc::new(Random { entropy, minor: 9 }));
    tree.device(ROOT, "console", Rc::new(terminal));
    tree.device(ROOT, "tty", Rc::new(terminal));
    tree.link(ROOT, "fd", "/proc/self/fd");
    tree.link(ROOT, "stdin", "/proc/self/fd/0");
    tree.link(ROOT, "stdout", "/proc/self/fd/1");
    tree.link(ROOT, "stderr", "/proc/self/fd/2");
    tree
}
