//! The command line that an image is started with: settings, then ` -- `, then the application's arguments.

/// `name=value name "name=value with spaces" -- argument "second argument"`.
///
/// Words are separated by spaces; double quotes keep spaces inside a word, as in Linux's kernel parameters
/// (Documentation/admin-guide/kernel-parameters.rst). A quote that is never closed ends with the line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CommandLine<'a>(&'a str);

impl<'a> CommandLine<'a> {
    /// A command line as it came.
    pub const fn new(line: &'a str) -> Self {
        Self(line)
    }

    /// The value of the last setting called `name`: `Some("")` for a bare `name`, `None` where there is none.
    pub fn setting(&self, name: &str) -> Option<&'a str> {
        self.settings().filter(|(key, _)| *key == name).map(|(_, value)| value).last()
    }

    /// Every setting in order, as name and value.
    pub fn settings(&self) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        Words(self.0).take_while(|word| *word != "--").map(|word| word.split_once('=').unwrap_or((word, "")))
    }

    /// The application's arguments: every word after the first `--`.
    pub fn arguments(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let mut words = Words(self.0);
        words.by_ref().any(|word| word == "--");
        words
    }
}

struct Words<'a>(&'a str);

impl<'a> Iterator for Words<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let rest = self.0.trim_start_matches(is_space);
        if rest.is_empty() {
            self.0 = rest;
            return None;
        }
        let (word, rest) = match rest.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
            None => rest.split_at(rest.find(is_space).unwrap_or(rest.len())),
        };
        self.0 = rest;
        Some(word)
    }
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n')
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::vec::Vec;

    use super::CommandLine;

    #[test]
    fn settings_end_where_arguments_begin() {
        let line = CommandLine::new("ip=dhcp quiet  ip=10.0.2.15/24 -- -v ip=none --");
        assert_eq!(line.setting("ip"), Some("10.0.2.15/24"));
        assert_eq!(line.setting("quiet"), Some(""));
        assert_eq!(line.setting("gw"), None);
        assert_eq!(line.arguments().collect::<Vec<_>>(), ["-v", "ip=none", "--"]);
    }

    #[test]
    fn quotes_keep_spaces() {
        let line = CommandLine::new("\"name=two words\" -- \"a b\" \"open end");
        assert_eq!(line.setting("name"), Some("two words"));
        assert_eq!(line.arguments().collect::<Vec<_>>(), ["a b", "open end"]);
    }

    #[test]
    fn nothing_is_nothing() {
        for empty in ["", "   ", " -- "] {
            assert_eq!(CommandLine::new(empty).settings().count(), 0, "{empty:?}");
            assert_eq!(CommandLine::new(empty).arguments().count(), 0, "{empty:?}");
        }
    }
}
