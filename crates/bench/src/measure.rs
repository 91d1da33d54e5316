//! The measurements: every figure of an image and of what is beside it.

use std::thread;
use std::time::{Duration, Instant};

use crate::error::Error;
use crate::image::{Image, Platform};
use crate::load::{self, Idle};
use crate::page;
use crate::progress::Progress;
use crate::results::{Comparison, Figure, Row, Value};
use crate::server::{START, Server};
use crate::statistics::Sample;
use crate::subject::{Parts, Setup, Subject};

/// Connections of `wrk` for most figures.
const FEW: u32 = 30;
/// Connections that are all in use.
const MANY: u32 = 1000;
/// Connections that are open and do nothing.
const IDLE: usize = 10_000;

/// Requests of a round on one connection, and connections of a round with one request each.
const REQUESTS: u32 = 1000;
const CONNECTIONS: u32 = 300;
/// A round of doing nothing.
const REST: Duration = Duration::from_secs(10);
/// What a server has left to do for connections that were closed, before its instructions are counted.
const SETTLE: Duration = Duration::from_millis(500);
/// Before a round after thousands of connections were closed.
const LONG_SETTLE: Duration = Duration::from_secs(3);
/// For what is asked in one round without `wrk`.
const ROUND: Duration = Duration::from_secs(120);
/// How often it is tried whether a server does with so much memory.
const TRIES: usize = 2;
/// How long each may take to start: some wait for memory for ever.
const LITTLE_PATIENCE: Duration = Duration::from_secs(30);
/// Rounds that take a machine's start or thousands of connections are as many at most.
const FEW_ROUNDS: usize = 3;

/// The large file, and its length.
pub const LARGE_FILE: &str = "large.bin";
pub const LARGE_BYTES: u64 = 100 * MEBIBYTE;
const MEBIBYTE: u64 = 1024 * 1024;

/// How much is measured.
#[derive(Clone, Copy)]
pub struct Plan {
    /// Rounds of every figure.
    pub rounds: usize,
    /// Seconds of a round of `wrk`.
    pub seconds: u32,
    /// Whether only what hardly depends on the rest of the machine is measured.
    pub counts: bool,
}

/// A figure with the values of the image, and of what is beside it.
type Figures = (Figure, [Value; 2]);

/// What the rounds of one of the two say of `N` figures, or why there are none.
type Rounds<const N: usize> = Result<Vec<[f64; N]>, String>;

/// A measurement of some figures, and how long it takes on a machine that does nothing else.
struct Step {
    what: &'static str,
    seconds: f64,
    measure: fn(&Pair) -> Vec<Figures>,
}

/// What takes part in a comparison.
struct Pair<'a> {
    subjects: [Subject<'a>; 2],
    parts: &'a Parts,
    plan: Plan,
}

/// The steps of an image on a platform.
fn steps(platform: Platform, plan: Plan) -> Vec<Step> {
    let (rounds, seconds) = (plan.rounds as f64, f64::from(plan.seconds));
    let few_rounds = plan.rounds.min(FEW_ROUNDS) as f64;
    let step = |what, seconds, measure| Step { what, seconds, measure };
    let mut steps = vec![step("size", 1.0, bytes)];
    if platform == Platform::Kvm {
        steps.push(step("instructions", 20.0 + rounds * (2.0 * seconds + 28.0), instructions));
        steps.push(step("instructions to the first answer", few_rounds * 10.0, counted_starts));
    }
    if plan.counts {
        return steps;
    }
    steps.push(step("starts", rounds * 4.0, starts));
    steps.push(step("requests per second", 8.0 + rounds * 4.0 * seconds, rates));
    steps.push(step("idle connections", few_rounds * (4.0 * seconds + 26.0), idle_connections));
    steps.push(step("downloads", 10.0 + rounds * 6.0, downloads));
    steps.push(match platform {
        Platform::Kvm => step("least memory", 90.0, least_memory),
        Platform::Linux => step("memory", 10.0, memory),
    });
    steps
}

/// How long each step for these images takes, in their order.
pub fn durations(images: &[Image], plan: Plan) -> Vec<Duration> {
    let steps = images.iter().flat_map(|image| steps(image.platform, plan));
    steps.map(|step| Duration::from_secs_f64(step.seconds)).collect()
}

/// Measures an image and Linux beside it.
///
/// What fails for one of the two is told, and missing in the results; the rest is measured all the same.
pub fn compare(image: &Image, parts: &Parts, plan: Plan, progress: &mut Progress) -> Comparison {
    let subjects = [Subject::Image(image), Subject::Linux(image.platform)];
    let pair = Pair { subjects, parts, plan };
    let mut rows = Vec::new();
    for step in steps(image.platform, plan) {
        progress.begin(&format!("{}: {}", image.name, step.what), Duration::from_secs_f64(step.seconds));
        let figures = (step.measure)(&pair).into_iter();
        for (figure, [image, beside]) in figures {
            let row = Row { figure, image, beside };
            eprint!("{}", page::line(&row));
            rows.push(row);
        }
    }
    let [image, beside] = subjects.map(|subject| subject.name());
    Comparison { image, beside, rows }
}

impl Pair<'_> {
    fn start(&self, subject: Subject<'_>, setup: Setup) -> Result<Server, Error> {
        Server::start_and_wait(subject.recipe(self.parts, setup))
    }

    /// Both, started one after the other.
    fn start_both(&self, setup: Setup) -> [Result<Server, String>; 2] {
        self.subjects.map(|subject| self.start(subject, setup).map_err(|error| told(&error)))
    }

    fn few_rounds(&self) -> usize {
        self.plan.rounds.min(FEW_ROUNDS)
    }
}

/// Measures both in turn, round by round. One that fails is not tried again.
fn interleave<S, const N: usize>(
    rounds: usize,
    both: &[Result<S, String>; 2],
    mut measure: impl FnMut(&S) -> Result<[f64; N], Error>,
) -> [Rounds<N>; 2] {
    let mut values: [Rounds<N>; 2] =
        both.each_ref().map(|one| one.as_ref().map(|_| Vec::new()).map_err(Clone::clone));
    for _ in 0..rounds {
        for (one, values) in both.iter().zip(&mut values) {
            let (Ok(one), Ok(so_far)) = (one, &mut *values) else { continue };
            match measure(one) {
                Ok(measured) => so_far.push(measured),
                Err(error) => *values = Err(told(&error)),
            }
        }
    }
    values
}

/// The rounds of both, figure by figure.
fn by_figure<const N: usize>(figures: [Figure; N], rounds: &[Rounds<N>; 2]) -> Vec<Figures> {
    let both = |index: usize| rounds.each_ref().map(|rounds| column(rounds, index));
    figures.into_iter().enumerate().map(|(index, figure)| (figure, both(index))).collect()
}

/// One figure of all rounds.
fn column<const N: usize>(rounds: &Rounds<N>, index: usize) -> Value {
    match rounds {
        Ok(rounds) => {
            let sample = Sample::new(rounds.iter().map(|round| round[index]).collect());
            sample.map_or_else(|| Value::absent("not measured"), Value::Measured)
        }
        Err(why) => Value::absent(why),
    }
}

/// Tells of what failed at once and in full; its first line stays in the results.
fn told(error: &Error) -> String {
    let text = error.to_string();
    eprintln!("bench: {text}");
    text.lines().next().unwrap_or_default().to_owned()
}

/// What one of the two says by itself, in one round.
fn alone(figure: Figure, pair: &Pair, measure: impl Fn(Subject<'_>) -> Result<u64, Error>) -> Vec<Figures> {
    let value = |subject| match measure(subject) {
        Ok(value) => Value::Measured(Sample::exact(value)),
        Err(error) => Value::absent(told(&error)),
    };
    vec![(figure, pair.subjects.map(value))]
}

fn bytes(pair: &Pair) -> Vec<Figures> {
    alone(Figure::Bytes, pair, |subject| subject.bytes(pair.parts))
}

/// One after the other, since counts do not depend on what else happens when.
fn instructions(pair: &Pair) -> Vec<Figures> {
    const FIGURES: [Figure; 4] = [
        Figure::InstructionsPerRequest,
        Figure::InstructionsPerLoneRequest,
        Figure::InstructionsPerConnection,
        Figure::IdleInstructions,
    ];
    let rounds = pair.subjects.map(|subject| {
        let counted = || -> Result<Vec<[f64; 4]>, Error> {
            let server = pair.start(subject, Setup::COUNTED)?;
            load::wrk(server.address, FEW, pair.plan.seconds)?;
            (0..pair.plan.rounds).map(|_| counted_round(&server, pair.plan.seconds)).collect()
        };
        counted().map_err(|error| told(&error))
    });
    by_figure(FIGURES, &rounds)
}

fn counted_round(server: &Server, seconds: u32) -> Result<[f64; 4], Error> {
    let idle = idle_round(server)?;
    let lone = lone_round(server)?;
    let connection = connections_round(server)?;
    let request = busy_round(server, seconds, connection)?;
    Ok([request, lone, connection, idle])
}

fn idle_round(server: &Server) -> Result<f64, Error> {
    thread::sleep(SETTLE);
    let begin = server.count()?;
    thread::sleep(REST);
    Ok(server.count()?.rate_since(begin))
}

fn lone_round(server: &Server) -> Result<f64, Error> {
    let mut connection = server.connect(ROUND)?;
    server.get(&mut connection, "/")?;
    let begin = server.count()?;
    for _ in 0..REQUESTS {
        server.get(&mut connection, "/")?;
    }
    Ok(server.count()?.since(begin) / f64::from(REQUESTS))
}

fn connections_round(server: &Server) -> Result<f64, Error> {
    thread::sleep(SETTLE);
    let begin = server.count()?;
    for _ in 0..CONNECTIONS {
        server.get(&mut server.connect(ROUND)?, "/")?;
    }
    thread::sleep(SETTLE);
    Ok(server.count()?.since(begin) / f64::from(CONNECTIONS))
}

/// Instructions a request of `wrk`, less what its connections cost with a request each.
fn busy_round(server: &Server, seconds: u32, connection: f64) -> Result<f64, Error> {
    let begin = server.count()?;
    let load = faultless(server, FEW, seconds)?;
    thread::sleep(SETTLE);
    let instructions = server.count()?.since(begin);
    Ok((instructions - f64::from(FEW) * connection) / (load.requests - f64::from(FEW)))
}

/// Load under which no request failed.
fn faultless(server: &Server, connections: u32, seconds: u32) -> Result<load::Load, Error> {
    let load = load::wrk(server.address, connections, seconds)?;
    match load.errors {
        0 if load.requests > f64::from(connections) => Ok(load),
        errors => {
            let why = format!("wrk -c{connections}: {errors} errors, {} requests", load.requests);
            Err(server.failed(&why))
        }
    }
}

fn counted_starts(pair: &Pair) -> Vec<Figures> {
    let rounds = interleave(pair.few_rounds(), &pair.subjects.map(Ok), |subject| {
        let server = pair.start(*subject, Setup::COUNTED)?;
        Ok([server.count()?.instructions as f64 / 1e6])
    });
    by_figure([Figure::InstructionsToFirstAnswer], &rounds)
}

fn starts(pair: &Pair) -> Vec<Figures> {
    let rounds = interleave(pair.plan.rounds, &pair.subjects.map(Ok), |subject| {
        let mut server = Server::start(subject.recipe(pair.parts, Setup::PLAIN))?;
        Ok([server.first_answer(START)?.as_secs_f64() * 1e3])
    });
    by_figure([Figure::TimeToFirstAnswer], &rounds)
}

fn rates(pair: &Pair) -> Vec<Figures> {
    const FIGURES: [Figure; 3] =
        [Figure::RequestsPerSecond, Figure::RequestsPerProcessorSecond, Figure::ManyConnections];
    let servers = pair.start_both(Setup::PLAIN);
    let rounds = interleave(pair.plan.rounds, &servers, |server| {
        let begin = server.processor_seconds()?;
        let few = faultless(server, FEW, pair.plan.seconds)?;
        let worked = server.processor_seconds()? - begin;
        let many = faultless(server, MANY, pair.plan.seconds)?;
        thread::sleep(SETTLE);
        let few_rate = few.requests_per_second;
        Ok([few_rate, few.requests / worked, many.requests_per_second / few_rate])
    });
    by_figure(FIGURES, &rounds)
}

fn idle_connections(pair: &Pair) -> Vec<Figures> {
    // Its settings are those for many connections.
    let servers = pair.start_both(Setup::LARGE);
    let rounds = interleave(pair.few_rounds(), &servers, |server| {
        let without = faultless(server, FEW, pair.plan.seconds)?.requests_per_second;
        let idle = Idle::open(server, IDLE)?;
        let beside = faultless(server, FEW, pair.plan.seconds)?.requests_per_second;
        let open = idle.still_open();
        drop(idle);
        thread::sleep(LONG_SETTLE);
        if open < IDLE {
            return Err(server.failed(&format!("kept {open} of {IDLE} idle connections")));
        }
        Ok([beside / without])
    });
    by_figure([Figure::IdleConnections], &rounds)
}

fn downloads(pair: &Pair) -> Vec<Figures> {
    let servers = pair.start_both(Setup::LARGE);
    let rounds = interleave(pair.plan.rounds, &servers, |server| {
        let mut connection = server.connect(ROUND)?;
        let begin = Instant::now();
        let length = server.get(&mut connection, &format!("/{LARGE_FILE}"))?;
        if length != LARGE_BYTES {
            return Err(server.failed(&format!("{length} bytes of {LARGE_BYTES} in a download")));
        }
        Ok([(LARGE_BYTES / MEBIBYTE) as f64 / begin.elapsed().as_secs_f64()])
    });
    by_figure([Figure::Download], &rounds)
}

fn memory(pair: &Pair) -> Vec<Figures> {
    alone(Figure::Memory, pair, |subject| {
        let server = pair.start(subject, Setup::PLAIN)?;
        faultless(&server, FEW, pair.plan.seconds)?;
        server.memory()
    })
}

fn least_memory(pair: &Pair) -> Vec<Figures> {
    alone(Figure::LeastMemory, pair, |subject| {
        let range = match subject {
            Subject::Image(_) => Range { low: 1024, high: 32 * 1024, step: 64 },
            Subject::Linux(_) => Range { low: 64 * 1024, high: 256 * 1024, step: 2048 },
        };
        range.least(|memory_kib| serves_with(pair, subject, memory_kib)).ok_or_else(|| Error::Image {
            path: subject.name().into(),
            why: format!("does not serve with {} KiB", range.high),
        })
    })
}

/// Whether it starts and serves with so much memory, at the second try at last: a busy machine makes some fail.
fn serves_with(pair: &Pair, subject: Subject<'_>, memory_kib: u64) -> bool {
    (0..TRIES).any(|_| served_with(pair, subject, memory_kib))
}

fn served_with(pair: &Pair, subject: Subject<'_>, memory_kib: u64) -> bool {
    let recipe = subject.recipe(pair.parts, Setup { memory_kib, ..Setup::PLAIN });
    let served = Server::start(recipe).and_then(|mut server| {
        server.first_answer(LITTLE_PATIENCE)?;
        faultless(&server, FEW, 2)
    });
    served.is_ok()
}

/// Where a least value is looked for.
#[derive(Clone, Copy)]
struct Range {
    low: u64,
    high: u64,
    step: u64,
}

impl Range {
    /// The least multiple of the step from `low` to `high` with which it works, by halving; what works has to go on working
    /// above it.
    fn least(self, mut works: impl FnMut(u64) -> bool) -> Option<u64> {
        let (mut low, mut high) = (self.low / self.step, self.high / self.step);
        if !works(high * self.step) {
            return None;
        }
        while low < high {
            let middle = low.midpoint(high);
            if works(middle * self.step) { high = middle } else { low = middle + 1 }
        }
        Some(high * self.step)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RANGE: Range = Range { low: 1024, high: 8192, step: 64 };

    #[test]
    fn the_least_memory_is_found_in_few_steps() {
        let mut tries = 0;
        let found = RANGE.least(|memory| {
            tries += 1;
            memory >= 4800
        });
        assert_eq!(found, Some(4800));
        assert!(tries <= 9, "{tries}");
    }

    #[test]
    fn the_ends_of_the_range_count() {
        assert_eq!(RANGE.least(|_| true), Some(1024));
        assert_eq!(RANGE.least(|memory| memory >= 8192), Some(8192));
        assert_eq!(RANGE.least(|_| false), None);
    }

    #[test]
    fn rounds_are_of_one_and_the_other_in_turn() {
        let mut order = String::new();
        let rounds = interleave(2, &[Ok('a'), Ok('b')], |one| {
            order.push(*one);
            Ok([order.len() as f64])
        });
        assert_eq!(order, "abab");
        assert_eq!(rounds[1], Ok(vec![[2.0], [4.0]]));
    }

    #[test]
    fn what_fails_once_is_not_tried_again_and_leaves_the_other() {
        let mut tries = 0;
        let rounds = interleave(3, &[Ok(true), Ok(false)], |fails| {
            tries += u32::from(*fails);
            if *fails { Err(Error::Missing(vec!["memory".into()])) } else { Ok([1.0]) }
        });
        assert_eq!(tries, 1);
        assert!(rounds[0].is_err());
        let figures = by_figure([Figure::Download], &rounds);
        assert_eq!(figures[0].1[1], Value::Measured(Sample::new(vec![1.0; 3]).unwrap()));
    }

    #[test]
    fn every_step_has_its_place_in_the_estimate() {
        let total = |platform, counts| {
            let plan = Plan { rounds: 5, seconds: 5, counts };
            steps(platform, plan).iter().map(|step| step.seconds).sum::<f64>()
        };
        assert!(total(Platform::Linux, false) < total(Platform::Kvm, false));
        assert!(total(Platform::Kvm, true) < total(Platform::Kvm, false));
    }
}
