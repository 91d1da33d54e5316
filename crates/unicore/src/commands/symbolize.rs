//! `symbolize`: a panic's backtrace with names and lines.

use std::io::{self, BufRead, Write};
use std::path::Path;
use std::process::ExitCode;

use addr2line::Loader;

use super::{check_image, images};
use crate::error::Error;
use crate::flake::Flake;
use crate::nix;

pub(crate) fn symbolize(flake: &Flake, image: &str) -> Result<ExitCode, Error> {
    check_image(&images(flake)?, image)?;
    let path = nix::build_package(flake, image)?.join(format!("{image}.debug"));
    let symbols = open(&path)?;
    rewrite(io::stdin().lock(), io::stdout().lock(), |address| frames(&symbols, address))
        .map_err(Error::Stream)?;
    Ok(ExitCode::SUCCESS)
}

fn open(path: &Path) -> Result<Loader, Error> {
    Loader::new(path).map_err(|error| Error::Symbols { path: path.to_owned(), error: error.to_string() })
}

/// Copies a console's text and puts under each address of a backtrace what `resolve` knows of it.
fn rewrite(
    input: impl BufRead,
    mut output: impl Write,
    resolve: impl Fn(u64) -> Vec<String>,
) -> io::Result<()> {
    let mut in_backtrace = false;
    for line in input.split(b'\n') {
        let line = line?;
        let text = String::from_utf8_lossy(&line);
        let text = text.trim_end_matches('\r');
        writeln!(output, "{text}")?;
        let address = address(text).filter(|_| in_backtrace);
        in_backtrace = text == "backtrace:" || address.is_some();
        for frame in address.map(&resolve).unwrap_or_default() {
            writeln!(output, "    {frame}")?;
        }
    }
    Ok(())
}

/// A line of a backtrace is an indented address and nothing else.
fn address(line: &str) -> Option<u64> {
    u64::from_str_radix(line.strip_prefix("  0x")?, 16).ok()
}

/// The functions at an address, the inlined ones first.
///
/// A backtrace has addresses to return to, which may be those of the next line or function; the call is before them.
fn frames(symbols: &Loader, return_address: u64) -> Vec<String> {
    let call = return_address.saturating_sub(1);
    let mut shown = Vec::new();
    if let Ok(mut frames) = symbols.find_frames(call) {
        while let Ok(Some(frame)) = frames.next() {
            let function = frame.function.as_ref().and_then(|name| Some(name.demangle().ok()?.into_owned()));
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
        shown.extend(
            symbols.find_symbol(call).map(|name| addr2line::demangle_auto(name.into(), None).into_owned()),
        );
    }
    shown
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
        let symbols = open(&program).unwrap();
        let base = load_address(&program);
        let here = a_function_of_this_program_is_found_by_its_address as fn() as usize as u64;
        let found = frames(&symbols, here - base + 1).join("\n");
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
        assert!(matches!(open(file.path()), Err(Error::Symbols { .. })));
    }
}
