//! What a person sees while Nix works.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::activity::name_of;

/// So much of what a build wrote is shown where it fails.
const LOG_LINES: usize = 40;

/// The builds that go on, as one line at a terminal and as a line each elsewhere.
pub(crate) struct Progress {
    bar: ProgressBar,
    running: BTreeMap<u64, String>,
    /// The last lines of each build by derivation; that one failed is told after it is over.
    logs: BTreeMap<String, VecDeque<String>>,
    finished: u32,
}

impl Progress {
    pub(crate) fn new() -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        // A template that does not parse would leave the default style, which is as good.
        if let Ok(style) = ProgressStyle::with_template("{spinner} {elapsed} {wide_msg}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(200));
        bar.set_message("evaluating");
        Self { bar, running: BTreeMap::new(), logs: BTreeMap::new(), finished: 0 }
    }

    /// A build begins.
    pub(crate) fn started(&mut self, id: u64, derivation: &str) {
        let name = name_of(derivation);
        if self.bar.is_hidden() {
            eprintln!("building {name}");
        }
        self.running.insert(id, derivation.to_owned());
        self.show();
    }

    /// A build wrote a line.
    pub(crate) fn wrote(&mut self, id: u64, line: String) {
        let Some(derivation) = self.running.get(&id) else { return };
        let log = self.logs.entry(derivation.clone()).or_default();
        log.push_back(line);
        if log.len() > LOG_LINES {
            log.pop_front();
        }
    }

    /// A build is over, and which; `None` for an activity of another kind.
    pub(crate) fn stopped(&mut self, id: u64) -> Option<String> {
        let derivation = self.running.remove(&id)?;
        self.finished += 1;
        self.show();
        Some(derivation)
    }

    /// Writes to standard error without tearing the line of progress, after the log of a build that the text names.
    pub(crate) fn print(&mut self, text: &str) {
        let log = self.log_of(text).unwrap_or_default();
        self.bar.suspend(|| {
            log.iter().for_each(|line| eprintln!("{line}"));
            eprintln!("{text}");
        });
    }

    /// Takes the log of the build that a message names, so that it is told once.
    fn log_of(&mut self, message: &str) -> Option<VecDeque<String>> {
        let derivation = self.logs.keys().find(|derivation| message.contains(derivation.as_str()))?.clone();
        self.logs.remove(&derivation)
    }

    /// Runs something that writes to standard output.
    pub(crate) fn suspend(&self, write: impl FnOnce()) {
        self.bar.suspend(write);
    }

    fn show(&self) {
        let names: Vec<&str> = self.running.values().map(|derivation| name_of(derivation)).collect();
        self.bar.set_message(format!("{} built, building {}", self.finished, names.join(", ")));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_failed_builds_log_is_told_once() {
        let mut progress = Progress::new();
        progress.started(1, "/nix/store/a-room.drv");
        for number in 0..=LOG_LINES {
            progress.wrote(1, number.to_string());
        }
        progress.stopped(1);
        assert_eq!(progress.log_of("builder for '/nix/store/b-other.drv' failed"), None);
        let log = progress.log_of("builder for '/nix/store/a-room.drv' failed").unwrap();
        assert_eq!((log.len(), log[0].as_str()), (LOG_LINES, "1"));
        assert_eq!(progress.log_of("/nix/store/a-room.drv"), None);
    }
}
