#![doc = include_str!("../README.md")]

use std::io::{self, BufRead, Write};
use std::path::Path;

use addr2line::Loader;

/// The symbols of an image.
pub struct Symbols(Loader);

impl Symbols {
    /// Reads a `.debug` file.
    ///
    /// # Errors
    /// What is wrong with the file, in words.
    pub fn open(path: &Path) -> Result<Self, String> {
        Loader::new(path).map(Self).map_err(|error| error.to_string())
    }

    /// The functions at an address, the inlined ones first, each with its file and line where they are known.
    ///
    /// A backtrace has addresses to return to, which may be those of the next line or function; the call is before them.
    pub fn frames(&self, return_address: u64) -> Vec<String> {
        let call = return_address.saturating_sub(1);
        let mut shown = Vec::new();
        if let Ok(mut frames) = self.0.find_frames(call) {
            while let Ok(Some(frame)) = frames.next() {
                let function =
                    frame.function.as_ref().and_then(|name| Some(name.demangle().ok()?.into_owned()));
                let place = frame.location.and_then(|place| Some(format!("{}:{}", place.file?, place.line?)));
                if let Some(function) = function {
                    shown.push(match place {
                        Some(place) => format!("{function} at {place}"),
                        None => function,
                    });
                }
            }
        }
        if shown.is_empty() {
            let symbol = self.0.find_symbol(call);
            shown.extend(symbol.map(|name| addr2line::demangle_auto(name.into(), None).into_owned()));
        }
        shown
    }
}

/// Finds the addresses of backtraces in a console's lines.
#[derive(Default)]
pub struct Backtraces {
    inside: bool,
}

impl Backtraces {
    /// The address on the next line of the console, where that is one of a backtrace: indented, and nothing else.
    pub fn address(&mut self, line: &str) -> Option<u64> {
        let digits = line.strip_prefix("  0x").filter(|_| self.inside);
        let address = digits.and_then(|digits| u64::from_str_radix(digits, 16).ok());
        self.inside = line == "backtrace:" || address.is_some();
        address
    }
}

/// Copies a console's text and puts under each address of a backtrace what `resolve` knows of it.
///
/// # Errors
/// Those of the streams.
pub fn rewrite(
    input: impl BufRead,
    mut output: impl Write,
    resolve: impl Fn(u64) -> Vec<String>,
) -> io::Result<()> {
    let mut backtraces = Backtraces::default();
    for line in input.split(b'\n') {
        let line = line?;
        let text = String::from_utf8_lossy(&line);
        let text = text.trim_end_matches('\r');
        writeln!(output, "{text}")?;
        for frame in backtraces.address(text).map(&resolve).unwrap_or_default() {
            writeln!(output, "    {frame}")?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rewritten(input: &str) -> String {
        let mut output = Vec::new();
        rewrite(input.as_bytes(), &mut output, |address| vec![format!("function_{address:x}")]).unwrap();
        String::from_utf8(output).unwrap()
    }

    #[test]
    fn addresses_of_a_backtrace_get_their_functions() {
        assert_eq!(
            rewritten("panic: x\r\nbacktrace:\r\n  0x10\r\n  0x20\r\ndone\r\n"),
            "panic: x\nbacktrace:\n  0x10\n    function_10\n  0x20\n    function_20\ndone\n"
        );
    }

    #[test]
    fn addresses_elsewhere_are_left_alone() {
        let text = "  0x10\nbacktrace:\n0x10\n  0xzz\n  0x10\n";
        assert_eq!(rewritten(text), text);
    }

    #[test]
    fn a_function_of_this_program_is_found_by_its_address() {
        let program = std::env::current_exe().unwrap();
        let symbols = Symbols::open(&program).unwrap();
        let base = load_address(&program);
        let here = a_function_of_this_program_is_found_by_its_address as fn() as usize as u64;
        let found = symbols.frames(here - base + 1).join("\n");
        assert!(found.contains("a_function_of_this_program_is_found"), "{found}");
    }

    /// Where the kernel put the first mapping of this program.
    fn load_address(program: &Path) -> u64 {
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
        let line = maps.lines().find(|line| line.ends_with(&*program.to_string_lossy())).unwrap();
        u64::from_str_radix(line.split('-').next().unwrap(), 16).unwrap()
    }

    #[test]
    fn a_file_without_symbols_is_told() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert!(Symbols::open(file.path()).is_err());
    }
}
