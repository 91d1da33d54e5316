#![doc = include_str!("../README.md")]

mod backtrace;
pub mod command;
mod console;
mod curl;
mod disks;
mod download;
mod exchange;
mod failure;
pub mod group;
mod http;
mod image;
mod load;
mod scenario;
mod slow;
mod transcript;
mod verdict;

use std::io::{self, Write};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

pub use curl::probe;
pub use failure::Failure;
pub use http::{Answer, Connection, wait_for_answer};
pub use scenario::{Disk, Download, Exchange, Load, Probe, Scenario, Slow};

use image::Image;
use verdict::Verdicts;

/// Runs one scenario and writes a line for each thing checked.
///
/// Returns whether everything held.
///
/// # Errors
///
/// Only where `out` cannot be written; an image that misbehaves is a line, not an error.
pub fn run(scenario: &Scenario, out: &mut impl Write) -> io::Result<bool> {
    let deadline = Instant::now() + Duration::from_secs(scenario.timeout_seconds);
    let mut verdicts = Verdicts::new(&scenario.name, out);
    let mut image = match Image::start(scenario, deadline) {
        Ok(image) => image,
        Err(failure) => {
            verdicts.add("start", Err(failure))?;
            return Ok(false);
        }
    };
    ask(scenario, &mut image, &mut verdicts)?;
    watch(scenario, &mut image, &mut verdicts)?;
    if !verdicts.all_held() {
        verdicts.quote(&image.last_words())?;
    }
    Ok(verdicts.all_held())
}

/// The network's side: requests, load, and slow clients.
fn ask(scenario: &Scenario, image: &mut Image, verdicts: &mut Verdicts<impl Write>) -> io::Result<()> {
    for probe in &scenario.http {
        let result = image.answering(&probe.service).and_then(|address| match &probe.raw {
            Some(raw) => http::probe_raw(address, raw, probe.status, image.deadline),
            None => curl::probe(address, probe, image.deadline),
        });
        verdicts.add(&probe.to_string(), result)?;
    }
    for exchange in &scenario.exchanges {
        let address = image.exchanging(exchange);
        let result = address.and_then(|address| exchange::probe(address, exchange, image.deadline));
        verdicts.add(&exchange.to_string(), result)?;
    }
    if let Some(load) = &scenario.load {
        put_under(load, image, verdicts)?;
    }
    if let Some(slow) = &scenario.slow {
        let address = image.answering(&slow.service);
        let result = address.and_then(|address| slow::beside_a_fast_one(address, slow, image.deadline));
        verdicts.add(&format!("{} slow clients beside a fast one", slow.connections), result)?;
    }
    Ok(())
}

/// Each kind of load that the scenario asks for.
fn put_under(load: &Load, image: &mut Image, verdicts: &mut Verdicts<impl Write>) -> io::Result<()> {
    type Kind = fn(SocketAddr, &Load, Instant) -> Result<(), Failure>;
    let kinds: [(u32, &str, Kind); 3] = [
        (load.sequence, "requests in sequence", load::in_sequence),
        (load.connections, "connections at once", load::at_once),
        (load.visits, "connections one after another", load::visits),
    ];
    for (count, what, run) in kinds.into_iter().filter(|(count, ..)| *count > 0) {
        let result = image.answering(&load.service).and_then(|address| run(address, load, image.deadline));
        verdicts.add(&format!("{count} {what}"), result)?;
    }
    Ok(())
}

/// Asks the image to end, in the middle of an answer where the scenario has one.
fn stop(scenario: &Scenario, image: &mut Image, verdicts: &mut Verdicts<impl Write>) -> io::Result<()> {
    let mut begun = None;
    if let Some(Download { service, path }) = &scenario.interrupted {
        let result = image.answering(service).and_then(|to| download::begin(to, path, image.deadline));
        verdicts.add(&format!("{path} begins"), result.map(|download| begun = Some(download)))?;
    }
    if scenario.stop {
        verdicts.add("asked to end", image.stop())?;
    }
    for (index, text) in scenario.last_words.iter().enumerate() {
        let result = image.console.shows(scenario.console.len() + index, image.deadline);
        verdicts.add(&format!("console shows {text:?}"), result)?;
    }
    if let Some(begun) = begun {
        verdicts.add("what began is cut", begun.ends_cut())?;
    }
    Ok(())
}

/// The console's side, and how the image ended.
fn watch(scenario: &Scenario, image: &mut Image, verdicts: &mut Verdicts<impl Write>) -> io::Result<()> {
    for (index, text) in scenario.console.iter().enumerate() {
        let result = image.console.shows(index, image.deadline);
        verdicts.add(&format!("console shows {text:?}"), result)?;
        if let (0, Some(input)) = (index, &scenario.input) {
            verdicts.add(&format!("{input:?} is typed"), image.take_input(input))?;
        }
    }
    if let Some(transcript) = &scenario.transcript {
        let what = format!("the console has the lines of {}", transcript.display());
        verdicts.add(&what, image.console.matches_transcript(image.deadline))?;
    }
    stop(scenario, image, verdicts)?;
    match scenario.expected_exit() {
        Some(status) => verdicts.add(&format!("exit status {status}"), image.exits_with(status))?,
        None => verdicts.add("still running", image.still_runs())?,
    }
    if !scenario.backtrace.is_empty() {
        let result = backtrace::names(&scenario.image, &image.console.backtrace(), &scenario.backtrace);
        verdicts.add(&format!("the backtrace has {:?}", scenario.backtrace), result)?;
    }
    for (index, text) in scenario.absent.iter().enumerate() {
        verdicts.add(&format!("console never shows {text:?}"), image.console.lacks(index))?;
    }
    Ok(())
}
