//! Clients that send what no client should.

use std::{println, vec::Vec};

use super::World;

/// A small generator of numbers (xorshift64*, Vigna 2016), so that a case is told by its seed.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    fn byte(&mut self) -> u8 {
        self.next() as u8
    }
}

const REQUESTS: &[&[u8]] = &[
    b"GET / HTTP/1.1\r\nHost: h\r\n\r\n",
    b"HEAD /big HTTP/1.1\r\nHost: h\r\nRange: bytes=1-2\r\n\r\n",
    b"GET /unmapped HTTP/1.1\r\nHost: h\r\nRange: bytes=-99\r\nIf-Range: \"3e8-4e20\"\r\n\r\n",
    b"GET /%2e%2e/x HTTP/1.0\r\nConnection: keep-alive\r\nIf-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n",
    b"POST /sub HTTP/1.1\r\nHost: h\r\nContent-Length: 18446744073709551616\r\nTransfer-Encoding: chunked\r\n\r\nff",
];

fn mutate(random: &mut Random) -> Vec<u8> {
    let mut bytes = match random.below(8) {
        0 => (0..random.below(200)).map(|_| random.byte()).collect(),
        pick => REQUESTS[pick % REQUESTS.len()].to_vec(),
    };
    for _ in 0..random.below(6) {
        let at = random.below(bytes.len().max(1));
        match random.below(5) {
            0 if at < bytes.len() => bytes[at] = random.byte(),
            1 => bytes.insert(at.min(bytes.len()), random.byte()),
            2 => bytes.truncate(at),
            3 => {
                let again = bytes[at.min(bytes.len())..].to_vec();
                bytes.extend(again);
            }
            _ => bytes.extend_from_slice(REQUESTS[random.below(REQUESTS.len())]),
        }
    }
    bytes
}

#[test]
fn a_hundred_thousand_requests() {
    const CASES: usize = 100_000;
    const SEED: u64 = 0x5EED_0BAD_C0DE;
    println!("{CASES} cases, seed {SEED:#x}");
    let mut random = Random(SEED);
    let mut refused = 0;
    for case in 0..CASES {
        let mut world = World::new(4);
        let client = world.stack.connect();
        let request = mutate(&mut random);
        let cut = random.below(request.len() + 1);
        for part in [&request[..cut], &request[cut..]] {
            world.stack.say(client, part);
            world.settle();
        }
        world.stack.leave(client);
        world.settle();
        assert!(world.stack.is_closed(client), "case {case}: never let go of");
        let answer = world.stack.hear(client);
        assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 "), "case {case}: {answer:?}");
        refused += usize::from(answer.starts_with(b"HTTP/1.1 4"));
    }
    assert!(refused > CASES / 10, "the cases are not malformed: only {refused} were refused");
}
