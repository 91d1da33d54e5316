//! probe for bench on board: what `unikernel.nix` chose, started in the order of needs.
//!
//! Written by weave; a change here is lost.
#![no_std]
#![no_main]

extern crate alloc;

/// Settings of board, from `libs.board`.
static BOARD: board::Config = board::Config {};
/// Settings of pile, from `libs.pile`.
static PILE: pile::Config = pile::Config { strategy: pile::Strategy::FirstFit };
/// Settings of bench, from `libs.bench`.
static BENCH: bench::Config = bench::Config { boot_stack_kib: 16 };
/// Settings of lamp, from `libs.lamp`.
static LAMP: lamp::Config<3> = lamp::Config {
    brightness: Some(7),
    label: "a \"quoted\"\nlabel",
    on: false,
    pattern: &[
        1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27,
        28, 29, 30,
    ],
    slide: &LAMP_SLIDE.0,
    slides: &[&LAMP_SLIDES.0, &LAMP_SLIDES_2.0],
};
/// Settings of sink-a, from `libs.sink-a`.
static SINK_A: sink_a::Config = sink_a::Config {};
/// Settings of sink-b, from `libs.sink-b`.
static SINK_B: sink_b::Config = sink_b::Config {};
/// Settings of probe, from `app.settings`.
static PROBE: probe::Config = probe::Config { name: "probe" };

/// A file of the image, at the start of a page so that it can be mapped without a copy.
#[repr(C, align(4096))]
struct Page<T: ?Sized>(T);

static LAMP_SLIDE: &Page<[u8]> = &Page(*include_bytes!("../files/lamp_slide"));
static LAMP_SLIDES: &Page<[u8]> = &Page(*include_bytes!("../files/lamp_slides"));
static LAMP_SLIDES_2: &Page<[u8]> = &Page(*include_bytes!("../files/lamp_slides_2"));

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
    // lamp: chosen for `lamp`, which probe needs.
    let lamp = started("lamp", lamp::init(&LAMP, lamp::Needs {}));
    // sink-a: asked for by `libs.sink-a.enable`.
    let sink_a = started("sink-a", sink_a::init(&SINK_A, sink_a::Needs {}));
    // sink-b: asked for by `libs.sink-b.enable`.
    let sink_b = started("sink-b", sink_b::init(&SINK_B, sink_b::Needs {}));
    // probe: the application.
    let needs = probe::Needs {
        bell: prove::bell(board.bell),
        lamp: Some(prove::lamp(lamp.lamp)),
        sink: every([prove::sink(sink_a.sink), prove::sink(sink_b.sink)]),
    };
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

/// The providers of an interface that admits any number.
fn every<T: ?Sized, const N: usize>(providers: [&'static T; N]) -> &'static [&'static T] {
    alloc::boxed::Box::leak(alloc::boxed::Box::new(providers))
}

/// One function an interface: a provider that lacks the trait is an error of rustc here.
mod prove {
    pub fn bell<T: iface_bell::Bell>(provider: T) -> T {
        provider
    }

    pub fn heap<T: iface_heap::Heap>(provider: &'static T) -> &'static T {
        provider
    }

    pub fn lamp<T: iface_lamp::Lamp>(provider: T) -> T {
        provider
    }

    pub fn sink<T: iface_sink::Sink + 'static>(provider: T) -> &'static dyn iface_sink::Sink {
        alloc::boxed::Box::leak(alloc::boxed::Box::new(provider))
    }
}
