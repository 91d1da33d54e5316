//! How long it took to build what tests are made of.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// What took less is told of all together.
const SHORTEST_SHOWN: Duration = Duration::from_secs(1);

/// The time of all builds of a name.
#[derive(Clone, Copy, Default)]
struct Spent {
    builds: u32,
    time: Duration,
}

impl Spent {
    fn add(&mut self, more: Spent) {
        self.builds += more.builds;
        self.time += more.time;
    }
}

/// Times by name: of the wall clock, and of builds that go on beside each other.
#[derive(Default)]
pub(super) struct Times {
    spent: BTreeMap<String, Spent>,
}

impl Times {
    pub(super) fn add(&mut self, name: &str, time: Duration) {
        self.spent.entry(name.to_owned()).or_default().add(Spent { builds: 1, time });
    }
}

/// A line each, the longest first; nothing where nothing was built.
impl fmt::Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.spent.is_empty() {
            return Ok(());
        }
        let (mut shown, mut rest, mut all) = (Vec::new(), Spent::default(), Spent::default());
        for (name, spent) in &self.spent {
            all.add(*spent);
            if spent.time < SHORTEST_SHOWN { rest.add(*spent) } else { shown.push((name.as_str(), *spent)) }
        }
        shown.sort_by_key(|(_, spent)| std::cmp::Reverse(spent.time));
        if rest.builds > 0 {
            shown.push(("what took less than a second", rest));
        }
        shown.push(("all together, several at once", all));
        writeln!(f, "seconds for what was built and run now:")?;
        shown.iter().try_for_each(|(name, spent)| line(f, name, spent))
    }
}

fn line(f: &mut fmt::Formatter<'_>, name: &str, spent: &Spent) -> fmt::Result {
    write!(f, "{:8.1}  {name}", spent.time.as_secs_f64())?;
    if spent.builds > 1 {
        write!(f, " ({} of them)", spent.builds)?;
    }
    writeln!(f)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_come_first_and_those_of_a_name_together() {
        let mut times = Times::default();
        for (name, seconds) in [("tree", 0.25), ("rooms", 20.0), ("boot", 25.5), ("rooms", 10.0)] {
            times.add(name, Duration::from_secs_f64(seconds));
        }
        let expected = "\
seconds for what was built and run now:
    30.0  rooms (2 of them)
    25.5  boot
     0.2  what took less than a second
    55.8  all together, several at once (4 of them)
";
        assert_eq!(times.to_string(), expected);
    }

    #[test]
    fn where_nothing_was_built_there_is_nothing_to_tell() {
        assert_eq!(Times::default().to_string(), "");
    }
}
