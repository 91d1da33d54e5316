//! Questions to name servers, and their answers (RFC 1035, section 4).

use alloc::string::ToString;
use alloc::vec::Vec;

use iface_net_stack::IpAddr;
use simple_dns::rdata::RData;
use simple_dns::{CLASS, Name, Packet, PacketFlag, QCLASS, QTYPE, Question, RCODE, TYPE};

/// Letters of a name at most (RFC 1035, section 2.3.4; 255 bytes with the lengths of the labels).
const LONGEST_NAME: usize = 253;
const LONGEST_LABEL: usize = 63;

/// The addresses that are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    V4,
    V6,
}

/// What a server answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The name's addresses of the family, which may be none.
    Addresses(Vec<IpAddr>),
    /// There is no such name.
    NoSuchName,
    /// The server cannot say.
    Failed,
}

/// Whether `name` may be asked for: labels of letters, digits, `-` and `_`; a dot at its end is allowed.
pub fn is_host_name(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    let is_label = |label: &str| (1..=LONGEST_LABEL).contains(&label.len()) && label.bytes().all(is_letter);
    name.len() <= LONGEST_NAME && name.split('.').all(is_label)
}

/// The message that asks for the addresses of `name`, a host name.
pub fn question(id: u16, name: &str, family: Family) -> Option<Vec<u8>> {
    let mut packet = Packet::new_query(id);
    packet.set_flags(PacketFlag::RECURSION_DESIRED);
    let name = Name::new(name.strip_suffix('.').unwrap_or(name)).ok()?;
    packet.questions.push(Question::new(name, QTYPE::TYPE(family.record()), QCLASS::CLASS(CLASS::IN), false));
    packet.build_bytes_vec().ok()
}

/// What `message` answers to that question; `None` where it is malformed or answers another one.
pub fn answer(message: &[u8], id: u16, name: &str, family: Family) -> Option<Answer> {
    let packet = Packet::parse(message).ok()?;
    let question = packet.questions.first()?;
    let name = name.strip_suffix('.').unwrap_or(name);
    let is_ours = packet.id() == id
        && packet.has_flags(PacketFlag::RESPONSE)
        && question.qtype == QTYPE::TYPE(family.record())
        && question.qname.to_string().eq_ignore_ascii_case(name);
    is_ours.then(|| match packet.rcode() {
        RCODE::NoError => Answer::Addresses(
            packet.answers.iter().filter_map(|record| family.address(&record.rdata)).collect(),
        ),
        RCODE::NameError => Answer::NoSuchName,
        _ => Answer::Failed,
    })
}

impl Family {
    fn record(self) -> TYPE {
        match self {
            Self::V4 => TYPE::A,
            Self::V6 => TYPE::AAAA,
        }
    }

    /// The address in a record of this family. Aliases before it need not be followed: the server did (RFC 1034,
    /// section 3.6.2).
    fn address(self, record: &RData<'_>) -> Option<IpAddr> {
        match (self, record) {
            (Self::V4, RData::A(record)) => Some(IpAddr::V4(record.address.into())),
            (Self::V6, RData::AAAA(record)) => Some(IpAddr::V6(record.address.into())),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use simple_dns::ResourceRecord;
    use simple_dns::rdata::{A, CNAME};

    use super::*;

    /// What a server says to `question`: an alias, and two addresses.
    fn reply(question: &[u8], rcode: RCODE) -> Vec<u8> {
        let mut packet = Packet::parse(question).unwrap().into_reply();
        *packet.rcode_mut() = rcode;
        let owner = Name::new("www.example").unwrap();
        let record = |rdata| ResourceRecord::new(owner.clone(), CLASS::IN, 60, rdata);
        packet.answers.push(record(RData::CNAME(CNAME(Name::new("host.example").unwrap()))));
        for last in [1, 2] {
            packet.answers.push(record(RData::A(A { address: u32::from_be_bytes([10, 0, 0, last]) })));
        }
        packet.build_bytes_vec_compressed().unwrap()
    }

    #[test]
    fn addresses_are_found_behind_aliases() {
        let question = question(7, "www.example.", Family::V4).unwrap();
        let reply = reply(&question, RCODE::NoError);
        let addresses = [[10, 0, 0, 1], [10, 0, 0, 2]].map(IpAddr::from).to_vec();
        assert_eq!(answer(&reply, 7, "WWW.example", Family::V4), Some(Answer::Addresses(addresses)));
    }

    #[test]
    fn answers_to_other_questions_are_none() {
        let question = question(7, "www.example", Family::V4).unwrap();
        let reply = reply(&question, RCODE::NoError);
        assert_eq!(answer(&reply, 8, "www.example", Family::V4), None);
        assert_eq!(answer(&reply, 7, "ww.example", Family::V4), None);
        assert_eq!(answer(&reply, 7, "www.example", Family::V6), None);
        assert_eq!(answer(&question, 7, "www.example", Family::V4), None, "a question is no answer");
    }

    #[test]
    fn failures_are_told_apart() {
        let question = question(7, "www.example", Family::V4).unwrap();
        let answered = |rcode| answer(&reply(&question, rcode), 7, "www.example", Family::V4);
        assert_eq!(answered(RCODE::NameError), Some(Answer::NoSuchName));
        assert_eq!(answered(RCODE::ServerFailure), Some(Answer::Failed));
    }

    #[test]
    fn host_names() {
        for name in ["a", "a.b", "a.b.", "x-1.example", "_dmarc.example", &"x".repeat(63)] {
            assert!(is_host_name(name), "{name}");
            assert!(question(1, name, Family::V6).is_some(), "{name}");
        }
        for name in ["", ".", "a..b", ".a", "a b", "ä", "a/b", &"x".repeat(64), &"a.".repeat(127)] {
            assert_eq!(is_host_name(name), name.len() == 254, "{name}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        #[test]
        fn random_messages_are_no_answers(message in prop::collection::vec(any::<u8>(), 0..600)) {
            prop_assert_eq!(answer(&message, 7, "www.example", Family::V4), None);
        }

        #[test]
        fn damaged_answers_do_no_harm(at in any::<prop::sample::Index>(), to in any::<u8>(), length in any::<prop::sample::Index>()) {
            let question = question(7, "www.example", Family::V4).unwrap();
            let mut reply = reply(&question, RCODE::NoError);
            *at.get_mut(&mut reply) = to;
            let length = length.index(reply.len() + 1);
            if let Some(Answer::Addresses(addresses)) = answer(&reply[..length], 7, "www.example", Family::V4) {
                prop_assert!(addresses.len() <= 2);
            }
        }
    }
}
