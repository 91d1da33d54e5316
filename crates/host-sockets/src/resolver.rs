//! Host names: the host's own files, then its name servers.

use alloc::vec;
use alloc::vec::Vec;

use iface_clock::{Clock, Duration};
use iface_net_stack::{
    Event, Instant, IpAddr, Ipv4Addr, Ipv6Addr, NetStack, Poller, Readiness, ResolveError, Socket, SocketAddr,
};
use iface_scheduler::Scheduler;
use rustix::rand::{GetRandomFlags, getrandom};

use crate::dns::{self, Answer, Family};
use crate::files;
use crate::stack::HostSockets;

const PORT: u16 = 53;
/// How often each server is asked.
const ROUNDS: usize = 2;
const FAMILIES: [Family; 2] = [Family::V4, Family::V6];
/// Bytes of an answer at most: what fits Ethernet. Servers keep to 512 where a question says no other number.
const LONGEST_ANSWER: usize = 1500;

/// The addresses of `name`, those of IPv4 first.
pub fn resolve<C: Clock, S: Scheduler>(
    stack: HostSockets<C, S>,
    timeout_ms: u32,
    name: &str,
) -> Result<Vec<IpAddr>, ResolveError> {
    if let Ok(address) = name.parse() {
        return Ok(vec![address]);
    }
    if !dns::is_host_name(name) {
        return Err(ResolveError::InvalidName);
    }
    let known = known(name);
    if !known.is_empty() {
        return Ok(known);
    }
    ask_all(stack, &name_servers(), Duration::from_millis(timeout_ms.into()), name)
}

/// The servers that the host asks.
pub fn name_servers() -> Vec<IpAddr> {
    files::name_servers(&files::text("/etc/resolv.conf"))
}

/// What the host itself knows. `localhost` is never asked for (RFC 6761, section 6.3).
fn known(name: &str) -> Vec<IpAddr> {
    let bare = name.strip_suffix('.').unwrap_or(name);
    let listed = files::addresses_in_hosts(&files::text("/etc/hosts"), bare);
    let lower = bare.to_ascii_lowercase();
    if listed.is_empty() && (lower == "localhost" || lower.ends_with(".localhost")) {
        return vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
    }
    listed
}

fn ask_all<C: Clock, S: Scheduler>(
    stack: HostSockets<C, S>,
    servers: &[IpAddr],
    timeout: Duration,
    name: &str,
) -> Result<Vec<IpAddr>, ResolveError> {
    if servers.is_empty() {
        return Err(ResolveError::NoServer);
    }
    for server in servers.iter().cycle().take(ROUNDS * servers.len()) {
        let server = SocketAddr::new(*server, PORT);
        if let Some(addresses) = ask(stack, server, timeout, name) {
            return if addresses.is_empty() { Err(ResolveError::NotFound) } else { Ok(addresses) };
        }
    }
    Err(ResolveError::TimedOut)
}

/// What one server answers within `timeout`; empty where it says that there are no addresses.
pub fn ask<C: Clock, S: Scheduler>(
    stack: HostSockets<C, S>,
    server: SocketAddr,
    timeout: Duration,
    name: &str,
) -> Option<Vec<IpAddr>> {
    let any =
        if server.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { IpAddr::from(Ipv6Addr::UNSPECIFIED) };
    let socket = stack.udp_bind((any, 0).into()).ok()?;
    let deadline = stack.now() + timeout;
    let answers = stack.with_poller(|poller| {
        let exchange = Exchange { stack, socket, poller, server, deadline, name };
        exchange.run()
    });
    stack.close(socket);
    answers
}

/// Questions to one server, and its answers.
struct Exchange<'a, C: 'static, S: 'static> {
    stack: HostSockets<C, S>,
    socket: Socket,
    poller: Poller,
    server: SocketAddr,
    deadline: Instant,
    name: &'a str,
}

impl<C: Clock, S: Scheduler> Exchange<'_, C, S> {
    /// Asks for both families at once. A server that answers one of them with addresses and the other not at all has
    /// answered.
    fn run(&self) -> Option<Vec<IpAddr>> {
        let ids = random_ids()?;
        self.stack.watch(self.poller, self.socket, Readiness::READABLE, 0).ok()?;
        for (family, id) in FAMILIES.into_iter().zip(ids) {
            let question = dns::question(id, self.name, family)?;
            self.stack.send_to(self.socket, &question, self.server).ok()?;
        }
        let mut answers = [None, None];
        while answers.contains(&None) {
            let Some(message) = self.message() else { break };
            for ((family, id), place) in FAMILIES.into_iter().zip(ids).zip(&mut answers) {
                if let Some(answer) = dns::answer(&message, id, self.name, family) {
                    *place = Some(answer);
                }
            }
        }
        conclusion(answers)
    }

    /// The next message of the server; `None` after the deadline.
    fn message(&self) -> Option<Vec<u8>> {
        let mut buffer = vec![0; LONGEST_ANSWER];
        loop {
            match self.stack.recv_from(self.socket, &mut buffer) {
                Ok((length, sender)) if sender == self.server => {
                    buffer.truncate(length);
                    return Some(buffer);
                }
                // From someone else.
                Ok(_) => {}
                Err(_) => {
                    let ready = self.stack.wait(self.poller, &mut [Event::default()], Some(self.deadline));
                    if ready == 0 {
                        return None;
                    }
                }
            }
        }
    }
}

/// The addresses in both answers. None where neither has any and one is missing or a failure: another server may know.
fn conclusion(answers: [Option<Answer>; 2]) -> Option<Vec<IpAddr>> {
    let complete =
        answers.iter().all(|answer| matches!(answer, Some(Answer::Addresses(_) | Answer::NoSuchName)));
    let addresses: Vec<_> = answers
        .into_iter()
        .flatten()
        .flat_map(|answer| match answer {
            Answer::Addresses(addresses) => addresses,
            Answer::NoSuchName | Answer::Failed => Vec::new(),
        })
        .collect();
    (complete || !addresses.is_empty()).then_some(addresses)
}

/// Two numbers that nobody can guess, so that nobody else can answer (RFC 5452, section 9.2).
fn random_ids() -> Option<[u16; 2]> {
    let mut bytes = [0; 4];
    let length = getrandom(&mut bytes, GetRandomFlags::empty()).ok()?;
    (length == bytes.len())
        .then(|| [u16::from_ne_bytes([bytes[0], bytes[1]]), u16::from_ne_bytes([bytes[2], bytes[3]])])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_without_its_twin_counts_when_it_has_addresses() {
        let some = Some(Answer::Addresses(vec![Ipv4Addr::LOCALHOST.into()]));
        let none = Some(Answer::Addresses(Vec::new()));
        assert_eq!(conclusion([some.clone(), None]).map(|list| list.len()), Some(1));
        assert_eq!(conclusion([some, Some(Answer::Failed)]).map(|list| list.len()), Some(1));
        assert_eq!(conclusion([none.clone(), None]), None);
        assert_eq!(conclusion([none.clone(), Some(Answer::Failed)]), None);
        assert_eq!(conclusion([none, Some(Answer::NoSuchName)]), Some(Vec::new()));
    }

    #[test]
    fn localhost_is_known() {
        for name in ["localhost", "LOCALHOST.", "a.localhost"] {
            assert!(known(name).iter().all(IpAddr::is_loopback) && !known(name).is_empty(), "{name}");
        }
        assert!(known("notlocalhost").is_empty());
    }
}
