//! The network between the clients and the servers: TAP interfaces in a namespace that ends with the process.

use std::net::Ipv4Addr;
use std::time::Duration;

use crate::command::Program;
use crate::error::Error;

/// For one change of the network.
const CHANGE: Duration = Duration::from_secs(10);

/// A machine's end of a cable, whose other end is the TAP interface.
#[derive(Clone, Copy, Debug)]
pub struct Cable {
    number: u8,
}

impl Cable {
    /// To the image.
    pub const IMAGE: Self = Self { number: 0 };
    /// To the Linux guest.
    pub const LINUX: Self = Self { number: 1 };

    /// The TAP interface.
    pub fn interface(self) -> String {
        format!("tap{}", self.number)
    }

    /// The machine's hardware address, of QEMU's range.
    pub fn hardware_address(self) -> String {
        format!("52:54:00:12:34:{:02x}", 0x56 + self.number)
    }

    /// The machine's address.
    pub fn address(self) -> Ipv4Addr {
        Ipv4Addr::new(10, 99, self.number, 2)
    }

    /// The same with the length of its network's prefix.
    pub fn network(self) -> String {
        format!("{}/24", self.address())
    }

    /// Makes the interface. The machine's hardware address is entered by hand, so that no first packet is lost to asking.
    fn plug(self) -> Result<(), Error> {
        let interface = self.interface();
        let ours = format!("10.99.{}.1/24", self.number);
        let machine = self.address().to_string();
        ip(&["tuntap", "add", "dev", &interface, "mode", "tap"])?;
        ip(&["addr", "add", &ours, "dev", &interface])?;
        ip(&["link", "set", &interface, "up"])?;
        ip(&[
            "neigh",
            "replace",
            &machine,
            "lladdr",
            &self.hardware_address(),
            "dev",
            &interface,
            "nud",
            "permanent",
        ])
    }
}

/// Brings the namespace's network up.
pub fn make() -> Result<(), Error> {
    ip(&["link", "set", "lo", "up"])?;
    Cable::IMAGE.plug()?;
    Cable::LINUX.plug()
}

fn ip(arguments: &[&str]) -> Result<(), Error> {
    Program::new("ip", CHANGE).args(arguments).output().map(drop)
}
