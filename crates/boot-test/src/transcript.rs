//! What an image writes beside what another program wrote that did the same.

use std::path::Path;
use std::{fs, io};

use crate::Failure;

/// Differences that are told of a transcript.
const TOLD: usize = 40;

/// The lines that are expected, and how the console's compare with them: from the first to the last, and nothing between.
#[derive(Debug, Default)]
pub(crate) struct Transcript {
    lines: Vec<String>,
    /// The console's lines from the first expected one on, as many as are expected.
    got: Vec<String>,
}

impl Transcript {
    pub(crate) fn read(path: &Path) -> io::Result<Self> {
        let lines: Vec<String> = fs::read_to_string(path)?.lines().map(str::to_owned).collect();
        if lines.is_empty() {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "it has no lines"));
        }
        Ok(Self { lines, got: Vec::new() })
    }

    /// Takes a line of the console.
    pub(crate) fn take(&mut self, line: &str) {
        let begun = !self.got.is_empty() || self.lines.first().is_some_and(|first| first == line);
        if begun && self.got.len() < 2 * self.lines.len() && !self.is_over() {
            self.got.push(line.to_owned());
        }
    }

    /// Whether the last line has come.
    pub(crate) fn is_over(&self) -> bool {
        !self.got.is_empty() && self.got.last() == self.lines.last()
    }

    /// Fails where the console differs.
    pub(crate) fn judge(&self) -> Result<(), Failure> {
        if self.got == self.lines {
            return Ok(());
        }
        let mut differences = differences(&self.lines, &self.got);
        let more = differences.len().saturating_sub(TOLD);
        differences.truncate(TOLD);
        if more > 0 {
            differences.push(format!("and {more} more"));
        }
        Err(Failure::Transcript(differences))
    }
}

/// The lines that one side has alone, `-` before those that are expected and `+` before those that came. Where the two part,
/// they meet again at the nearest line that both have.
fn differences(expected: &[String], got: &[String]) -> Vec<String> {
    let (mut expected, mut got) = (expected, got);
    let mut told = Vec::new();
    loop {
        let same = expected.iter().zip(got).take_while(|(one, other)| one == other).count();
        (expected, got) = (&expected[same..], &got[same..]);
        if expected.is_empty() && got.is_empty() {
            return told;
        }
        let (left, right) = next_common(expected, got);
        told.extend(expected[..left].iter().map(|line| format!("-{line}")));
        told.extend(got[..right].iter().map(|line| format!("+{line}")));
        (expected, got) = (&expected[left..], &got[right..]);
    }
}

/// How many lines to pass over on either side, as few as possible together, so that the next is the same.
fn next_common(expected: &[String], got: &[String]) -> (usize, usize) {
    let steps = (0..expected.len() + got.len()).flat_map(|sum| (0..=sum).map(move |left| (left, sum - left)));
    let same = |(left, right): &(usize, usize)| {
        *left < expected.len() && *right < got.len() && expected[*left] == got[*right]
    };
    steps.into_iter().find(same).unwrap_or((expected.len(), got.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transcript(lines: &[&str]) -> Transcript {
        Transcript { lines: lines.iter().map(|line| (*line).to_owned()).collect(), got: Vec::new() }
    }

    fn told(expected: &[&str], got: &[&str]) -> Option<Vec<String>> {
        let mut transcript = transcript(expected);
        got.iter().for_each(|line| transcript.take(line));
        match transcript.judge() {
            Ok(()) => None,
            Err(Failure::Transcript(differences)) => Some(differences),
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn what_comes_before_and_behind_does_not_count() {
        assert_eq!(told(&["begin", "a", "end"], &["booting", "begin", "a", "end", "halted"]), None);
    }

    #[test]
    fn each_difference_is_told_and_no_more() {
        let expected = ["begin", "a", "b", "c", "d", "end"];
        assert_eq!(told(&expected, &["begin", "a", "x", "c", "d", "end"]).unwrap(), ["-b", "+x"]);
        assert_eq!(told(&expected, &["begin", "a", "b", "more", "c", "d", "end"]).unwrap(), ["+more"]);
        assert_eq!(told(&expected, &["begin", "b", "c", "d", "end"]).unwrap(), ["-a"]);
    }

    #[test]
    fn what_stops_early_or_never_begins_differs() {
        assert_eq!(told(&["begin", "a", "end"], &["begin", "a"]).unwrap(), ["-end"]);
        assert_eq!(told(&["begin", "end"], &["end"]).unwrap(), ["-begin", "-end"]);
    }
}
