//! The host's files about names: `/etc/hosts` (hosts(5)) and `/etc/resolv.conf` (resolv.conf(5)).

use alloc::string::String;
use alloc::vec::Vec;

use iface_net_stack::IpAddr;
use rustix::fs::{Mode, OFlags, open};
use rustix::io::{Errno, read};

/// Bytes read of a file at most.
const LONGEST: usize = 1 << 20;

/// The text of a file; none where it cannot be read or is not UTF-8.
pub fn text(path: &str) -> String {
    bytes(path).ok().and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default()
}

fn bytes(path: &str) -> Result<Vec<u8>, Errno> {
    let file = open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    while bytes.len() < LONGEST {
        match read(&file, &mut buffer)? {
            0 => break,
            length => bytes.extend_from_slice(&buffer[..length]),
        }
    }
    Ok(bytes)
}

/// The addresses that the text of `/etc/hosts` gives `name`.
pub fn addresses_in_hosts(hosts: &str, name: &str) -> Vec<IpAddr> {
    let line = |line| {
        let mut words = words(line, &['#']);
        let address = words.next()?.parse().ok()?;
        words.any(|word| word.eq_ignore_ascii_case(name)).then_some(address)
    };
    hosts.lines().filter_map(line).collect()
}

/// The name servers that the text of `/etc/resolv.conf` lists.
pub fn name_servers(resolv_conf: &str) -> Vec<IpAddr> {
    let line = |line| {
        let mut words = words(line, &['#', ';']);
        words.next().filter(|word| *word == "nameserver")?;
        words.next()?.parse().ok()
    };
    resolv_conf.lines().filter_map(line).collect()
}

fn words<'a>(line: &'a str, comment: &[char]) -> impl Iterator<Item = &'a str> + use<'a> {
    line.split(comment).next().unwrap_or_default().split_ascii_whitespace()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_found_by_each_of_their_names() {
        let hosts =
            "127.0.0.1 localhost\n# 1.1.1.1 box\n\t10.0.0.7\tbox.example Box # box2\n::7 box\nbad box\n";
        let found = |name| addresses_in_hosts(hosts, name);
        let addresses =
            |list: &[&str]| list.iter().map(|text| text.parse().unwrap()).collect::<Vec<IpAddr>>();
        assert_eq!(found("box"), addresses(&["10.0.0.7", "::7"]));
        assert_eq!(found("BOX.example"), addresses(&["10.0.0.7"]));
        assert!(found("box2").is_empty());
        assert!(found("#").is_empty());
    }

    #[test]
    fn name_servers_are_listed_in_order() {
        let conf = "search lan\nnameserver 10.0.0.1\n;nameserver 10.0.0.2\nnameserver\nnameserver x\nnameserver ::1 # y\n";
        let servers: [IpAddr; 2] = ["10.0.0.1".parse().unwrap(), "::1".parse().unwrap()];
        assert_eq!(name_servers(conf), servers);
    }

    #[test]
    fn a_file_that_is_not_there_is_empty() {
        assert_eq!(text("/nonexistent"), "");
    }
}
