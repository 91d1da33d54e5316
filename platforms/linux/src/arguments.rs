//! The process's arguments as a command line.

use alloc::string::String;
use core::ffi::CStr;
use core::fmt;

/// Why an argument cannot be part of the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArgumentError {
    /// Which one, counted from 1.
    pub position: usize,
    /// What is wrong with it.
    pub reason: Reason,
}

/// What is wrong with an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It is not UTF-8.
    NotUtf8,
    /// It begins with a double quote or holds spaces, and holds a double quote: a command line has no way to say it.
    Unquotable,
}

impl fmt::Display for ArgumentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reason = match self.reason {
            Reason::NotUtf8 => "is not UTF-8",
            Reason::Unquotable => "holds spaces and double quotes",
        };
        write!(f, "argument {} {reason}", self.position)
    }
}

/// Joins arguments to a line that [`CommandLine`](iface_platform::CommandLine) takes apart into the same words.
pub(crate) fn command_line<'a>(arguments: impl Iterator<Item = &'a CStr>) -> Result<String, ArgumentError> {
    let mut line = String::new();
    for (argument, position) in arguments.zip(1..) {
        let error = |reason| ArgumentError { position, reason };
        let word = argument.to_str().map_err(|_| error(Reason::NotUtf8))?;
        if !line.is_empty() {
            line.push(' ');
        }
        match (needs_quotes(word), word.contains('"')) {
            (false, _) => line.push_str(word),
            (true, false) => line.extend(["\"", word, "\""]),
            (true, true) => return Err(error(Reason::Unquotable)),
        }
    }
    Ok(line)
}

fn needs_quotes(word: &str) -> bool {
    word.is_empty() || word.starts_with('"') || word.contains([' ', '\t', '\n'])
}

#[cfg(test)]
mod tests {
    extern crate std;
    use alloc::ffi::CString;
    use std::vec::Vec;

    use iface_platform::CommandLine;

    use super::*;

    fn joined(words: &[&[u8]]) -> Result<String, ArgumentError> {
        let words: Vec<_> = words.iter().map(|word| CString::new(*word).unwrap()).collect();
        command_line(words.iter().map(CString::as_c_str))
    }

    #[test]
    fn words_survive() {
        let words: [&str; 9] =
            ["ip=dhcp", "name=two words", "--", "-v", "a b", "", "say\"it\"", "--", "tab\there"];
        let bytes: Vec<_> = words.iter().map(|word| word.as_bytes()).collect();
        let line = joined(&bytes).unwrap();
        let line = CommandLine::new(&line);
        assert_eq!(line.settings().collect::<Vec<_>>(), [("ip", "dhcp"), ("name", "two words")]);
        assert_eq!(line.arguments().collect::<Vec<_>>(), words[3..]);
    }

    #[test]
    fn what_the_line_cannot_say_is_refused() {
        let refused = |words: &[&[u8]]| joined(words).unwrap_err();
        assert_eq!(
            refused(&[b"a", b"say \"it\""]),
            ArgumentError { position: 2, reason: Reason::Unquotable }
        );
        assert_eq!(refused(&[b"\"a"]), ArgumentError { position: 1, reason: Reason::Unquotable });
        assert_eq!(refused(&[b"\xff"]), ArgumentError { position: 1, reason: Reason::NotUtf8 });
    }
}
