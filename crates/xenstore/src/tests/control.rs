//! What the host wishes.

use std::boxed::Box;
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::vec;
use std::vec::Vec;

use iface_hypervisor::ShutdownReason;
use iface_scheduler::Scheduler as _;
use iface_shutdown::{Shutdown, Unheard, Wish};
use iface_xenstore::Xenstore;
use xen_fake::Write;

use super::{World, at, world};

/// Has the host wish things at the milliseconds given; the reason for which the domain ended, and when.
fn wish(
    world: &World<impl Xenstore, impl Shutdown>,
    wishes: &[(u64, &'static str)],
) -> (ShutdownReason, u64) {
    for &(ms, wish) in wishes {
        let host = world.host;
        world.at(ms, move || host.set("control/shutdown", wish));
    }
    let ended = catch_unwind(AssertUnwindSafe(|| world.scheduler.sleep_until(at(10_000))));
    let reason = ended.expect_err("the domain ends");
    let reason = *reason.downcast::<ShutdownReason>().expect("it ends for a reason");
    (reason, world.now().as_nanos() / 1_000_000)
}

/// How often the domain acknowledged.
fn acknowledged(world: &World<impl Xenstore, impl Shutdown>) -> usize {
    let acknowledgement = Write::Set("control/shutdown".into(), "".into());
    world.host.writes().iter().filter(|write| **write == acknowledgement).count()
}

#[test]
fn the_domain_ends_as_the_host_wishes() {
    let cases = [
        ("poweroff", ShutdownReason::POWEROFF),
        ("halt", ShutdownReason::POWEROFF),
        ("reboot", ShutdownReason::REBOOT),
    ];
    for (word, reason) in cases {
        let world = world(true, 1024);
        assert_eq!(wish(&world, &[(70, word)]), (reason, 70), "{word}");
        assert_eq!(acknowledged(&world), 1);
    }
}

#[test]
fn what_cannot_be_done_is_acknowledged_and_survived() {
    let world = world(true, 1024);
    let wishes = [(10, "suspend"), (20, ""), (30, "\u{7}dance"), (40, "reboot")];
    assert_eq!(wish(&world, &wishes), (ShutdownReason::REBOOT, 40));
    assert_eq!(acknowledged(&world), 3);
}

#[test]
fn a_wish_from_before_the_start_is_seen() {
    let world = world(true, 1024);
    world.host.set("control/shutdown", "poweroff");
    assert_eq!(wish(&world, &[]), (ShutdownReason::POWEROFF, 0));
}

#[test]
fn what_the_domain_can_do_is_announced() {
    let world = world(true, 1024);
    wish(&world, &[(10, "poweroff")]);
    let features = ["poweroff", "reboot", "suspend"];
    let said: Vec<_> =
        features.iter().map(|name| world.host.get(&std::format!("control/feature-{name}"))).collect();
    assert_eq!(said, vec![Some("1".into()), Some("1".into()), Some("0".into())]);
}

#[test]
fn a_host_that_denies_the_announcement_is_answered_all_the_same() {
    let world = world(true, 1024);
    world.host.deny("control/feature-poweroff");
    assert_eq!(wish(&world, &[(10, "poweroff")]), (ShutdownReason::POWEROFF, 10));
}

#[test]
fn without_the_option_nobody_answers() {
    let world = world(false, 1024);
    let host = world.host;
    world.at(10, move || host.set("control/shutdown", "poweroff"));
    world.scheduler.sleep_until(at(1000));
    assert_eq!(acknowledged(&world), 0);
    let unheard = Unheard("`libs.xenstore.answerShutdown` is false");
    assert_eq!(world.shutdown.on_wish(Box::new(|_| ())), Err(unheard));
}

#[test]
fn who_is_told_ends_the_domain_and_the_reason_is_kept() {
    let world = world(true, 1024);
    let told: &'static RefCell<Vec<_>> = Box::leak(Box::default());
    let shared = world.shared;
    let handler = move |wish| {
        told.borrow_mut().push((wish, shared.end()));
        if wish == Wish::Reboot {
            std::panic::panic_any(ShutdownReason::REBOOT);
        }
    };
    world.shutdown.on_wish(Box::new(handler)).unwrap();
    let wishes = [(10, "poweroff"), (20, "halt"), (30, "reboot")];
    assert_eq!(wish(&world, &wishes), (ShutdownReason::REBOOT, 30));
    let off = (Wish::PowerOff, Some(ShutdownReason::POWEROFF));
    assert_eq!(told.take(), [off, off, (Wish::Reboot, Some(ShutdownReason::REBOOT))]);
    assert_eq!(acknowledged(&world), 3);
}
