//! Files in `/etc` that libraries read, where the root has none of their names.

use alloc::format;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::fmt::Display;

use crate::descriptors::ProcessCell;
use crate::special::{ROOT, Special};

/// root, and who owns nothing (passwd(5)).
const USERS: &[u8] = b"root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n";
/// group(5); the one of `nobody` has a name for each custom.
const GROUPS: &[u8] = b"root:x:0:\nnobody:x:65534:\nnogroup:x:65534:\n";

/// The files in one directory. `servers` are addresses of name servers; where nobody says which, those are shown that the
/// network knows when they are asked for.
pub(crate) fn tree(host: &str, servers: Option<Vec<&str>>, process: &ProcessCell, made: u64) -> Special {
    let tree = Special::new("tmpfs", made);
    tree.text(ROOT, "passwd", USERS.into());
    tree.text(ROOT, "group", GROUPS.into());
    tree.text(ROOT, "hostname", format!("{host}\n").into_bytes());
    tree.text(ROOT, "hosts", hosts(host));
    if let Some(servers) = servers {
        tree.text(ROOT, "resolv.conf", resolvers(servers));
    } else {
        let process = Rc::clone(process);
        let known = move || process.get().map(|process| process.name_servers()).unwrap_or_default();
        tree.kept(ROOT, "resolv.conf", move || resolvers(known()));
    }
    tree
}

/// hosts(5). The name of the machine has an address of its own there, as Debian has it.
fn hosts(host: &str) -> Vec<u8> {
    format!("127.0.0.1\tlocalhost\n127.0.1.1\t{host}\n::1\tlocalhost ip6-localhost ip6-loopback\n")
        .into_bytes()
}

/// resolv.conf(5).
fn resolvers(servers: Vec<impl Display>) -> Vec<u8> {
    servers.into_iter().flat_map(|server| format!("nameserver {server}\n").into_bytes()).collect()
}
