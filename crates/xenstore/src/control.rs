//! The host's wish that the domain ends: `control/shutdown` (`docs/misc/xenstore-paths.pandoc`).

use alloc::boxed::Box;
use alloc::string::String;

use iface_hypervisor::{Hypervisor, ShutdownReason};
use iface_scheduler::{Scheduler, SpawnError, ThreadId};
use iface_shutdown::{Handler, Handlers, Shutdown, Unheard, Wish};
use iface_xenstore::{StoreError, Xenstore};

const SHUTDOWN: &str = "control/shutdown";

/// What the domain can do, and what the host need not wait for.
const FEATURES: [(&str, &str); 3] =
    [("control/feature-poweroff", "1"), ("control/feature-reboot", "1"), ("control/feature-suspend", "0")];

/// Who is told of the host's wishes; nobody is where these are not heard.
#[derive(Clone, Copy)]
pub(crate) struct Wishes(Option<&'static Handlers>);

impl Wishes {
    pub fn new(are_heard: bool) -> Self {
        Self(are_heard.then(|| &*Box::leak(Box::default())))
    }

    /// Tells of a wish; says whether there is anybody to tell.
    fn tell(self, wish: Wish) -> bool {
        let handlers = self.0.filter(|handlers| !handlers.is_empty());
        handlers.inspect(|handlers| handlers.tell(wish)).is_some()
    }
}

impl Shutdown for Wishes {
    fn on_wish(&self, handler: Handler) -> Result<(), Unheard> {
        let handlers = self.0.ok_or(Unheard("`libs.xenstore.answerShutdown` is false"))?;
        handlers.add(handler);
        Ok(())
    }
}

/// Starts the thread that hears what the host wishes.
///
/// # Errors
/// As [`SpawnError`] says.
pub(crate) fn spawn<X: Xenstore, H: Hypervisor, S: Scheduler>(
    store: X,
    hypervisor: H,
    scheduler: S,
    wishes: Wishes,
) -> Result<ThreadId, SpawnError> {
    let answer = move || {
        if let Err(error) = answer(store, hypervisor, scheduler, wishes) {
            log::warn!("wishes of the host that the domain ends are not seen any more: {error}");
        }
    };
    scheduler.spawn("xenstore control", Box::new(answer))
}

/// Waits for wishes, and answers them.
fn answer<X: Xenstore, H: Hypervisor, S: Scheduler>(
    store: X,
    hypervisor: H,
    scheduler: S,
    wishes: Wishes,
) -> Result<(), StoreError> {
    announce(store)?;
    let thread = scheduler.current();
    store.watch(SHUTDOWN, Box::new(move |_| scheduler.unpark(thread)))?;
    loop {
        let word = take_wish(store)?;
        let (wish, reason) = match word.as_str() {
            "" => {
                scheduler.park(None);
                continue;
            }
            "poweroff" | "halt" => (Wish::PowerOff, ShutdownReason::POWEROFF),
            "reboot" => (Wish::Reboot, ShutdownReason::REBOOT),
            _ => {
                log::warn!("the host wishes `{}`, which this domain cannot do", word.escape_debug());
                continue;
            }
        };
        log::info!("the host wishes {word}");
        hypervisor.end_for(reason);
        if !wishes.tell(wish) {
            hypervisor.shut_down(reason);
        }
    }
}

/// Says what the domain can do, where it may; a host that does not want to know has not made the nodes writable.
fn announce<X: Xenstore>(store: X) -> Result<(), StoreError> {
    for (feature, able) in FEATURES {
        match store.write(feature, able) {
            Err(StoreError::Broken) => return Err(StoreError::Broken),
            Err(error) => log::debug!("{feature} is not announced: {error}"),
            Ok(()) => {}
        }
    }
    Ok(())
}

/// The host's wish, acknowledged; empty where it has none.
///
/// No wish is missed though waiting for an answer takes the watch's unpark: one that comes between reading and the end of the
/// transaction has the transaction tried again, and the event of a later one comes behind the last answer.
fn take_wish<X: Xenstore>(store: X) -> Result<String, StoreError> {
    let mut wish = String::new();
    let taken = store.transaction(&mut |tree| {
        wish = tree.read(SHUTDOWN)?;
        if wish.is_empty() { Ok(()) } else { tree.write(SHUTDOWN, "") }
    });
    match taken {
        Ok(()) => Ok(wish),
        Err(StoreError::NotFound) => Ok(String::new()),
        Err(error) => Err(error),
    }
}
