//! `/proc/self/fd`: a link for each descriptor of the process (proc_pid_fd(5)).

use alloc::rc::Rc;
use alloc::string::ToString;
use core::cell::Cell;

use iface_vfs::{Errno, Kind, OpenFile, Process};
use open_file::Name;

use crate::handle::Handle;
use crate::volume::{Access, Facts, Target, Volume};

/// Where the process is noted once there is one.
pub(crate) type ProcessCell = Rc<Cell<Option<&'static dyn Process>>>;

/// Number of the directory itself.
pub(crate) const ROOT: u64 = 0;

/// A descriptor has two nodes: its link, and the file that the link leads to where that is not of the tree.
enum Node {
    Root,
    Link(u32),
    File(u32),
}

fn node(number: u64) -> Result<Node, Errno> {
    let Some(rest) = number.checked_sub(1) else { return Ok(Node::Root) };
    let descriptor = u32::try_from(rest / 2).map_err(|_| Errno::ENOENT)?;
    Ok(if rest % 2 == 0 { Node::Link(descriptor) } else { Node::File(descriptor) })
}

fn link_node(descriptor: u32) -> u64 {
    1 + 2 * u64::from(descriptor)
}

fn file_node(descriptor: u32) -> u64 {
    link_node(descriptor) + 1
}

/// The links.
pub(crate) struct Descriptors {
    process: ProcessCell,
}

impl Descriptors {
    pub fn new(process: &ProcessCell) -> Self {
        Self { process: Rc::clone(process) }
    }

    fn file(&self, descriptor: u32) -> Result<Rc<dyn OpenFile>, Errno> {
        self.process.get().and_then(|process| process.file(descriptor)).ok_or(Errno::ENOENT)
    }
}

impl Volume for Descriptors {
    fn kind_name(&self) -> &'static str {
        "proc"
    }

    fn root(&self) -> u64 {
        ROOT
    }

    fn child(&self, directory: u64, name: &[u8]) -> Result<u64, Errno> {
        let (Node::Root, Ok(text)) = (node(directory)?, core::str::from_utf8(name)) else {
            return Err(Errno::ENOENT);
        };
        // A number as it is written, and no other form of it.
        let descriptor = text.parse().ok().filter(|number: &u32| number.to_string() == text);
        let descriptor = descriptor.ok_or(Errno::ENOENT)?;
        self.file(descriptor).map(|_| link_node(descriptor))
    }

    fn facts(&self, number: u64) -> Result<Facts, Errno> {
        let facts = |kind, permissions| Facts { kind, permissions, size: 0, special: (0, 0), modified: 0 };
        match node(number)? {
            Node::Root => Ok(facts(Kind::Directory, 0o500)),
            Node::Link(descriptor) => {
                self.file(descriptor)?;
                // Its length on Linux.
                Ok(Facts { size: 64, ..facts(Kind::Link, 0o700) })
            }
            Node::File(descriptor) => {
                let status = self.file(descriptor)?.status()?;
                Ok(Facts {
                    kind: status.kind,
                    permissions: status.permissions,
                    size: status.size,
                    special: status.special,
                    modified: status.modified,
                })
            }
        }
    }

    fn entry(&self, _: u64, index: usize) -> Result<Option<Name>, Errno> {
        let descriptors = self.process.get().map(Process::descriptors).unwrap_or_default();
        Ok(descriptors.get(index).map(|descriptor| Name {
            name: descriptor.to_string().into_bytes(),
            inode: link_node(*descriptor),
            kind: Kind::Link,
        }))
    }

    fn target(&self, link: u64) -> Result<Target, Errno> {
        let Node::Link(descriptor) = node(link)? else { return Err(Errno::EINVAL) };
        Ok(Target::File(self.file(descriptor)?, file_node(descriptor)))
    }

    /// What is not of the tree is not opened anew: whoever opens it shares it. A socket is not opened at all.
    fn open(&self, handle: Handle, _: Access) -> Result<Rc<dyn OpenFile>, Errno> {
        let Node::File(descriptor) = node(handle.place.node)? else { return Err(Errno::ENXIO) };
        let file = self.file(descriptor)?;
        match file.status()?.kind {
            Kind::Socket | Kind::Anonymous => Err(Errno::ENXIO),
            _ => Ok(file),
        }
    }
}
