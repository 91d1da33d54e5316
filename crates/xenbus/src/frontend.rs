use alloc::boxed::Box;
use alloc::format;
use alloc::rc::Rc;
use alloc::string::{String, ToString};
use core::cell::{Cell, RefCell};
use core::fmt::{self, Display};
use core::time::Duration;

use iface_clock::Clock;
use iface_scheduler::Scheduler;
use iface_xenstore::{StoreError, Watch, Xenstore};

use crate::backoff::Backoff;
use crate::handshake::{self, Step};
use crate::signal::Signal;
use crate::{Backend, Device, Error, Keys, Seen, Stage, State};

/// How a backend left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gone {
    /// It closes, or has closed.
    Closed,
    /// Its directory was removed.
    Vanished,
    /// The host named another one.
    Replaced,
    /// It went back to a state from before it was connected, or to none at all.
    Restarted,
    /// The driver does not want it any more ([`Frontend::give_up`]).
    GivenUp,
}

impl Display for Gone {
    /// As what is said of the backend: `vanished`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed => "closed",
            Self::Vanished => "vanished",
            Self::Replaced => "was replaced by another",
            Self::Restarted => "began anew",
            Self::GivenUp => "was given up",
        })
    }
}

/// One device's end of the handshake. Calls block the calling thread; one thread makes them.
pub struct Frontend<X: Xenstore, S, C> {
    store: X,
    scheduler: S,
    clock: C,
    device: Device,
    /// The device's own directory, where the host says what it is: its address, its backend.
    pub keys: Keys<X>,
    own: Cell<State>,
    changed: Rc<Signal<S>>,
    /// The watch of who the backend is.
    backend_watch: Watch,
    /// The watch of the backend's state, and where that is.
    state_watch: RefCell<Option<(String, Watch)>>,
    backoff: Cell<Backoff>,
    /// The failure that was told last, unless it is of long ago.
    told: RefCell<String>,
    given_up: Cell<bool>,
}

impl<X: Xenstore, S: Scheduler, C: Clock> Frontend<X, S, C> {
    /// The frontend of `device`.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn new(store: X, scheduler: S, clock: C, device: Device) -> Result<Self, Error> {
        let keys = Keys::new(store, device.path());
        let own = keys.text("state")?.map_or(State::Unknown, |value| State::parse(&value));
        let changed = Rc::new(Signal::new(scheduler));
        let backend_watch = watch(store, keys.path_of("backend"), &changed)?;
        Ok(Self {
            store,
            scheduler,
            clock,
            device,
            keys,
            own: Cell::new(own),
            changed,
            backend_watch,
            state_watch: RefCell::default(),
            backoff: Cell::default(),
            told: RefCell::default(),
            given_up: Cell::default(),
        })
    }

    /// What the host calls it.
    pub fn device(&self) -> Device {
        self.device
    }

    /// Waits until a backend is there that waits for this end's keys, for ever without `patience`. A connection that stands
    /// from before is closed first. Called less than a minute after the last time, it begins with a pause.
    ///
    /// # Errors
    /// [`Error::Late`], [`Error::Reported`], [`Error::Value`] where what the host said was wrong to the end, or
    /// [`Error::Store`].
    pub fn offer(&self, patience: Option<Duration>) -> Result<Backend<X>, Error> {
        self.given_up.set(false);
        self.pause();
        self.until(Stage::Offer, patience, |backend, seen| {
            let Some(backend) = backend else { return Ok(None) };
            if seen != Seen::State(State::InitWait) {
                backend.check_hotplug(self.device)?;
            }
            let online = backend.online()?;
            let done = self.step(|own| handshake::toward_offer(own, seen, online))?;
            Ok(done.then(|| backend.clone()))
        })
    }

    /// Waits where an attempt follows soon upon another.
    fn pause(&self) {
        let (mut backoff, now) = (self.backoff.get(), self.clock.now());
        let delay = backoff.delay(now);
        self.backoff.set(backoff);
        if delay.is_zero() {
            self.told.take();
        } else {
            self.scheduler.sleep_until(now + delay);
        }
    }

    /// Writes `keys` into the device's directory and sets the own state, at once.
    ///
    /// # Errors
    /// [`Error::Gone`] where `backend` is not the device's any more; nothing is written then. Or [`Error::Store`].
    pub fn publish(
        &self,
        backend: &Backend<X>,
        keys: &[(&str, &dyn Display)],
        state: State,
    ) -> Result<(), Error> {
        let written = self.write(Some(backend.keys.path()), keys, state)?;
        if written { Ok(()) } else { Err(self.went(Gone::Replaced)) }
    }

    /// Waits until `backend` is connected, for ever without `patience`.
    ///
    /// # Errors
    /// [`Error::Late`], [`Error::Reported`], [`Error::Gone`] or [`Error::Store`].
    pub fn connected(&self, backend: &Backend<X>, patience: Option<Duration>) -> Result<(), Error> {
        self.until(Stage::Connect, patience, |now, seen| {
            if !is(now, backend) {
                return Err(self.went(Gone::Replaced));
            }
            backend.check_hotplug(self.device)?;
            match handshake::toward_connected(seen) {
                Ok(step) => Ok((step == Step::Done).then_some(())),
                Err(gone) => Err(self.explain(backend, gone)),
            }
        })
    }

    /// Waits until `backend`, which was connected, leaves, or is given up.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn gone(&self, backend: &Backend<X>) -> Result<Gone, Error> {
        self.until(Stage::Close, None, |now, seen| {
            if self.given_up.take() {
                return Ok(Some(Gone::GivenUp));
            }
            let replaced = !is(now, backend) && seen != Seen::Absent;
            Ok(if replaced { Some(Gone::Replaced) } else { handshake::departure(seen) })
        })
    }

    /// Ends the wait for the backend to leave: it broke its protocol, and is to be closed. Does not block, so that the one
    /// who sees it may be a handler of events.
    pub fn give_up(&self) {
        self.given_up.set(true);
        self.changed.raise();
    }

    /// Closes this end, and waits until `backend` has let go of what was shared with it. After [`Error::Late`] the own state
    /// is closed all the same; pages may be in the backend's use still, and are not to be freed.
    ///
    /// # Errors
    /// [`Error::Late`] or [`Error::Store`].
    pub fn close(&self, backend: &Backend<X>, patience: Duration) -> Result<(), Error> {
        let closed = self.until(Stage::Close, Some(patience), |now, seen| {
            let seen = if is(now, backend) { seen } else { Seen::Absent };
            let done = self.step(|own| handshake::toward_closed(own, seen))?;
            Ok(done.then_some(()))
        });
        if self.own.get() != State::Closed {
            self.write(None, &[], State::Closed)?;
        }
        closed
    }

    /// Leaves `failure` where the host's administrator looks for errors of devices, as far as the domain may, and says whether
    /// it is news: another one than was reported last, or one after a minute without attempts. What is none is not to be logged
    /// again, so that a backend that always fails does not fill the log.
    pub fn report(&self, failure: &dyn Display) -> bool {
        let failure = failure.to_string();
        if *self.told.borrow() == failure {
            return false;
        }
        let path = format!("error/{}/error", self.device.path());
        // There is nobody else to tell where this fails.
        let _ = self.store.write(&path, &failure);
        self.told.replace(failure);
        true
    }

    /// Looks, asks `ready`, and waits for a change, until there is a value or `patience` ends. A value of the host's that is
    /// wrong may be about to be mended, and counts when time is over.
    fn until<T>(
        &self,
        stage: Stage,
        patience: Option<Duration>,
        mut ready: impl FnMut(Option<&Backend<X>>, Seen) -> Result<Option<T>, Error>,
    ) -> Result<T, Error> {
        let deadline = patience.map(|patience| self.clock.now() + patience);
        loop {
            let count = self.changed.count();
            let (backend, wrong) = match Backend::find(self.store, &self.keys) {
                Ok(backend) => (backend, None),
                Err(error @ Error::Value { .. }) => (None, Some(error)),
                Err(error) => return Err(error),
            };
            let seen = self.look(backend.as_ref())?;
            if let Some(value) = ready(backend.as_ref(), seen)? {
                return Ok(value);
            }
            if !self.changed.wait(count, deadline) {
                let patience = patience.unwrap_or_default();
                let late = Error::Late { device: self.device, stage, patience, seen };
                return Err(wrong.unwrap_or(late));
            }
        }
    }

    /// The state of `backend`, which is watched from here on.
    fn look(&self, backend: Option<&Backend<X>>) -> Result<Seen, Error> {
        let Some(backend) = backend else { return Ok(Seen::Absent) };
        let path = backend.keys.path_of("state");
        let watched = self.state_watch.borrow().as_ref().is_some_and(|(watched, _)| *watched == path);
        if !watched {
            let watch = watch(self.store, path.clone(), &self.changed)?;
            if let Some((_, old)) = self.state_watch.replace(Some((path, watch))) {
                self.store.unwatch(old);
            }
        }
        backend.seen()
    }

    /// Takes the steps that are due, and says whether the aim is reached.
    fn step(&self, next: impl Fn(State) -> Step) -> Result<bool, Error> {
        loop {
            match next(self.own.get()) {
                Step::Wait => return Ok(false),
                Step::Done => return Ok(true),
                Step::Set(state) => self.write(None, &[], state)?,
            };
        }
    }

    /// Writes keys and the own state, if the host still has the device, with the backend at `expected` where that is given.
    /// Says whether it has: what is written into a directory that was removed would bring it back as a ruin.
    fn write(
        &self,
        expected: Option<&str>,
        keys: &[(&str, &dyn Display)],
        state: State,
    ) -> Result<bool, Error> {
        let (place, mut stands) = (self.keys.path_of("backend"), false);
        let written = self.store.transaction(&mut |tree| {
            stands = match tree.read(&place) {
                Ok(path) => expected.is_none_or(|expected| path == expected),
                Err(StoreError::NotFound) => false,
                Err(error) => return Err(error),
            };
            if !stands {
                return Ok(());
            }
            for (key, value) in keys {
                tree.write(&self.keys.path_of(key), &value.to_string())?;
            }
            tree.write(&self.keys.path_of("state"), state.digit())
        });
        written.map_err(|error| Error::Store { path: self.keys.path().into(), error })?;
        self.own.set(state);
        Ok(stands)
    }

    fn went(&self, gone: Gone) -> Error {
        Error::Gone { device: self.device, gone }
    }

    /// Why the backend left, in its own words where it left any.
    fn explain(&self, backend: &Backend<X>, gone: Gone) -> Error {
        match backend.driver_error(&self.store) {
            Some(message) => Error::Reported { device: self.device, message },
            None => self.went(gone),
        }
    }
}

impl<X: Xenstore, S, C> Drop for Frontend<X, S, C> {
    fn drop(&mut self) {
        self.store.unwatch(self.backend_watch);
        if let Some((_, watch)) = self.state_watch.take() {
            self.store.unwatch(watch);
        }
    }
}

/// Whether the backend that the host names `now` is `expected`.
fn is<X: Xenstore>(now: Option<&Backend<X>>, expected: &Backend<X>) -> bool {
    now.is_some_and(|now| now.is(expected))
}

/// Has `changed` raised whenever something at or below `path` changes.
fn watch<X: Xenstore, S: Scheduler>(store: X, path: String, changed: &Rc<Signal<S>>) -> Result<Watch, Error> {
    let changed = Rc::clone(changed);
    let raise = Box::new(move |_: &str| changed.raise());
    store.watch(&path, raise).map_err(|error| Error::Store { path, error })
}
