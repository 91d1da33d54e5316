//! What `run` and its image write, judged line by line as it comes, so that a flood costs no memory.

use std::collections::{BTreeMap, VecDeque};
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Instant;

use symbolize::Backtraces;

use crate::Failure;
use crate::transcript::Transcript;

/// A line longer than this many bytes is taken in pieces.
const LONGEST_LINE: u64 = 64 * 1024;

/// Lines shown after a failure.
const SHOWN_LINES: usize = 30;

/// Addresses of backtraces that are kept.
const MOST_FRAMES: usize = 1000;

/// A console that is being read.
pub(crate) struct Console {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    lines: Mutex<Lines>,
    changed: Condvar,
}

/// What of the lines so far is needed.
#[derive(Default)]
struct Lines {
    expected: Vec<String>,
    /// How many of `expected` were found, each behind the one before.
    found: usize,
    absent: Vec<String>,
    /// For each of `absent` the first line that contains it.
    shown: Vec<Option<String>>,
    /// Where `run` forwards each service to.
    addresses: BTreeMap<String, SocketAddr>,
    /// Addresses of backtraces, as they came.
    backtrace: Vec<u64>,
    backtraces: Backtraces,
    last_lines: VecDeque<String>,
    open_streams: usize,
    /// What all of them are compared with.
    compared: Option<Transcript>,
}

impl Console {
    /// Reads the streams to their ends, each in a thread of its own.
    pub(crate) fn new(
        streams: Vec<Box<dyn Read + Send>>,
        expected: &[String],
        absent: &[String],
        compared: Option<Transcript>,
    ) -> Self {
        let lines = Lines {
            expected: expected.to_vec(),
            absent: absent.to_vec(),
            shown: vec![None; absent.len()],
            open_streams: streams.len(),
            compared,
            ..Lines::default()
        };
        let shared = Arc::new(Shared { lines: Mutex::new(lines), changed: Condvar::new() });
        for stream in streams {
            let shared = Arc::clone(&shared);
            thread::spawn(move || shared.read(stream));
        }
        Self { shared }
    }

    /// Waits until the expected text of this index has come.
    pub(crate) fn shows(&self, index: usize, deadline: Instant) -> Result<(), Failure> {
        self.wait("the console", deadline, |lines| {
            if index < lines.found {
                return Some(Ok(()));
            }
            (lines.open_streams == 0).then_some(Err(Failure::NotShown))
        })
    }

    /// That no line so far contains the absent text of this index.
    pub(crate) fn lacks(&self, index: usize) -> Result<(), Failure> {
        match &self.shared.lock().shown[index] {
            Some(line) => Err(Failure::Shown(line.clone())),
            None => Ok(()),
        }
    }

    /// Waits for the last line of the transcript that is compared, and judges them all.
    pub(crate) fn matches_transcript(&self, deadline: Instant) -> Result<(), Failure> {
        let over = self.wait("the transcript's last line", deadline, |lines| {
            let is_over = lines.compared.as_ref().is_none_or(Transcript::is_over);
            (is_over || lines.open_streams == 0).then_some(Ok(()))
        });
        // What came until then says more than that time was over.
        let judged = self.shared.lock().compared.as_ref().map_or(Ok(()), Transcript::judge);
        judged.and(over)
    }

    /// Waits until `run` tells where a service is.
    pub(crate) fn address(&self, service: &str, deadline: Instant) -> Result<SocketAddr, Failure> {
        self.wait("the address of a service", deadline, |lines| {
            if let Some(address) = lines.addresses.get(service) {
                return Some(Ok(*address));
            }
            (lines.open_streams == 0).then_some(Err(Failure::NoAddress { service: service.to_owned() }))
        })
    }

    /// Waits until every stream has ended: nothing more can appear.
    pub(crate) fn ends(&self, deadline: Instant) -> Result<(), Failure> {
        self.wait("the end of the console", deadline, |lines| (lines.open_streams == 0).then_some(Ok(())))
    }

    /// The addresses of all backtraces so far.
    pub(crate) fn backtrace(&self) -> Vec<u64> {
        self.shared.lock().backtrace.clone()
    }

    /// What to show after a failure.
    pub(crate) fn last_lines(&self) -> Vec<String> {
        self.shared.lock().last_lines.iter().cloned().collect()
    }

    fn wait<T>(
        &self,
        waiting_for: &str,
        deadline: Instant,
        ready: impl Fn(&Lines) -> Option<Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let mut lines = self.shared.lock();
        loop {
            if let Some(result) = ready(&lines) {
                return result;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Failure::TimedOut { waiting_for: waiting_for.to_owned() });
            }
            let woken = self.shared.changed.wait_timeout(lines, left);
            lines = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Shared {
    /// They are consistent after every line, so that a reader's panic does not spoil it.
    fn lock(&self) -> MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes each line of the stream; text before its end counts as one.
    fn read(&self, stream: Box<dyn Read + Send>) {
        let mut reader = BufReader::new(stream);
        let mut line = Vec::new();
        while reader.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
            let text = String::from_utf8_lossy(&line);
            self.lock().take(text.trim_end_matches(['\r', '\n']));
            self.changed.notify_all();
            line.clear();
        }
        self.lock().open_streams -= 1;
        self.changed.notify_all();
    }
}

impl Lines {
    fn take(&mut self, line: &str) {
        if let Some(compared) = &mut self.compared {
            compared.take(line);
        }
        if self.expected.get(self.found).is_some_and(|text| line.contains(text)) {
            self.found += 1;
        }
        for (text, shown) in self.absent.iter().zip(&mut self.shown) {
            if shown.is_none() && line.contains(text) {
                *shown = Some(line.to_owned());
            }
        }
        if let Some((service, address)) = announced(line) {
            self.addresses.entry(service).or_insert(address);
        }
        if self.backtrace.len() < MOST_FRAMES {
            self.backtrace.extend(self.backtraces.address(line));
        }
        if self.last_lines.len() == SHOWN_LINES {
            self.last_lines.pop_front();
        }
        self.last_lines.push_back(line.to_owned());
    }
}

/// `http://127.0.0.1:8080/` as the service and its address.
fn announced(line: &str) -> Option<(String, SocketAddr)> {
    let (service, rest) = line.trim().split_once("://")?;
    let address = rest.strip_suffix('/').unwrap_or(rest).parse().ok()?;
    Some((service.to_owned(), address))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn console(text: &'static str, expected: &[&str], absent: &[&str]) -> Console {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        Console::new(vec![Box::new(text.as_bytes())], &owned(expected), &owned(absent), None)
    }

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(5)
    }

    #[test]
    fn texts_are_found_in_their_order_only() {
        let console = console("one\r\ntwo\nthree without an end", &["one", "without", "two"], &[]);
        assert!(console.shows(0, soon()).is_ok());
        assert!(console.shows(1, soon()).is_ok());
        assert!(matches!(console.shows(2, soon()), Err(Failure::NotShown)));
    }

    #[test]
    fn a_line_serves_one_expectation() {
        let console = console("twice\n", &["twice", "twice"], &[]);
        assert!(console.shows(0, soon()).is_ok());
        assert!(console.shows(1, soon()).is_err());
    }

    #[test]
    fn a_flood_without_line_ends_is_taken_in_pieces() {
        let stream = std::io::repeat(b'x').take(LONGEST_LINE * 3 + 1);
        let console = Console::new(vec![Box::new(stream)], &[], &[], None);
        console.ends(soon()).unwrap();
        assert_eq!(console.last_lines().len(), 4);
    }

    #[test]
    fn nothing_written_is_a_time_out() {
        let (reader, _writer) = std::io::pipe().unwrap();
        let console = Console::new(vec![Box::new(reader)], &["x".into()], &[], None);
        let deadline = Instant::now() + Duration::from_millis(50);
        assert!(matches!(console.shows(0, deadline), Err(Failure::TimedOut { .. })));
    }

    #[test]
    fn what_must_not_appear_is_told_with_its_line() {
        let console = console("all well\npanicked at 7\n", &[], &["panicked", "refused"]);
        console.ends(soon()).unwrap();
        assert!(matches!(console.lacks(0), Err(Failure::Shown(line)) if line == "panicked at 7"));
        assert!(console.lacks(1).is_ok());
    }

    #[test]
    fn the_first_address_of_a_service_counts() {
        let console = console("http://127.0.0.1:8080/\nhttp://127.0.0.1:9/\n", &[], &[]);
        console.ends(soon()).unwrap();
        assert_eq!(console.address("http", soon()).unwrap().port(), 8080);
        assert!(matches!(console.address("dns", soon()), Err(Failure::NoAddress { .. })));
    }

    #[test]
    fn lines_that_only_look_like_addresses_are_none() {
        assert_eq!(announced("see http://example.org/"), None);
        assert_eq!(announced("http://127.0.0.1/"), None);
    }
}
