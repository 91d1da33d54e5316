//! Files in `/etc` that libraries read, where the root has none of their names.

use alloc::format;
use alloc::vec::Vec;

use crate::special::{ROOT, Special};

/// root, and who owns nothing (passwd(5)).
const USERS: &[u8] = b"root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n";
/// group(5); the one of `nobody` has a name for each custom.
const GROUPS: &[u8] = b"root:x:0:\nnobody:x:65534:\nnogroup:x:65534:\n";

/// The files in one directory. `servers` are addresses of name servers.
pub(crate) fn tree<'a>(host: &str, servers: impl Iterator<Item = &'a str>, made: u64) -> Special {
    let tree = Special::new("tmpfs", made);
    tree.text(ROOT, "passwd", USERS.into());
    tree.text(ROOT, "group", GROUPS.into());
    tree.text(ROOT, "hostname", format!("{host}\n").into_bytes());
    tree.text(ROOT, "hosts", hosts(host));
    tree.text(ROOT, "resolv.conf", resolvers(servers));
    tree
}

/// hosts(5). The name of the machine has an address of its own there, as Debian has it.
fn hosts(host: &str) -> Vec<u8> {
    format!("127.0.0.1\tlocalhost\n127.0.1.1\t{host}\n::1\tlocalhost ip6-localhost ip6-loopback\n")
        .into_bytes()
}

/// resolv.conf(5).
fn resolvers<'a>(servers: impl Iterator<Item = &'a str>) -> Vec<u8> {
    servers.flat_map(|server| format!("nameserver {server}\n").into_bytes()).collect()
}
