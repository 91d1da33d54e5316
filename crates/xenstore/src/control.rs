//! The host's wish that the domain ends: `control/shutdown` (`docs/misc/xenstore-paths.pandoc`).

use alloc::boxed::Box;
use alloc::string::String;

use iface_hypervisor::{Hypervisor, ShutdownReason};
use iface_scheduler::{Scheduler, SpawnError, ThreadId};
use iface_xenstore::{StoreError, Xenstore};

const SHUTDOWN: &str = "control/shutdown";

/// What the domain can do, and what the host need not wait for.
const FEATURES: [(&str, &str); 3] =
    [("control/feature-poweroff", "1"), ("control/feature-reboot", "1"), ("control/feature-suspend", "0")];

/// Starts the thread that does what the host wishes.
///
/// # Errors
/// As [`SpawnError`] says.
pub(crate) fn spawn<X: Xenstore, H: Hypervisor, S: Scheduler>(
    store: X,
    hypervisor: H,
    scheduler: S,
) -> Result<ThreadId, SpawnError> {
    let answer = move || {
        if let Err(error) = answer(store, hypervisor, scheduler) {
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
) -> Result<(), StoreError> {
    announce(store)?;
    let thread = scheduler.current();
    store.watch(SHUTDOWN, Box::new(move |_| scheduler.unpark(thread)))?;
    loop {
        let wish = take_wish(store)?;
        match wish.as_str() {
            "" => {
                scheduler.park(None);
            }
            "poweroff" | "halt" => end(hypervisor, &wish, ShutdownReason::POWEROFF),
            "reboot" => end(hypervisor, &wish, ShutdownReason::REBOOT),
            _ => log::warn!("the host wishes `{}`, which this domain cannot do", wish.escape_debug()),
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

fn end<H: Hypervisor>(hypervisor: H, wish: &str, reason: ShutdownReason) -> ! {
    log::info!("the host wishes {wish}");
    hypervisor.shut_down(reason)
}
