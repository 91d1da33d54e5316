//! The same calls made of this machine's Linux and of a process of this crate, over loopback: both must answer the same.

mod cases;
mod kernels;
mod random;
mod script;

use alloc::string::String;

use linux_raw_sys::general::O_NONBLOCK;
use linux_raw_sys::net::{SOCK_DGRAM, SOCK_STREAM};

use kernels::{Machine, with_image, with_image_on_machine};
use random::{Player, Random};
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

/// Random calls on sockets of `kind`, from several beginnings.
fn compare_at_random(kind: u32, seeds: core::ops::Range<u64>) {
    for seed in seeds {
        compare(|script| {
            script.note("seed", seed);
            Player::new(script, Random(seed), kind).play(60);
        });
    }
}

#[test]
fn streams_at_random() {
    compare_at_random(SOCK_STREAM, 0..100);
}

#[test]
fn datagrams_at_random() {
    compare_at_random(SOCK_DGRAM, 0..100);
}
