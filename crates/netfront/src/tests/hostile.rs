//! The card against backends that do what they like.
//!
//! Each test plays a million moves (`HOSTILE_CASES`) from a seed that it prints (`HOSTILE_SEED` plays it again). A backend
//! strikes between the driver's steps, and within them: whenever the driver revokes a grant, which is after it has looked at
//! a response and before it looks at the page.
#![expect(unsafe_code, reason = "a grant table passes its caller's promise on")]

use std::boxed::Box;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ptr::NonNull;
use std::time::SystemTime;
use std::vec::Vec;
use std::{env, println, vec};

use iface_event_channels::EventChannels;
use iface_events::fake::FakeEvents;
use iface_grant_table::{Access, DomainId, GrantError, GrantTable, PAGE_SIZE, Reference};
use iface_net_device::{NetDevice, TransmitError};
use xen_fake::{BackRing, FakeChannels, FakeGrantTable, Mapping};
use zerocopy::{FromBytes, IntoBytes};

use super::host::{ADDRESS, Channels, Grants};
use super::model::{Model, Response};
use super::netback::DOM0;
use crate::link::{Abilities, Parts, pages_for};
use crate::netif::{
    ReceiveRequest, ReceiveResponse, TransmitRequest, TransmitResponse, receive_flag, transmit_flag,
};
use crate::nic::Nic;
use crate::{Card, Frame};

const RECEIVE_BUFFERS: usize = 24;
const TRANSMIT_BUFFERS: usize = 12;
const MTU: usize = 9000;
/// Places of a ring.
const SLOTS: u32 = 256;

/// SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014).
struct Random(u64);

impl Random {
    /// From the seed that is asked for, or one of now; it is printed.
    fn new(test: &str) -> Self {
        let now = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_nanos() as u64;
        let seed = number("HOSTILE_SEED").unwrap_or(now);
        println!("{test}: HOSTILE_SEED={seed}");
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`.
    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    /// True once in `times`, about.
    fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    /// One of `choices`.
    fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }
}

fn number(variable: &str) -> Option<u64> {
    env::var(variable).ok().and_then(|text| text.parse().ok())
}

fn cases() -> u64 {
    number("HOSTILE_CASES").unwrap_or(1_000_000)
}

/// Who is called when a grant is revoked, before it is.
type Strike = Box<dyn Fn(Reference)>;

/// A grant table by which a backend strikes while the driver is at work.
#[derive(Clone, Copy)]
struct StruckGrants {
    table: Grants,
    strike: &'static RefCell<Option<Strike>>,
}

impl GrantTable for StruckGrants {
    unsafe fn grant(
        &self,
        domain: DomainId,
        page: NonNull<u8>,
        access: Access,
    ) -> Result<Reference, GrantError> {
        // SAFETY: the caller's promise, passed on.
        unsafe { self.table.grant(domain, page, access) }
    }

    fn revoke(&self, reference: Reference) -> Result<(), GrantError> {
        if let Some(strike) = &*self.strike.borrow() {
            strike(reference);
        }
        self.table.revoke(reference)
    }
}

/// A domain with a card, and nothing else.
struct Domain {
    grants: StruckGrants,
    channels: Channels,
    nic: &'static Nic<StruckGrants, Channels>,
    card: Card<StruckGrants, Channels>,
}

impl Domain {
    fn new() -> Self {
        let channels = FakeChannels::new(FakeEvents::new(Box::leak(Box::default())));
        let strike = Box::leak(Box::new(RefCell::new(None)));
        let grants = StruckGrants { table: FakeGrantTable::new(), strike };
        let source = channels.source().unwrap();
        let parts = Parts { grants, channels, source, transmit_buffers: TRANSMIT_BUFFERS };
        let pages = pages_for(TRANSMIT_BUFFERS, RECEIVE_BUFFERS);
        let nic = Box::leak(Box::new(Nic::new(parts, ADDRESS, MTU, pages)));
        Self { grants, channels, nic, card: Card::new(nic) }
    }

    /// Connects the card, and returns the references of its rings.
    fn connect(&self) -> [Reference; 2] {
        let link = self.nic.open(DOM0, Abilities::default()).expect("there is a connection to be had");
        let references = link.references().map(Reference);
        self.nic.connect(link);
        references
    }

    /// Ends the connection; the backend has let go of the rings, and holds `held` pages.
    fn disconnect(&mut self, held: usize) {
        let link = self.nic.disconnect().expect("a connection");
        self.nic.close(link);
        // Pages of earlier connections are asked for again.
        self.card.arm();
        assert_eq!(self.grants.table.count(), held, "what the backend does not hold is revoked");
        assert_eq!(self.channels.ports(), [], "the channels are closed");
    }
}

/// A backend that plays with the receive ring.
struct Deliverer {
    random: Random,
    table: Grants,
    /// There while it is connected.
    ring: Option<BackRing<ReceiveRequest, ReceiveResponse>>,
    /// The grant behind each place, as the driver said.
    posted: [Option<Reference>; SLOTS as usize],
    /// Requests taken.
    taken: u32,
    /// What each place of the ring has as its response.
    written: [ReceiveResponse; SLOTS as usize],
    /// Responses written in order.
    put: u32,
    /// What the ring says that there are.
    index: u32,
    /// Responses that the driver has used, as seen by what it revoked.
    used: u32,
    held: Vec<(Reference, Mapping)>,
    /// Pages that the driver could not take back.
    aside: BTreeSet<Reference>,
    model: Model,
    /// Frames that the card is to give.
    expected: VecDeque<Vec<u8>>,
}

const NOTHING: ReceiveResponse = ReceiveResponse { id: 0, offset: 0, flags: 0, status: 0 };

impl Deliverer {
    fn new(random: Random, table: Grants) -> Self {
        Self {
            random,
            table,
            ring: None,
            posted: [None; SLOTS as usize],
            taken: 0,
            written: [NOTHING; SLOTS as usize],
            put: 0,
            index: 0,
            used: 0,
            held: vec![],
            aside: BTreeSet::new(),
            model: Model::default(),
            expected: VecDeque::new(),
        }
    }

    /// Plays with `ring` from now on.
    fn connect(&mut self, ring: Reference) {
        self.ring = Some(BackRing::map(self.table, DOM0, ring));
        (self.taken, self.put, self.index, self.used) = (0, 0, 0, 0);
    }

    /// Lets go of the ring, and of no page.
    fn disconnect(&mut self) {
        self.ring = None;
        self.posted = [None; SLOTS as usize];
        self.model.abandon();
    }

    fn ring(&mut self) -> &mut BackRing<ReceiveRequest, ReceiveResponse> {
        self.ring.as_mut().expect("a connection")
    }

    /// Takes what the driver posted, with ids in the order of places.
    fn take(&mut self) {
        while let Some(request) = self.ring().take() {
            let slot = (self.taken % SLOTS) as usize;
            assert_eq!(usize::from(request.id), slot, "ids are places");
            assert_eq!(self.posted[slot], None, "a page is posted in the place of another");
            self.posted[slot] = Some(Reference(request.reference));
            // Until a response is written there, the request can be read as one.
            self.written[slot] = ReceiveResponse::read_from_bytes(request.as_bytes()).unwrap();
            self.taken = self.taken.wrapping_add(1);
        }
    }

    /// Writes the next response.
    fn put(&mut self, response: ReceiveResponse) {
        self.written[(self.put % SLOTS) as usize] = response;
        self.put = self.put.wrapping_add(1);
        self.ring().put(response);
    }

    /// Answers some requests, in some way, and says how many there are.
    fn play(&mut self) {
        self.take();
        let open = self.taken.wrapping_sub(self.put) as usize;
        for _ in 0..self.random.below(open.min(6) + 1) {
            let slot = self.put % SLOTS;
            self.scribble_page(slot);
            let response = self.response(slot as u16);
            self.put(response);
        }
        self.index = self.put;
        if self.random.once_in(200) {
            self.lie();
        }
        let (index, event) = (self.index, self.random.next() as u32);
        self.ring().set_response_index(index);
        self.ring().set_request_event(event);
        self.hold();
    }

    /// A response as they are in half of the cases, or anything.
    fn response(&mut self, slot: u16) -> ReceiveResponse {
        let random = &mut self.random;
        let more = u16::from(random.once_in(4)) * receive_flag::MORE_DATA;
        let extra = u16::from(random.once_in(6)) * receive_flag::EXTRA_INFO;
        let vouched = u16::from(!random.once_in(3)) * receive_flag::DATA_VALIDATED;
        let mut response = ReceiveResponse {
            id: slot,
            offset: random.of(&[0, 0, 2, 256]),
            flags: more | extra | vouched,
            status: random.of(&[60, 14, 1000, 1514, 3840]),
        };
        if random.once_in(2) {
            let any = random.next();
            match random.below(6) {
                0 => response.id = any as u16,
                1 => response.offset = random.of(&[4095, 4096, 4097, 0x8000, 0xffff, any as u16]),
                2 => {
                    response.status = random.of(&[0, 13, 4096, 4097, -1, -2, i16::MIN, i16::MAX, any as i16])
                }
                3 => response.flags = any as u16,
                // Extra info, where that comes next.
                4 => response.id = u16::from_ne_bytes([random.below(6) as u8, random.below(3) as u8]),
                _ => (response.offset, response.status) = (4096 - (any % 64) as u16, (any >> 8) as i16 % 66),
            }
        }
        response
    }

    /// Chooses an index that can't be, or one that claims responses that were not written.
    fn lie(&mut self) {
        let any = self.random.next() as u32;
        self.index = match self.random.below(4) {
            0 => any,
            1 => self.index.wrapping_sub(1 + any % 8),
            2 => self.taken.wrapping_add(1 + any % 3),
            _ => {
                while self.put != self.taken {
                    self.put(self.written[(self.put % SLOTS) as usize]);
                }
                self.put
            }
        };
    }

    /// Maps a page, which the driver can't take back meanwhile, or lets go of one.
    fn hold(&mut self) {
        if self.random.once_in(40) && self.held.len() < 8 {
            let posted: Vec<_> = self.posted.iter().flatten().copied().collect();
            if !posted.is_empty() {
                let reference = self.random.of(&posted);
                self.held.push((reference, self.table.map(DOM0, reference)));
            }
        }
        if self.random.once_in(60) && !self.held.is_empty() {
            let which = self.random.below(self.held.len());
            self.held.swap_remove(which);
        }
    }

    /// Writes something into the page behind a place.
    fn scribble_page(&mut self, slot: u32) {
        let Some(reference) = self.posted[slot as usize] else { return };
        let mut bytes = [0; 64];
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&self.random.next().to_ne_bytes());
        }
        let offset = self.random.of(&[0, 2, 10, 256, 1000, PAGE_SIZE - 64]);
        self.table.write(DOM0, reference, offset, &bytes);
    }

    /// The driver is about to take a page back: for the next response, unless it tries again what it could not before.
    fn on_revoke(&mut self, reference: Reference) {
        let is_held = self.table.get(reference).is_some_and(|grant| grant.mappings != 0);
        if self.aside.contains(&reference) {
            if !is_held {
                self.aside.remove(&reference);
            }
            return;
        }
        self.take();
        let slot = self.used % SLOTS;
        assert_ne!(self.used, self.taken, "a response is used that no request was for");
        assert_eq!(self.posted[slot as usize], Some(reference), "the page of another place is taken back");
        let response = self.written[slot as usize];
        if self.random.once_in(4) {
            self.scribble_page(slot);
        }
        let mut page = vec![0; PAGE_SIZE];
        self.table.read(DOM0, reference, 0, &mut page);
        self.posted[slot as usize] = None;
        self.used = self.used.wrapping_add(1);
        if is_held {
            self.aside.insert(reference);
        }
        let page = (!is_held).then_some(page);
        self.expected.extend(self.model.step(Response { slot: slot as u16, response, page }));
        self.strike(slot);
    }

    /// Changes what the driver has just read, and what it reads next.
    fn strike(&mut self, slot: u32) {
        if self.random.once_in(3) {
            let response = self.response(slot as u16 ^ 1);
            self.ring().set_response(slot, response);
        }
        if self.random.once_in(8) {
            let next = (slot + 1 + self.random.below(3) as u32) % SLOTS;
            let response = self.response(next as u16);
            self.ring().set_response(next, response);
            self.written[next as usize] = response;
            self.scribble_page(next);
        }
        if self.random.once_in(400) {
            self.lie();
            let index = self.index;
            self.ring().set_response_index(index);
        }
    }

    /// Whether the index is one that can't be, now that the driver has used all that it could.
    fn has_lied(&self) -> bool {
        self.index != self.used
    }

    /// Pages that the driver can't take back.
    fn unreturned(&self) -> usize {
        self.held.iter().map(|(reference, _)| *reference).collect::<BTreeSet<_>>().len()
    }
}

/// No page that the backend can write now has bytes of `frame`.
fn assert_out_of_reach(frame: &Frame, backend: &Deliverer) {
    let bytes = frame.as_ref().as_ptr_range();
    for reference in backend.posted.iter().flatten() {
        let page = backend.table.get(*reference).expect("a posted page is granted").page;
        let start = page.as_ptr().cast_const();
        assert!(
            bytes.end <= start || start.wrapping_add(PAGE_SIZE) <= bytes.start,
            "a frame in hand lies in a page that is granted"
        );
    }
}

/// Has the card connected to the same backend anew.
fn reconnect(domain: &mut Domain, backend: &RefCell<Deliverer>) {
    disconnect(domain, backend);
    let strike = domain.grants.strike.take();
    let [_, ring] = domain.connect();
    domain.grants.strike.replace(strike);
    backend.borrow_mut().connect(ring);
}

/// Ends the connection, after which nothing is granted but what the backend holds.
fn disconnect(domain: &mut Domain, backend: &RefCell<Deliverer>) {
    backend.borrow_mut().disconnect();
    let strike = domain.grants.strike.take();
    domain.disconnect(backend.borrow().unreturned());
    domain.grants.strike.replace(strike);
    let mut backend = backend.borrow_mut();
    backend.aside = backend.held.iter().map(|(reference, _)| *reference).collect();
}

#[test]
fn received_frames_are_what_the_backend_wrote() {
    let mut domain = Domain::new();
    let random = Random::new("received_frames_are_what_the_backend_wrote");
    let backend: &RefCell<Deliverer> =
        Box::leak(Box::new(RefCell::new(Deliverer::new(random, domain.grants.table))));
    backend.borrow_mut().connect(domain.connect()[1]);
    let strike: Strike = Box::new(|reference| backend.borrow_mut().on_revoke(reference));
    domain.grants.strike.replace(Some(strike));
    let (mut frames, mut connections, mut in_hand) = (0_u64, 1_u64, VecDeque::new());

    for case in 0..cases() {
        backend.borrow_mut().play();
        while let Some(frame) = domain.card.receive() {
            frames += 1;
            let mut backend = backend.borrow_mut();
            let expected = backend.expected.pop_front().expect("a frame that was written");
            assert!(expected == frame.as_ref(), "case {case}: another frame than was written");
            backend.take();
            assert_out_of_reach(&frame, &backend);
            in_hand.push_back((frame, expected));
        }
        assert!(backend.borrow().expected.is_empty(), "case {case}: a good frame was not given");
        let keep = backend.borrow_mut().random.below(3);
        while in_hand.len() > keep
            && let Some((frame, bytes)) = in_hand.pop_front()
        {
            assert!(bytes == frame.as_ref(), "case {case}: a frame changed while it was in hand");
            domain.card.recycle(frame);
        }
        let broken = domain.nic.broken();
        assert_eq!(broken.is_some(), backend.borrow().has_lied(), "case {case}: {broken:?}");
        let dropped = domain.nic.state.borrow().losses()[0];
        if broken.is_some() {
            connections += 1;
            reconnect(&mut domain, backend);
        } else {
            assert_eq!(dropped, backend.borrow().model.dropped, "case {case}: what is dropped is counted");
            domain.card.flush();
        }
        if backend.borrow_mut().random.once_in(16) {
            domain.card.arm();
        }
    }
    let dropped = backend.borrow().model.dropped;
    println!("{frames} frames received and {dropped} dropped over {connections} connections");
    assert!(frames > cases() / 4 && dropped > cases() / 4 && connections > cases() / 2000);
    in_hand.into_iter().for_each(|(frame, _)| domain.card.recycle(frame));
    backend.borrow_mut().held.clear();
    disconnect(&mut domain, backend);
}

/// A backend that plays with the transmit ring.
struct Taker {
    random: Random,
    table: Grants,
    ring: BackRing<TransmitRequest, TransmitResponse>,
    /// Requests that were not answered, and what the frame's piece was.
    open: BTreeMap<u16, (TransmitRequest, Vec<u8>)>,
    index: u32,
    put: u32,
    /// Something was answered that was not asked for.
    has_invented: bool,
    /// What is asked for next may be answered already, which the driver can't tell from an answer.
    is_ahead: bool,
}

impl Taker {
    fn new(random: Random, table: Grants, ring: Reference) -> Self {
        let ring = BackRing::map(table, DOM0, ring);
        Self {
            random,
            table,
            ring,
            open: BTreeMap::new(),
            index: 0,
            put: 0,
            has_invented: false,
            is_ahead: false,
        }
    }

    /// Takes the requests of a frame, and checks that it is `frame`.
    fn take(&mut self, frame: &[u8]) {
        let mut rest = frame;
        let mut is_first = true;
        while !rest.is_empty() {
            let request = self.ring.take().expect("the rest of the frame");
            let piece = rest.len().min(2048);
            let size = if is_first { frame.len() } else { piece };
            assert_eq!(usize::from(request.size), size);
            assert_eq!(request.flags & transmit_flag::MORE_DATA != 0, piece < rest.len());
            let bytes = rest[..piece].to_vec();
            self.check(request, &bytes);
            let is_apart = |(other, _): &(TransmitRequest, Vec<u8>)| {
                (other.reference, other.offset) != (request.reference, request.offset)
            };
            assert!(self.open.values().all(is_apart), "a buffer is used that the backend has");
            assert!(self.open.insert(request.id, (request, bytes)).is_none(), "an id is used that is out");
            (rest, is_first) = (&rest[piece..], false);
        }
    }

    /// What the backend reads is what was sent.
    fn check(&self, request: TransmitRequest, bytes: &[u8]) {
        let mut read = vec![0; bytes.len()];
        self.table.read(DOM0, Reference(request.reference), request.offset.into(), &mut read);
        assert!(read == bytes, "a frame changed after it was sent");
    }

    /// Answers some requests in any order, or what was no request. The driver knows of all answers before.
    fn play(&mut self) {
        let known = self.index;
        let asked: Vec<u16> = self.open.keys().copied().collect();
        for _ in 0..self.random.below(self.open.len().min(6) + 1) {
            let ids: Vec<u16> = self.open.keys().copied().collect();
            let mut id = self.random.of(&ids);
            if self.random.once_in(300) {
                id = self.random.next() as u16 >> self.random.of(&[0, 8]);
            }
            match self.open.remove(&id) {
                Some((request, bytes)) => self.check(request, &bytes),
                None => {
                    self.has_invented = true;
                    self.is_ahead = usize::from(id) < TRANSMIT_BUFFERS && !asked.contains(&id);
                }
            }
            let status = self.random.of(&[0, 0, 1, -1, -2, i16::MIN, i16::MAX]);
            self.ring.put(TransmitResponse { id, status });
            self.put = self.put.wrapping_add(1);
            if self.has_invented {
                break;
            }
        }
        self.index = self.put;
        if self.random.once_in(300) {
            let any = self.random.next() as u32;
            self.index = match self.random.below(3) {
                0 => any,
                1 => known.wrapping_sub(1 + any % 8),
                _ => self.ring.request_index().wrapping_add(1 + any % 3),
            };
        }
        let event = self.random.next() as u32;
        self.ring.set_response_index(self.index);
        self.ring.set_request_event(event);
    }

    /// Whether the driver has to notice something.
    fn has_lied(&self) -> bool {
        self.has_invented || self.index != self.put
    }
}

/// A frame of a length that shorter ones have more often.
fn frame(random: &mut Random) -> Vec<u8> {
    let length = random.of(&[14, 60, 1514, 2048, 2049, 4097, 14 + MTU]);
    let mark = random.next().to_ne_bytes();
    // Of no protocol that has checksums.
    let mut frame: Vec<u8> = mark.into_iter().cycle().take(length).collect();
    frame[12] = 0x88;
    frame
}

/// Sends frames until the ring is full, for which the driver has looked at all answers, and says whether that broke the
/// connection.
fn fill(domain: &mut Domain, backend: &mut Taker) -> bool {
    loop {
        let sent = frame(&mut backend.random);
        let fits = backend.open.len() + sent.len().div_ceil(2048) <= TRANSMIT_BUFFERS;
        let result = domain.card.transmit(sent.len(), |bytes| bytes.copy_from_slice(&sent));
        if domain.nic.broken().is_some() {
            return true;
        }
        assert_eq!(result == Ok(()), fits, "a frame is sent where there is room, and not otherwise");
        if result == Err(TransmitError::Full) {
            return false;
        }
        domain.card.flush();
        backend.take(&sent);
    }
}

#[test]
fn sent_frames_are_the_backends_until_it_answers() {
    let mut domain = Domain::new();
    let random = Random::new("sent_frames_are_the_backends_until_it_answers");
    let mut backend = Taker::new(random, domain.grants.table, domain.connect()[0]);
    let (mut answers, mut connections) = (0_u64, 1_u64);

    for case in 0..cases() {
        let is_broken = if backend.is_ahead {
            while domain.card.can_transmit() && domain.nic.broken().is_none() {
                domain.card.transmit(60, |frame| frame.fill(0)).expect("room for a frame");
            }
            true
        } else {
            let is_broken = fill(&mut domain, &mut backend);
            assert_eq!(is_broken, backend.has_lied(), "case {case}: {:?}", domain.nic.broken());
            is_broken
        };
        if is_broken {
            connections += 1;
            drop(backend.ring);
            domain.disconnect(0);
            backend = Taker::new(backend.random, backend.table, domain.connect()[0]);
        }
        let before = backend.put;
        backend.play();
        answers += u64::from(backend.put.wrapping_sub(before));
    }
    println!("{answers} answers over {connections} connections");
    assert!(answers > cases() && connections > cases() / 2000);
    drop(backend);
    domain.disconnect(0);
}
