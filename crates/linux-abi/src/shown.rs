//! What `/proc/self` shows of the process.

use alloc::borrow::ToOwned;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write;
use core::net::IpAddr;

use iface_address_space::Protection;
use iface_sockets::Sockets;
use iface_vfs::{Place, Process};
use open_file::OpenFile;

use crate::descriptors::Descriptor;
use crate::linux::{Linux, World};

/// What a program was started with.
#[derive(Debug, Default)]
pub(crate) struct Beginning {
    pub arguments: Vec<Vec<u8>>,
    pub environment: Vec<Vec<u8>>,
}

impl Beginning {
    pub fn new(arguments: &[&str], environment: &[&str]) -> Self {
        let owned = |texts: &[&str]| texts.iter().map(|text| text.as_bytes().to_owned()).collect();
        Self { arguments: owned(arguments), environment: owned(environment) }
    }
}

impl<W: World> Process for Linux<W> {
    fn arguments(&self) -> Vec<Vec<u8>> {
        self.beginning.borrow().arguments.clone()
    }

    fn environment(&self) -> Vec<Vec<u8>> {
        self.beginning.borrow().environment.clone()
    }

    fn name(&self) -> Vec<u8> {
        let name = self.name.get();
        let end = name.iter().position(|byte| *byte == 0).unwrap_or(name.len());
        name[..end].to_owned()
    }

    fn threads(&self) -> usize {
        self.threads.count()
    }

    fn directory(&self) -> Place {
        self.directory.borrow().place
    }

    fn maps(&self) -> Vec<u8> {
        let mut lines = String::new();
        for (range, protection) in self.layout.borrow().mapped() {
            let may = match protection {
                Protection::None => "---",
                Protection::Read => "r--",
                Protection::ReadWrite => "rw-",
                Protection::ReadExecute => "r-x",
            };
            // Writing to a string does not fail.
            let _ = writeln!(lines, "{:x}-{:x} {may}p 00000000 00:00 0", range.start, range.end);
        }
        lines.into_bytes()
    }

    fn most_descriptors(&self) -> usize {
        self.descriptors.borrow().limit()
    }

    fn descriptors(&self) -> Vec<u32> {
        let all = self.descriptors.borrow().within(0, usize::MAX);
        all.into_iter().map(|descriptor| descriptor.0 as u32).collect()
    }

    fn file(&self, descriptor: u32) -> Option<Rc<dyn OpenFile>> {
        self.held_file(Descriptor(i32::try_from(descriptor).ok()?)).ok()
    }

    fn name_servers(&self) -> Vec<IpAddr> {
        self.sockets.name_servers()
    }
}
