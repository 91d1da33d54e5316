//! The setting `forward=HOST:GUEST`: ports of the image that are served at another port of this host, on its loopback
//! addresses alone, as a virtual machine's are.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use iface_net_stack::Binding;
use iface_platform::CommandLine;

/// Which ports are served elsewhere.
#[derive(Debug, Default)]
pub struct Forwards(Vec<Forward>);

#[derive(Debug)]
struct Forward {
    host: u16,
    guest: u16,
}

/// A setting that is not of the form `HOST:GUEST`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForwardError(String);

impl fmt::Display for ForwardError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "forward={}: two ports of 1 to 65535 are needed, as in forward=8080:80", self.0)
    }
}

impl Forwards {
    /// What the command line says.
    pub fn new(line: CommandLine<'_>) -> Result<Self, ForwardError> {
        let values = line.settings().filter(|(name, _)| *name == "forward").map(|(_, value)| value);
        let parse = |value: &str| Forward::parse(value).ok_or_else(|| ForwardError(value.into()));
        values.map(parse).collect::<Result<_, _>>().map(Self)
    }

    /// Where the host has what the image has at `local`.
    pub fn host(&self, binding: Binding) -> Binding {
        let local = binding.address;
        let Some(forward) = self.0.iter().find(|forward| forward.guest == local.port()) else {
            return binding;
        };
        let address = match local.ip() {
            IpAddr::V6(address) if address.is_unspecified() && binding.ipv6_only => {
                Ipv6Addr::LOCALHOST.into()
            }
            // Of the loopback addresses the one that every host has.
            address if address.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
            address => address,
        };
        Binding { address: (address, forward.host).into(), ..binding }
    }

    /// The image's port that the host has at `port`.
    pub fn guest(&self, port: u16) -> u16 {
        self.0.iter().find(|forward| forward.host == port).map_or(port, |forward| forward.guest)
    }
}

impl Forward {
    fn parse(value: &str) -> Option<Self> {
        let (host, guest) = value.split_once(':')?;
        let port = |text: &str| text.parse().ok().filter(|port| *port != 0);
        Some(Self { host: port(host)?, guest: port(guest)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forwarded_port_is_on_loopback_alone() {
        let line = CommandLine::new("forward=8080:80 quiet forward=8443:443 -- forward=1:2");
        let forwards = Forwards::new(line).unwrap();
        let host = |local: &str| forwards.host(local.parse().unwrap());
        assert_eq!(host("[::]:80"), "127.0.0.1:8080".parse().unwrap());
        assert_eq!(host("0.0.0.0:443"), "127.0.0.1:8443".parse().unwrap());
        assert_eq!(host("10.0.0.1:80"), "10.0.0.1:8080".parse().unwrap());
        assert_eq!(host("[::]:2"), "[::]:2".parse().unwrap());
        assert_eq!((forwards.guest(8080), forwards.guest(80)), (80, 80));
    }

    #[test]
    fn what_is_not_two_ports_is_refused() {
        for wrong in ["", "80", "0:80", "80:0", "a:b", "70000:80", "1:2:3"] {
            let line = alloc::format!("forward={wrong}");
            assert_eq!(Forwards::new(CommandLine::new(&line)).err(), Some(ForwardError(wrong.into())));
        }
    }
}
