extern crate std;

use alloc::{boxed::Box, string::String, vec::Vec};
use core::{cell::RefCell, time::Duration};

use iface_clock::fake::FakeClock;
use iface_platform::{CommandLine, ExitStatus};

use super::*;

/// Keeps what was written, piece by piece.
#[derive(Default)]
struct Paper {
    pieces: RefCell<Vec<String>>,
}

impl Console for &'static Paper {
    fn write(&self, bytes: &[u8]) {
        self.pieces.borrow_mut().push(String::from_utf8_lossy(bytes).into_owned());
    }

    fn read(&self, _: &mut [u8]) -> usize {
        0
    }
}

#[derive(Clone, Copy)]
struct Started(&'static str);

impl Platform for Started {
    fn command_line(&self) -> CommandLine<'static> {
        CommandLine::new(self.0)
    }

    fn initrd(&self) -> Option<&'static [u8]> {
        None
    }

    fn exit(&self, _: ExitStatus) -> ! {
        unreachable!("a logger ends nothing")
    }
}

fn written(nanoseconds: u64, target: &str, message: &str) -> Vec<String> {
    let paper: &'static Paper = Box::leak(Box::default());
    let now = Instant::from_nanos(nanoseconds);
    let arguments = format_args!("{message}");
    write(paper, now, &Record::builder().level(log::Level::Warn).target(target).args(arguments).build());
    paper.pieces.take()
}

#[test]
fn a_line_tells_time_level_and_room() {
    assert_eq!(written(1_234_567, "tcpip", "up"), ["[    0.001234] warn  tcpip: up\n"]);
    let late = 1_234_567_000_000_000;
    assert_eq!(written(late, "virtio_net::ring", ""), ["[1234567.000000] warn  virtio-net: \n"]);
}

#[test]
fn messages_do_not_steer_the_terminal() {
    let line = written(0, "httpd", "\x1b[2J\r\x07é\x7f\nsecond").concat();
    assert_eq!(line, "[    0.000000] warn  httpd: .[2J..é.\n    second\n");
}

#[test]
fn long_lines_go_in_pieces() {
    let message: String = "0123456789".repeat(40);
    let pieces = written(0, "x", &message);
    assert_eq!(pieces.iter().map(String::len).collect::<Vec<_>>(), [160, 160, 105]);
    assert_eq!(pieces.concat(), std::format!("[    0.000000] warn  x: {message}\n"));
}

/// All that touches the one logger of the process.
#[test]
fn the_command_line_overrides_the_level() {
    let paper: &'static Paper = Box::leak(Box::default());
    let clock: &'static FakeClock = Box::leak(Box::default());
    clock.advance(Duration::from_micros(7));
    let start = |line, level| {
        let needs = Needs { clock, console: paper, platform: Started(line) };
        init(Box::leak(Box::new(Config { level })), needs).map(|provides| provides.log.level())
    };
    assert_eq!(start("ip=dhcp log=chatty", Level::Warn), Ok(LevelFilter::Warn));
    log::info!("not kept");
    log::error!(target: "some_room::file", "kept");
    let told = "[    0.000007] warn  logger: log=chatty is not a level: take off, error, warn, info, debug or trace\n";
    assert_eq!(*paper.pieces.borrow(), [told, "[    0.000007] error some-room: kept\n"]);
    assert_eq!(start("", Level::Warn), Err(InitError::Taken));
}

#[test]
fn words_are_levels() {
    for (word, level) in [("off", Level::Off), ("debug", Level::Debug), ("TRACE", Level::Trace)] {
        assert_eq!(word.parse(), Ok(filter(level)));
    }
}
