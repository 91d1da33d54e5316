//! The same calls made of this machine's Linux and of a process of this crate, over loopback: both must answer the same.

mod cases;
mod kernels;
mod random;
mod script;

use alloc::string::String;

use linux_raw_sys::general::O_NONBLOCK;
use linux_raw_sys::net::{AF_INET, AF_UNIX, SOCK_DGRAM, SOCK_SEQPACKET, SOCK_STREAM};

use kernels::{Machine, with_image, with_image_on_machine};
use random::Player;
use script::Script;

const NONBLOCKING: u32 = O_NONBLOCK;
/// Lines of a transcript that are shown before a difference.
const SHOWN: usize = 160;

/// Has all kernels make the calls of `play`, and compares.
fn compare(play: impl Fn(&Script<'_>)) {
    let transcript = |script: Script<'_>| {
        play(&script);
        script.into_transcript()
    };
    let machine = transcript(Script::new(&Machine));
    same("over tcpip", &machine, &with_image(|kernel| transcript(Script::new(kernel))));
    same("over host-sockets", &machine, &with_image_on_machine(|kernel| transcript(Script::new(kernel))));
}

fn same(which: &str, machine: &[String], image: &[String]) {
    let same = machine.iter().zip(image).take_while(|(machine, image)| machine == image).count();
    if same < machine.len().max(image.len()) {
        let before = machine[same.saturating_sub(SHOWN)..same].join("\n  ");
        panic!(
            "{which}, after\n  {before}\nLinux says {:?} and this {:?}",
            machine.get(same),
            image.get(same)
        );
    }
}

/// Random calls on sockets of a family and a kind, from several beginnings.
fn compare_at_random(family: u32, kind: u32) {
    for seed in 0..60 {
        compare(|script| {
            script.note("seed", seed);
            Player::new(script, seed, family, kind).play(60);
        });
    }
}

#[test]
fn streams_at_random() {
    compare_at_random(AF_INET, SOCK_STREAM);
}

#[test]
fn datagrams_at_random() {
    compare_at_random(AF_INET, SOCK_DGRAM);
}

#[test]
fn streams_of_unix_at_random() {
    compare_at_random(AF_UNIX, SOCK_STREAM);
}

#[test]
fn datagrams_of_unix_at_random() {
    compare_at_random(AF_UNIX, SOCK_DGRAM);
}

#[test]
fn packets_of_unix_at_random() {
    compare_at_random(AF_UNIX, SOCK_SEQPACKET);
}
