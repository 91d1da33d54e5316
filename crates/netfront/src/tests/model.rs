//! What becomes of responses, told the other way round than the driver does it: not step by step, but of a whole chain.

use std::vec;
use std::vec::Vec;

use iface_grant_table::PAGE_SIZE;

use crate::netif::{ReceiveResponse, receive_flag};

/// A response, with the place that it was in and what was in the page.
pub(super) struct Response {
    pub(super) slot: u16,
    pub(super) response: ReceiveResponse,
    /// None where the backend held the page.
    pub(super) page: Option<Vec<u8>>,
}

/// Responses of the frame under way, and how many frames were no good.
#[derive(Default)]
pub(super) struct Model {
    chain: Vec<Response>,
    pub(super) dropped: u64,
}

impl Model {
    /// The frame that `response` is the end of, if it is a good one.
    pub(super) fn step(&mut self, response: Response) -> Option<Vec<u8>> {
        self.chain.push(response);
        let pieces = whole(&self.chain)?;
        let frame = frame(&self.chain, &pieces);
        self.chain.clear();
        self.dropped += u64::from(frame.is_none());
        frame
    }

    /// The rest of the frame under way never comes.
    pub(super) fn abandon(&mut self) {
        self.chain.clear();
    }
}

/// Places in the chain of what a frame's bytes are in, and before them those of its extra info; `None` where more is to come.
fn whole(chain: &[Response]) -> Option<(Vec<usize>, Vec<usize>)> {
    let has = |place: usize, flag| chain.get(place).map(|each| each.response.flags & flag != 0);
    let (mut extras, mut pieces, mut place) = (vec![], vec![0], 1);
    let mut more_extra = has(0, receive_flag::EXTRA_INFO)?;
    while more_extra {
        more_extra = chain.get(place)?.response.id.to_ne_bytes()[1] & 1 != 0;
        extras.push(place);
        place += 1;
    }
    let mut more = has(0, receive_flag::MORE_DATA)?;
    while more {
        more = has(place, receive_flag::MORE_DATA)?;
        pieces.push(place);
        place += 1;
    }
    Some((extras, pieces))
}

/// The bytes of a whole chain, if all of it is as it should be.
fn frame(chain: &[Response], (extras, pieces): &(Vec<usize>, Vec<usize>)) -> Option<Vec<u8>> {
    let is_known = |place: &usize| (1..5).contains(&chain[*place].response.id.to_ne_bytes()[0]);
    if !extras.iter().all(is_known) {
        return None;
    }
    let mut bytes = vec![];
    for place in pieces {
        let Response { slot, response, page } = &chain[*place];
        let (start, length) = (usize::from(response.offset), response.status);
        if response.id != *slot || length < 0 || start + length as usize > PAGE_SIZE {
            return None;
        }
        bytes.extend(&page.as_ref()?[start..start + length as usize]);
    }
    let flags = chain[0].response.flags;
    let vouched = flags & (receive_flag::DATA_VALIDATED | receive_flag::CHECKSUM_BLANK) != 0;
    let is_good = (14..=65_549).contains(&bytes.len()) && (vouched || transport_checksum::is_right(&bytes));
    is_good.then_some(bytes)
}
