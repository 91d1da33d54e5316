//! All ways in which an honest backend can run in between: nobody sleeps for ever.
//!
//! The ring runs as it is. After each access of an index it is decided what happens next: the ring goes on, the backend makes a
//! step, or a store of the ring comes out of its processor's store buffer, where it stays unseen until then or until a full
//! fence (total store order, as on x86_64). Each state of both sides is gone on from in each way once.

use core::cell::{Cell, RefCell};
use std::{
    boxed::Box,
    collections::{HashSet, VecDeque},
    hash::{DefaultHasher, Hash, Hasher},
    vec::Vec,
};

use super::{
    memory::{Memory, watch},
    random::say,
    watch::Access,
};
use crate::FrontRing;

const REQ_PROD: usize = 0;
const REQ_EVENT: usize = 1;
const RSP_PROD: usize = 2;
const RSP_EVENT: usize = 3;
const INDICES: usize = 4;

/// Where counts begin: they wrap on the way.
const START: u32 = u32::MAX - 1;

/// Both sides sleep, and nobody will wake them.
#[derive(Debug, PartialEq, Eq)]
struct LostSignal;

#[test]
fn no_signal_is_lost_in_any_schedule() {
    for batches in [&[1][..], &[1, 1], &[2, 1], &[1, 1, 1], &[1, 2, 1]] {
        for waits_for_all in [false, true] {
            let states = explore(batches, waits_for_all, true).expect("every signal arrives");
            say(&format_args!("{batches:?}: {states} states"));
            assert!(states > 50, "hardly a state was reached");
        }
    }
}

#[test]
fn without_the_fences_a_signal_is_lost() {
    for waits_for_all in [false, true] {
        assert_eq!(explore(&[1, 1], waits_for_all, false), Err(LostSignal), "the fences are not needed");
    }
}

/// Runs a frontend that sends requests in `batches` through all schedules, and returns how many states there are.
fn explore(batches: &[u32], waits_for_all: bool, fences: bool) -> Result<usize, LostSignal> {
    let world: &'static World = Box::leak(Box::new(World::new(fences)));
    let _watch = watch(move |access| world.between(access));
    loop {
        world.begin();
        frontend(world, batches, waits_for_all)?;
        if !world.next_schedule() {
            return Ok(world.seen.borrow().len());
        }
    }
}

/// Sends requests, sleeps while there is nothing to do, and ends once all are answered.
fn frontend(world: &'static World, batches: &[u32], waits_for_all: bool) -> Result<(), LostSignal> {
    // SAFETY: the page is leaked, and accessed by atomics alone.
    let mut ring = unsafe { FrontRing::<u32, u32>::starting_at(world.memory.page(), START) };
    world.running.set(true);
    let mut open = 0;
    for batch in batches {
        (0..*batch).for_each(|number| ring.push(number).unwrap());
        open += batch;
        if ring.publish() {
            world.signal_backend();
        }
        while ring.pop().unwrap().is_some() {
            open -= 1;
        }
    }
    while open > 0 {
        if ring.arm(if waits_for_all { open } else { 1 }).unwrap() {
            world.sleep()?;
        }
        while ring.pop().unwrap().is_some() {
            open -= 1;
        }
    }
    world.running.set(false);
    Ok(())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Next {
    Frontend,
    Backend,
    Drain,
}

/// What an honest backend does next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
enum Doing {
    #[default]
    Sleep,
    Look,
    Answer,
    Notify,
    Arm,
    LookAgain,
}

/// Both sides, but for what the ring itself knows: that follows from what it read.
#[derive(Clone, Debug, Default, Hash)]
struct State {
    doing: Doing,
    /// Requests taken and answered.
    taken: u32,
    /// Signals on their way.
    to_backend: bool,
    to_frontend: bool,
    /// Stores that only the frontend sees, oldest first.
    buffer: VecDeque<(usize, u32)>,
    /// Indices as the backend sees them.
    visible: [u32; INDICES],
    /// What the ring did, and what it read.
    history: Vec<u32>,
}

struct World {
    memory: &'static Memory,
    /// Whether fences are honoured.
    fences: bool,
    running: Cell<bool>,
    state: RefCell<State>,
    seen: RefCell<HashSet<u64>>,
    /// Decisions of this schedule: which was taken of how many.
    path: RefCell<Vec<(usize, usize)>>,
    depth: Cell<usize>,
    /// Whether this schedule came to a state from which all was tried already.
    known: Cell<bool>,
}

impl World {
    fn new(fences: bool) -> Self {
        Self {
            memory: Memory::new(),
            fences,
            running: Cell::default(),
            state: RefCell::default(),
            seen: RefCell::default(),
            path: RefCell::default(),
            depth: Cell::default(),
            known: Cell::default(),
        }
    }

    fn begin(&self) {
        let visible = [START, START.wrapping_add(1), START, START.wrapping_add(1)];
        self.state.replace(State { taken: START, visible, ..State::default() });
        self.depth.set(0);
        self.known.set(false);
    }

    /// Turns to a schedule that was not tried; false where there is none.
    fn next_schedule(&self) -> bool {
        let mut path = self.path.borrow_mut();
        while let Some((taken, of)) = path.pop() {
            if taken + 1 < of {
                path.push((taken + 1, of));
                return true;
            }
        }
        false
    }

    /// After an access of the ring.
    fn between(&self, access: Access) {
        let page = self.memory.page().addr().get();
        let index = |at: usize| Some((at - page) / 4).filter(|word| *word < INDICES);
        if !self.running.get() {
            return;
        }
        match access {
            Access::Wrote { at, value, .. } => {
                let Some(word) = index(at) else { return };
                self.state.borrow_mut().buffer.push_back((word, value));
            }
            Access::Read { at, value, .. } => {
                if index(at).is_none() {
                    return;
                }
                self.state.borrow_mut().history.push(value);
            }
            Access::Fenced if self.fences => self.drain_all(),
            Access::Fenced => {}
        }
        self.state.borrow_mut().history.push(0);
        while self.decide(true) != Some(Next::Frontend) {}
    }

    /// The frontend signals. The hypercall's own locks make its stores visible.
    fn signal_backend(&self) {
        self.drain_all();
        self.state.borrow_mut().to_backend = true;
    }

    /// The frontend sleeps until it is signalled.
    fn sleep(&self) -> Result<(), LostSignal> {
        while !core::mem::take(&mut self.state.borrow_mut().to_frontend) {
            self.decide(false).ok_or(LostSignal)?;
        }
        Ok(())
    }

    /// Chooses who is next, and has it take its step. `None` where there is nobody.
    fn decide(&self, frontend: bool) -> Option<Next> {
        let choices = self.choices(frontend);
        if choices.is_empty() {
            return None;
        }
        let next = choices[self.choose(choices.len())];
        match next {
            Next::Frontend => {}
            Next::Backend => self.state.borrow_mut().step(self.memory),
            Next::Drain => self.state.borrow_mut().drain(),
        }
        Some(next)
    }

    fn choices(&self, frontend: bool) -> Vec<Next> {
        let state = self.state.borrow();
        let backend = state.doing != Doing::Sleep || state.to_backend;
        let possible =
            [(frontend, Next::Frontend), (backend, Next::Backend), (!state.buffer.is_empty(), Next::Drain)];
        possible.into_iter().filter(|(possible, _)| *possible).map(|(_, next)| next).collect()
    }

    /// One of `count` ways: that of this schedule, and beyond its end the first one of a state that is new.
    fn choose(&self, count: usize) -> usize {
        let depth = self.depth.replace(self.depth.get() + 1);
        if let Some((taken, of)) = self.path.borrow().get(depth) {
            assert_eq!(*of, count, "a schedule that was taken before goes otherwise");
            return *taken;
        }
        if !self.known.get() {
            let mut hasher = DefaultHasher::new();
            (&*self.state.borrow(), count).hash(&mut hasher);
            self.known.set(!self.seen.borrow_mut().insert(hasher.finish()));
        }
        if !self.known.get() {
            self.path.borrow_mut().push((0, count));
        }
        0
    }

    fn drain_all(&self) {
        let mut state = self.state.borrow_mut();
        while !state.buffer.is_empty() {
            state.drain();
        }
    }
}

impl State {
    /// The oldest store becomes visible.
    fn drain(&mut self) {
        if let Some((word, value)) = self.buffer.pop_front() {
            self.visible[word] = value;
        }
    }

    /// The backend accesses one index, and turns to what it does next.
    fn step(&mut self, memory: &Memory) {
        self.doing = match self.doing {
            Doing::Sleep => {
                self.to_backend = false;
                Doing::Look
            }
            Doing::Look if self.visible[REQ_PROD] == self.taken => Doing::Arm,
            Doing::Look => Doing::Answer,
            Doing::Answer => {
                self.taken = self.taken.wrapping_add(1);
                memory.set(RSP_PROD, self.taken);
                Doing::Notify
            }
            Doing::Notify => {
                self.to_frontend |= self.visible[RSP_EVENT] == self.taken;
                Doing::Look
            }
            Doing::Arm => {
                memory.set(REQ_EVENT, self.taken.wrapping_add(1));
                Doing::LookAgain
            }
            Doing::LookAgain if self.visible[REQ_PROD] == self.taken => Doing::Sleep,
            Doing::LookAgain => Doing::Look,
        };
    }
}
