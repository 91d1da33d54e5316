//! Addresses as the room's options and the command line give them.

use alloc::{string::String, vec::Vec};
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use iface_platform::CommandLine;
use smoltcp::wire::{IpAddress, IpCidr};

use crate::Config;

/// Name servers that are asked at most.
const NAME_SERVERS: usize = 3;

/// Where this host is in the network.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Fixed addresses: at most one of each family.
    pub addresses: Vec<IpCidr>,
    /// Whether a DHCP server is asked for an IPv4 address.
    pub dhcp: bool,
    /// Whether IPv6 is spoken.
    pub ipv6: bool,
    /// Gateways: at most one of each family.
    pub gateways: Vec<IpAddr>,
    /// Name servers.
    pub name_servers: Vec<IpAddr>,
}

/// A setting that means nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingError {
    /// What is set, as whoever set it calls it.
    pub name: &'static str,
    /// What it was set to.
    pub value: String,
    /// What it may be.
    pub expected: &'static str,
}

impl core::fmt::Display for SettingError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}={} is not {}", self.name, self.value, self.expected)
    }
}

impl core::error::Error for SettingError {}

const EXPECTED_ADDRESS: &str =
    "`dhcp`, or an address of this host with its prefix length as in `10.0.2.15/24`";
const EXPECTED_GATEWAY: &str = "the address of a gateway as in `10.0.2.2`";
const EXPECTED_NAME_SERVER: &str = "the address of a name server as in `10.0.2.3`";

impl Settings {
    /// The room's options, and what the command line says instead: `ip=` with an address or `dhcp`, `gw=`, `dns=`,
    /// each as often as need be. An `ip=` takes the place of the address and the gateway of its family; a first
    /// `dns=` of all name servers.
    pub fn new(config: &Config, line: CommandLine<'_>) -> Result<Self, SettingError> {
        let mut settings = Self::from_config(config)?;
        for (_, value) in line.settings().filter(|(name, _)| *name == "ip") {
            settings.set_address("ip", value)?;
        }
        for (_, value) in line.settings().filter(|(name, _)| *name == "gw") {
            settings.set_gateway("gw", value)?;
        }
        for (index, (_, value)) in line.settings().filter(|(name, _)| *name == "dns").enumerate() {
            if index == 0 {
                settings.name_servers.clear();
            }
            settings.add_name_servers("dns", value)?;
        }
        Ok(settings)
    }

    fn from_config(config: &Config) -> Result<Self, SettingError> {
        let mut settings = Self { dhcp: config.dhcp, ipv6: config.ipv6, ..Self::default() };
        for address in [config.address, config.address6].into_iter().flatten() {
            settings.set_address("libs.tcpip.address", address)?;
        }
        for gateway in [config.gateway, config.gateway6].into_iter().flatten() {
            settings.set_gateway("libs.tcpip.gateway", gateway)?;
        }
        for server in config.dns {
            settings.add_name_servers("libs.tcpip.dns", server)?;
        }
        Ok(settings)
    }

    fn set_address(&mut self, name: &'static str, value: &str) -> Result<(), SettingError> {
        if value == "dhcp" {
            self.forget_ipv4();
            self.dhcp = true;
            return Ok(());
        }
        let address = parse_cidr(value).ok_or_else(|| error(name, value, EXPECTED_ADDRESS))?;
        match address {
            IpCidr::Ipv4(_) => {
                self.forget_ipv4();
                self.dhcp = false;
            }
            IpCidr::Ipv6(_) => {
                self.addresses.retain(|other| matches!(other, IpCidr::Ipv4(_)));
                self.gateways.retain(IpAddr::is_ipv4);
                self.ipv6 = true;
            }
        }
        self.addresses.push(address);
        Ok(())
    }

    fn forget_ipv4(&mut self) {
        self.addresses.retain(|address| matches!(address, IpCidr::Ipv6(_)));
        self.gateways.retain(IpAddr::is_ipv6);
    }

    fn set_gateway(&mut self, name: &'static str, value: &str) -> Result<(), SettingError> {
        let gateway = parse_host(value).ok_or_else(|| error(name, value, EXPECTED_GATEWAY))?;
        self.gateways.retain(|other| other.is_ipv4() != gateway.is_ipv4());
        self.gateways.push(gateway);
        Ok(())
    }

    fn add_name_servers(&mut self, name: &'static str, values: &str) -> Result<(), SettingError> {
        for value in values.split(',') {
            let server = parse_host(value).ok_or_else(|| error(name, value, EXPECTED_NAME_SERVER))?;
            if self.name_servers.len() < NAME_SERVERS {
                self.name_servers.push(server);
            }
        }
        Ok(())
    }
}

fn error(name: &'static str, value: &str, expected: &'static str) -> SettingError {
    SettingError { name, value: value.into(), expected }
}

fn parse_cidr(text: &str) -> Option<IpCidr> {
    let (address, prefix) = text.split_once('/')?;
    let (address, prefix) = (parse_host(address)?, prefix.parse::<u8>().ok()?);
    let longest = if address.is_ipv4() { 32 } else { 128 };
    (prefix <= longest).then(|| IpCidr::new(IpAddress::from(address), prefix))
}

fn parse_host(text: &str) -> Option<IpAddr> {
    text.parse().ok().filter(is_host)
}

/// Whether one host may have the address.
pub fn is_host(address: &IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_host_v4(*address),
        IpAddr::V6(address) => is_host_v6(*address),
    }
}

/// Whether one host may have the address (RFC 1122, section 3.2.1.3).
pub const fn is_host_v4(address: Ipv4Addr) -> bool {
    !(address.is_unspecified() || address.is_broadcast() || address.is_multicast() || address.is_loopback())
}

const fn is_host_v6(address: Ipv6Addr) -> bool {
    !(address.is_unspecified() || address.is_multicast() || address.is_loopback())
}

#[cfg(test)]
mod tests {
    use std::string::ToString;

    use super::*;

    fn parse(line: &str) -> Result<Settings, SettingError> {
        Settings::new(
            &Config { address: Some("192.0.2.9/24"), gateway: Some("192.0.2.1"), ..Config::TEST },
            CommandLine::new(line),
        )
    }

    fn cidr(text: &str) -> IpCidr {
        parse_cidr(text).unwrap()
    }

    #[test]
    fn options_hold_where_the_command_line_says_nothing() {
        let settings = parse("").unwrap();
        assert_eq!(settings.addresses, [cidr("192.0.2.9/24")]);
        assert_eq!(settings.gateways, [IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1))]);
        assert!(!settings.dhcp, "a fixed address is enough");
    }

    #[test]
    fn the_command_line_replaces_address_and_gateway_of_its_family() {
        let settings =
            parse("ip=10.0.2.15/24 ip=fd00::15/64 gw=fe80::1 dns=10.0.2.3,10.0.2.4 dns=fd00::3").unwrap();
        assert_eq!(settings.addresses, [cidr("10.0.2.15/24"), cidr("fd00::15/64")]);
        assert_eq!(settings.gateways, ["fe80::1".parse::<IpAddr>().unwrap()]);
        assert_eq!(settings.name_servers.len(), 3);
        assert!(!settings.dhcp);
    }

    #[test]
    fn dhcp_replaces_the_fixed_address() {
        let settings = parse("ip=dhcp").unwrap();
        assert!(settings.dhcp);
        assert!(settings.addresses.is_empty() && settings.gateways.is_empty());
    }

    #[test]
    fn nonsense_is_refused_by_its_name() {
        for (line, name) in [
            ("ip=", "ip= is"),
            ("ip=10.0.2.15", "ip=10.0.2.15 is"),
            ("ip=10.0.2.15/33", "ip=10.0.2.15/33"),
            ("ip=255.255.255.255/8", "ip=255"),
            ("ip=fd00::/129", "ip=fd00::/129"),
            ("ip=10.0.2.15/24 gw=10.0.2", "gw=10.0.2 is"),
            ("gw=224.0.0.1", "gw=224.0.0.1"),
            ("dns=10.0.2.3,,", "dns= is"),
        ] {
            let error = parse(line).unwrap_err().to_string();
            assert!(error.starts_with(name), "{line}: {error}");
        }
    }
}
