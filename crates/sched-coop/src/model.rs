//! Random sequences against a scheduler so simple that it is right: lists, searched from end to end.

extern crate std;

use alloc::{vec, vec::Vec};

use iface_clock::{Duration, Instant};
use iface_scheduler::{ThreadId, Wakeup};
use proptest::{prelude::*, sample::Index};

use crate::roster::{Roster, Turn};

/// What the running thread does.
#[derive(Clone, Debug)]
enum Step {
    Spawn,
    GiveWay,
    Park(Option<u64>),
    Sleep(u64),
    Unpark(Index),
    End,
    Work(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => Just(Step::Spawn),
        3 => Just(Step::GiveWay),
        4 => proptest::option::of(0..50u64).prop_map(Step::Park),
        2 => (0..50u64).prop_map(Step::Sleep),
        5 => any::<Index>().prop_map(Step::Unpark),
        1 => Just(Step::End),
        2 => (1..30u64).prop_map(Step::Work),
    ]
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    Ready,
    Waiting { unparkable: bool },
    Ended,
}

#[derive(Debug)]
struct Thread {
    id: ThreadId,
    state: State,
    token: bool,
    /// When, and the how-manieth alarm it is.
    alarm: Option<(Instant, usize)>,
    wakeup: Wakeup,
}

/// Threads by number, in the order in which they were started.
#[derive(Debug)]
struct Model {
    threads: Vec<Thread>,
    queue: Vec<usize>,
    running: usize,
    alarms: usize,
}

impl Model {
    fn start(&mut self, id: ThreadId) {
        assert!(self.threads.iter().all(|thread| thread.id != id), "{id:?} was given before");
        self.threads.push(Thread {
            id,
            state: State::Ready,
            token: false,
            alarm: None,
            wakeup: Wakeup::Unparked,
        });
    }

    fn alive(&self) -> usize {
        self.threads.iter().filter(|thread| thread.state != State::Ended).count()
    }

    fn wait(&mut self, deadline: Option<Instant>, unparkable: bool) {
        self.alarms += 1;
        let alarm = deadline.map(|deadline| (deadline, self.alarms));
        let thread = &mut self.threads[self.running];
        (thread.state, thread.alarm) = (State::Waiting { unparkable }, alarm);
    }

    fn wake(&mut self, number: usize, wakeup: Wakeup) {
        let thread = &mut self.threads[number];
        (thread.state, thread.alarm, thread.wakeup) = (State::Ready, None, wakeup);
        self.queue.push(number);
    }

    fn unpark(&mut self, number: usize) {
        match self.threads[number].state {
            State::Waiting { unparkable: true } => self.wake(number, Wakeup::Unparked),
            State::Waiting { unparkable: false } | State::Ready => self.threads[number].token = true,
            State::Ended => {}
        }
    }

    /// The first alarm, and whose it is.
    fn first_alarm(&self) -> Option<(Instant, usize)> {
        let alarms =
            self.threads.iter().enumerate().filter_map(|(number, thread)| Some((thread.alarm?, number)));
        alarms.min().map(|((at, _), number)| (at, number))
    }

    fn ring(&mut self, now: Instant) {
        while let Some((_, number)) = self.first_alarm().filter(|(at, _)| *at <= now) {
            self.wake(number, Wakeup::TimedOut);
        }
    }
}

/// Both, side by side.
struct Pair {
    roster: Roster<()>,
    model: Model,
    now: Instant,
}

impl Pair {
    fn new() -> Self {
        let roster = Roster::new(());
        let mut model = Model { threads: vec![], queue: vec![], running: 0, alarms: 0 };
        model.start(roster.running());
        Self { roster, model, now: Instant::START }
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Spawn => {
                let id = self.roster.add(());
                self.model.start(id);
                self.model.queue.push(self.model.threads.len() - 1);
            }
            Step::GiveWay => {
                self.roster.give_way();
                self.model.queue.push(self.model.running);
                self.turn();
            }
            Step::Park(within) => self.park(within.map(|within| self.now + Duration::from_nanos(within))),
            Step::Sleep(within) => {
                let deadline = self.now + Duration::from_nanos(*within);
                self.roster.sleep(deadline);
                self.model.wait(Some(deadline), false);
                self.turn();
            }
            Step::Unpark(which) => {
                let number = which.index(self.model.threads.len());
                self.roster.unpark(self.model.threads[number].id);
                self.model.unpark(number);
            }
            Step::End if self.model.alive() == 1 => {}
            Step::End => {
                self.roster.end();
                self.model.threads[self.model.running].state = State::Ended;
                self.turn();
            }
            Step::Work(time) => {
                self.now = self.now + Duration::from_nanos(*time);
                self.ring();
            }
        }
    }

    fn park(&mut self, deadline: Option<Instant>) {
        let thread = &mut self.model.threads[self.model.running];
        let token = core::mem::take(&mut thread.token);
        assert_eq!(self.roster.park(deadline), !token, "an unpark was lost or made up");
        if token {
            thread.wakeup = Wakeup::Unparked;
        } else {
            self.model.wait(deadline, true);
            self.turn();
        }
        assert_eq!(self.roster.wakeup(), self.model.threads[self.model.running].wakeup);
    }

    fn ring(&mut self) {
        self.roster.ring(self.now);
        self.model.ring(self.now);
    }

    /// Lets the next thread run; time passes, or one that waits for ever is woken, where none is ready.
    fn turn(&mut self) {
        if self.model.queue.is_empty() {
            assert!(matches!(self.roster.turn(), Turn::Nobody), "a thread runs that should wait");
            self.idle();
        }
        let next = self.model.queue.remove(0);
        let ended = match self.roster.turn() {
            Turn::Nobody => panic!("thread {next} is ready and does not run"),
            Turn::Same => None,
            Turn::Switch { ended, .. } => ended,
        };
        let expected_end = self.model.threads[self.model.running].state == State::Ended;
        assert_eq!(ended.is_some(), expected_end);
        ended.map(|ended| self.roster.bury(ended));
        self.model.running = next;
        assert_eq!(
            self.roster.running(),
            self.model.threads[next].id,
            "another thread runs than the next in turn"
        );
    }

    fn idle(&mut self) {
        let first = self.model.first_alarm();
        assert_eq!(self.roster.next_alarm(), first.map(|(at, _)| at));
        if let Some((at, _)) = first {
            self.now = self.now.max(at);
            self.ring();
        } else {
            let waits = |thread: &Thread| thread.state == State::Waiting { unparkable: true };
            let number = self.model.threads.iter().position(waits).expect("a thread that waits");
            self.roster.unpark(self.model.threads[number].id);
            self.model.unpark(number);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn runs_as_the_model(steps in proptest::collection::vec(step(), 1..200)) {
        let mut pair = Pair::new();
        steps.iter().for_each(|step| pair.step(step));
    }
}
