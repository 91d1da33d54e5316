//! What every workload is measured by: steps of figures, both in turn, round by round.

use std::time::Duration;

use crate::error::Error;
use crate::image::Image;
use crate::page;
use crate::progress::Progress;
use crate::results::{Figure, Row, Value};
use crate::server::{START, Server};
use crate::statistics::Sample;
use crate::subject::{Parts, Setup, Subject};

/// Rounds that take a machine's start or thousands of connections are as many at most.
const FEW_ROUNDS: usize = 2;
/// How often it is tried whether a server does with so much memory.
const TRIES: usize = 2;
/// How long each may take to start: some wait for memory for ever.
const LITTLE_PATIENCE: Duration = Duration::from_secs(30);

const BYTES: Figure = Figure::less("bytes", "size, bytes");
const INSTRUCTIONS_TO_FIRST_ANSWER: Figure =
    Figure::less("instructionsToFirstAnswer", "instructions from reset to the first answer, millions");
const TIME_TO_FIRST_ANSWER: Figure =
    Figure::less("timeToFirstAnswer", "time from start to the first answer, ms");

/// How much is measured.
#[derive(Clone, Copy)]
pub struct Plan {
    /// Rounds of every figure.
    pub rounds: usize,
    /// Seconds of a round of load.
    pub seconds: u32,
    /// Whether only what hardly depends on the rest of the machine is measured.
    pub counts: bool,
}

impl Plan {
    /// Rounds of what takes long.
    pub fn few_rounds(self) -> usize {
        self.rounds.min(FEW_ROUNDS)
    }
}

/// A figure with the values of the image, and of what is beside it.
pub type Figures = (Figure, [Value; 2]);

/// What the rounds of one of the two say of `N` figures, or why there are none.
type Rounds<const N: usize> = Result<Vec<[f64; N]>, String>;

/// A measurement of some figures.
pub struct Step {
    pub what: &'static str,
    /// How long it takes on a machine that does nothing else.
    pub seconds: f64,
    pub measure: fn(&Pair<'_>) -> Vec<Figures>,
}

impl Step {
    pub fn new(what: &'static str, seconds: f64, measure: fn(&Pair<'_>) -> Vec<Figures>) -> Self {
        Self { what, seconds, measure }
    }
}

/// What takes part in a comparison.
pub struct Pair<'a> {
    pub subjects: [Subject<'a>; 2],
    pub parts: &'a Parts,
    pub plan: Plan,
}

/// How long each step for these images takes, in their order.
pub fn durations(images: &[Image], plan: Plan) -> Vec<Duration> {
    let steps = images.iter().flat_map(|image| image.workload.steps(image.platform, plan));
    steps.map(|step| Duration::from_secs_f64(step.seconds)).collect()
}

/// Measures an image and what is beside it.
///
/// What fails for one of the two is told, and missing in the results; the rest is measured all the same.
pub fn compare(image: &Image, parts: &Parts, plan: Plan, progress: &mut Progress) -> Vec<Row> {
    let subjects = [Subject::Image(image), Subject::Beside(image)];
    let pair = Pair { subjects, parts, plan };
    let mut rows = Vec::new();
    for step in image.workload.steps(image.platform, plan) {
        progress.begin(&format!("{}: {}", image.name, step.what), Duration::from_secs_f64(step.seconds));
        let figures = (step.measure)(&pair).into_iter();
        for (figure, [image, beside]) in figures {
            let row = Row { figure, image, beside };
            eprint!("{}", page::line(&row));
            rows.push(row);
        }
    }
    rows
}

impl Pair<'_> {
    /// Starts a server, and waits for its first answer.
    pub fn start(&self, subject: Subject<'_>, setup: Setup) -> Result<Server, Error> {
        Server::start_and_wait(subject.recipe(self.parts, setup))
    }

    /// Both, started one after the other.
    pub fn start_both(&self, setup: Setup) -> [Result<Server, String>; 2] {
        self.subjects.map(|subject| self.start(subject, setup).map_err(|error| told(&error)))
    }

    /// Figures of both in turn, each time of what `measure` says of a subject.
    pub fn in_turn<const N: usize>(
        &self,
        figures: [Figure; N],
        rounds: usize,
        mut measure: impl FnMut(Subject<'_>) -> Result<[f64; N], Error>,
    ) -> Vec<Figures> {
        by_figure(figures, &interleave(rounds, &self.subjects.map(Ok), |subject| measure(*subject)))
    }

    /// Figures of two servers that stay, in turn.
    pub fn of_servers<const N: usize>(
        &self,
        figures: [Figure; N],
        rounds: usize,
        setup: Setup,
        measure: impl FnMut(&Server) -> Result<[f64; N], Error>,
    ) -> Vec<Figures> {
        by_figure(figures, &interleave(rounds, &self.start_both(setup), measure))
    }

    /// Figures of all rounds of one, and then of the other: for counts, which do not depend on what else happens when.
    pub fn one_by_one<const N: usize>(
        &self,
        figures: [Figure; N],
        mut measure: impl FnMut(Subject<'_>) -> Result<Vec<[f64; N]>, Error>,
    ) -> Vec<Figures> {
        let rounds = self.subjects.map(|subject| measure(subject).map_err(|error| told(&error)));
        by_figure(figures, &rounds)
    }

    /// A figure that each of the two tells once.
    pub fn alone(&self, figure: Figure, measure: impl Fn(Subject<'_>) -> Result<u64, Error>) -> Vec<Figures> {
        let value = |subject| match measure(subject) {
            Ok(value) => Value::Measured(Sample::exact(value)),
            Err(error) => Value::absent(told(&error)),
        };
        vec![(figure, self.subjects.map(value))]
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

/// Length of what is loaded to start each.
pub fn bytes(pair: &Pair<'_>) -> Vec<Figures> {
    pair.alone(BYTES, |subject| subject.bytes(pair.parts))
}

/// Instructions of a server that is just started.
pub fn counted_starts(pair: &Pair<'_>) -> Vec<Figures> {
    pair.in_turn([INSTRUCTIONS_TO_FIRST_ANSWER], pair.plan.few_rounds(), |subject| {
        let server = pair.start(subject, usual(pair).counted())?;
        Ok([server.count()?.instructions as f64 / 1e6])
    })
}

/// Time that a server takes to start.
pub fn starts(pair: &Pair<'_>) -> Vec<Figures> {
    pair.in_turn([TIME_TO_FIRST_ANSWER], pair.plan.rounds, |subject| {
        let mut server = Server::start(subject.recipe(pair.parts, usual(pair)))?;
        Ok([server.first_answer(START)?.as_secs_f64() * 1e3])
    })
}

/// With the first root.
fn usual(pair: &Pair<'_>) -> Setup {
    Setup { root: pair.parts.roots.first().map(|(name, _)| *name), ..Setup::PACKED }
}

/// Memory that the processes of both have after some work.
pub fn memory(pair: &Pair<'_>, figure: Figure, work: impl Fn(&Server) -> Result<(), Error>) -> Vec<Figures> {
    pair.alone(figure, |subject| {
        let server = pair.start(subject, usual(pair))?;
        work(&server)?;
        server.memory()
    })
}

/// The least memory with which both do some work.
pub fn least_memory(
    pair: &Pair<'_>,
    figure: Figure,
    work: impl Fn(&Server) -> Result<(), Error>,
) -> Vec<Figures> {
    pair.alone(figure, |subject| {
        let range = match subject {
            Subject::Image(_) => Range { low: 1024, high: 64 * 1024, step: 64 },
            Subject::Beside(_) => Range { low: 64 * 1024, high: 256 * 1024, step: 4096 },
        };
        let works = |memory_kib| {
            // A busy machine makes some fail, at first.
            (0..TRIES).any(|_| {
                let recipe = subject.recipe(pair.parts, Setup { memory_kib, ..usual(pair) });
                let worked = Server::start(recipe).and_then(|mut server| {
                    server.first_answer(LITTLE_PATIENCE)?;
                    work(&server)
                });
                worked.is_ok()
            })
        };
        range.least(works).ok_or_else(|| Error::Image {
            path: subject.name().into(),
            why: format!("does not serve with {} KiB", range.high),
        })
    })
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
        let figures = by_figure([BYTES], &rounds);
        assert_eq!(figures[0].1[1], Value::Measured(Sample::new(vec![1.0; 3]).unwrap()));
    }
}
