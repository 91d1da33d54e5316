//! The scheduler: the roster joined to processor, clock, events and stacks.

use alloc::boxed::Box;
use core::cell::{Cell, RefCell};

use iface_arch::Arch;
use iface_clock::{Clock, Instant};
use iface_events::Events;
use iface_memory::{Memory, MemoryError};
use iface_scheduler::{Scheduler, SpawnError, Stack, ThreadId, Wakeup};

use crate::{
    Config, Needs,
    fiber::{self, Fiber, Main},
    roster::{Ended, Roster, Turn},
};

type Body = Box<dyn FnOnce()>;

struct Thread<A: Arch> {
    name: &'static str,
    fiber: Fiber<A>,
    /// What it does; taken when it starts.
    body: Option<Body>,
    /// Whether its stack is the scheduler's to give back.
    owns_stack: bool,
    /// What [`Scheduler::set_own`] gave it.
    own: Option<usize>,
}

/// Cooperative threads; a scheduler is `&'static Coop`.
pub(crate) struct Coop<A: Arch, C, E, M> {
    needs: Needs<A, C, E, M>,
    /// Bytes of each stack.
    stack: usize,
    roster: RefCell<Roster<Thread<A>>>,
    /// The thread that ended last, until the next one has left its stack.
    ended: Cell<Option<Ended>>,
    /// How many turns are left until events are polled: one for each thread that was ready then.
    turns: Cell<usize>,
    /// Who is told a thread's own value, and the one it was told last.
    apply: Cell<Option<fn(usize)>>,
    applied: Cell<Option<usize>>,
}

impl<A: Arch, C: Clock, E: Events, M: Memory> Coop<A, C, E, M> {
    pub(crate) fn new(config: &Config, needs: Needs<A, C, E, M>) -> Self {
        let fiber = Fiber::adopt(needs.arch);
        let first = Thread { name: "main", fiber, body: None, owns_stack: false, own: None };
        Self {
            needs,
            stack: config.stack_kib as usize * 1024,
            roster: RefCell::new(Roster::new(first)),
            ended: Cell::new(None),
            turns: Cell::new(0),
            apply: Cell::new(None),
            applied: Cell::new(None),
        }
    }

    /// Runs the next thread, until the one that calls this is ready and has its turn. It is in the queue, or waits.
    fn give_turn(&self) {
        if self.turns.get() == 0 && self.roster.borrow().ready() > 0 {
            self.look_around();
        }
        while !self.turn() {
            if !self.ring() {
                let deadline = self.roster.borrow_mut().next_alarm();
                self.needs.events.wait(deadline);
            }
        }
    }

    /// Switches to the thread that has been ready longest, and says whether there was any.
    fn turn(&self) -> bool {
        let mut roster = self.roster.borrow_mut();
        let own;
        let (from, to) = match roster.turn() {
            Turn::Nobody => return false,
            Turn::Same => return true,
            Turn::Switch { from, to, ended } => {
                self.ended.set(ended);
                own = to.own;
                (from.fiber.context(), to.fiber.context())
            }
        };
        drop(roster);
        self.apply(own);
        self.turns.set(self.turns.get().saturating_sub(1));
        // SAFETY: the roster said that `from` was running. `to` is another thread in the queue, so it was switched from,
        // or not yet to. A fiber is ended by `bury` alone, on another stack than its own, when it is suspended.
        unsafe { fiber::switch(self.needs.arch, from, to) };
        self.bury();
        true
    }

    /// Has a thread's own value in place before the thread runs.
    fn apply(&self, own: Option<usize>) {
        if own.is_some() && own != self.applied.get() {
            self.applied.set(own);
            own.zip(self.apply.get()).into_iter().for_each(|(value, apply)| apply(value));
        }
    }

    /// Adds a thread that runs on `stack`.
    fn start(&'static self, name: &'static str, stack: Stack, owns_stack: bool, body: Body) -> ThreadId {
        let fiber = Fiber::new(self.needs.arch, stack, self);
        let thread = Thread { name, fiber, body: Some(body), owns_stack, own: None };
        let thread = self.roster.borrow_mut().add(thread);
        log::trace!("thread {} ({name}) starts", thread.0);
        thread
    }

    /// Gives back the stack of the thread that ran before, if it ended.
    fn bury(&self) {
        let Some(ended) = self.ended.take() else { return };
        let Some(thread) = self.roster.borrow_mut().bury(ended) else { return };
        // SAFETY: the roster drops a thread that ended from its queue, and we run on another stack now.
        let stack = unsafe { thread.fiber.into_stack() };
        if let Some(stack) = stack.filter(|_| thread.owns_stack) {
            self.needs.memory.release_stack(stack);
        }
    }

    /// Calls handlers of events that fired and wakes threads whose deadline is reached: once a round of the queue.
    fn look_around(&self) {
        self.needs.events.poll();
        self.ring();
        self.turns.set(self.roster.borrow().ready());
    }

    /// Wakes threads whose deadline is reached, and says whether there were any.
    fn ring(&self) -> bool {
        let Some(first) = self.roster.borrow_mut().next_alarm() else { return false };
        let now = self.needs.clock.now();
        if first > now {
            return false;
        }
        self.roster.borrow_mut().ring(now);
        true
    }

    /// Ends the running thread.
    fn end(&self) -> ! {
        let mut roster = self.roster.borrow_mut();
        let (id, name) = (roster.running(), roster.own().name);
        roster.end();
        drop(roster);
        log::trace!("thread {} ({name}) ends", id.0);
        self.give_turn();
        unreachable!("a thread that ended has no turn");
    }
}

impl<A: Arch, C: Clock, E: Events, M: Memory> Main for Coop<A, C, E, M> {
    fn run(&'static self) -> ! {
        self.bury();
        let body = self.roster.borrow_mut().own().body.take();
        if let Some(body) = body {
            body();
        }
        self.end()
    }
}

impl<A: Arch, C: Clock, E: Events, M: Memory> Scheduler for &'static Coop<A, C, E, M> {
    fn spawn(&self, name: &'static str, body: Body) -> Result<ThreadId, SpawnError> {
        let stack = self.needs.memory.stack(self.stack).map_err(|error| match error {
            MemoryError::Exhausted => SpawnError::OutOfMemory,
        })?;
        Ok(self.start(name, stack, true, body))
    }

    fn spawn_on(&self, name: &'static str, stack: Stack, body: Body) -> Result<ThreadId, SpawnError> {
        Ok(self.start(name, stack, false, body))
    }

    fn exit(&self) -> ! {
        self.end()
    }

    fn set_own(&self, value: usize, apply: fn(usize)) {
        self.apply.set(Some(apply));
        self.roster.borrow_mut().own().own = Some(value);
        self.apply(Some(value));
    }

    fn current(&self) -> ThreadId {
        self.roster.borrow().running()
    }

    fn yield_now(&self) {
        self.look_around();
        if self.roster.borrow().ready() > 0 {
            self.roster.borrow_mut().give_way();
            self.give_turn();
        }
    }

    fn park(&self, deadline: Option<Instant>) -> Wakeup {
        if self.roster.borrow_mut().park(deadline) {
            self.give_turn();
        }
        self.roster.borrow_mut().wakeup()
    }

    fn unpark(&self, thread: ThreadId) {
        self.roster.borrow_mut().unpark(thread);
    }

    fn sleep_until(&self, deadline: Instant) {
        self.roster.borrow_mut().sleep(deadline);
        self.give_turn();
    }
}
