//! What a person sees while Nix works.

use std::collections::BTreeMap;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::activity::name_of;

/// The builds that go on, as one line at a terminal and as a line each elsewhere.
pub(crate) struct Progress {
    bar: ProgressBar,
    running: BTreeMap<u64, String>,
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
        Self { bar, running: BTreeMap::new(), finished: 0 }
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

    /// A build is over, and which; `None` for an activity of another kind.
    pub(crate) fn stopped(&mut self, id: u64) -> Option<String> {
        let derivation = self.running.remove(&id)?;
        self.finished += 1;
        self.show();
        Some(derivation)
    }

    /// Writes to standard error without tearing the line of progress.
    pub(crate) fn print(&self, text: &str) {
        self.bar.suspend(|| eprintln!("{text}"));
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
