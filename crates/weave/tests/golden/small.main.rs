//! probe for bench on board: what `unikernel.nix` chose, started in the order of needs.
//!
//! Written by weave; a change here is lost.
#![no_std]
#![no_main]

/// Settings of board, from `libs.board`.
static BOARD: board::Config = board::Config {};
/// Settings of pile, from `libs.pile`.
static PILE: pile::Config = pile::Config { strategy: pile::Strategy::FirstFit };
/// Settings of bench, from `libs.bench`.
static BENCH: bench::Config = bench::Config { boot_stack_kib: 16 };
/// Settings of probe, from `app.settings`.
static PROBE: probe::Config = probe::Config { name: "probe" };

/// pile, which provides `heap`.
#[global_allocator]
static HEAP: pile::Provider = pile::Provider::new(&PILE);

bench::entry!(start);

fn start(boot: bench::Boot) -> ! {
    // board: the architecture of the image.
    let board = started("board", board::init(&BOARD, board::Needs {}));
    // pile: the default of interface `heap`, which bench needs.
    let _ = started("pile", pile::init(&PILE, pile::Needs {}));
    // bench: the platform of the image.
    let needs = bench::Needs { bell: prove::bell(board.bell), heap: prove::heap(&HEAP) };
    let bench = started("bench", bench::init(&BENCH, boot, needs));
    // probe: the application.
    let needs = probe::Needs { bell: prove::bell(board.bell), lamp: None::<iface_lamp::Absent>, sink: &[] };
    let status = bench::main(|| probe::main(&PROBE, needs));
    iface_platform::Platform::exit(&bench.platform, iface_platform::Termination::status(status))
}

#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    bench::panic(info)
}

/// What a room provides, or the end of the image with the room's own words.
fn started<T, E: core::fmt::Display>(room: &str, result: Result<T, E>) -> T {
    result.unwrap_or_else(|error| panic!("room {room} did not start: {error}"))
}

/// One function an interface: a provider that lacks the trait is an error of rustc here.
mod prove {
    pub fn bell<T: iface_bell::Bell>(provider: T) -> T {
        provider
    }

    pub fn heap<T: iface_heap::Heap>(provider: &'static T) -> &'static T {
        provider
    }
}
