//! The page of the reference that lists the calls, held to the table (`docs/src/reference/system-calls.md`).

use std::fmt::Write;
use std::path::Path;
use std::string::String;
use std::vec::Vec;
use std::{env, fs};

use crate::calls::{CALLS, Support};
use crate::names::ALL;

const HEAD: &str = "\
# System calls

What a C program finds in an image of the system calls of Linux, on x86_64. A call that is absent answers `ENOSYS`, and the first
time is named in the log.

<!-- Written from crates/linux-abi/src/calls.rs: `UNICORE_WRITE_PAGES=1 cargo test -p linux-abi page`. -->

";

fn page() -> String {
    let mut page = String::from(HEAD);
    let absent: Vec<&str> = ALL
        .iter()
        .filter(|(number, _)| CALLS.iter().all(|call| call.number != *number))
        .map(|(_, name)| *name)
        .collect();
    let partial = CALLS.iter().filter(|call| call.support != Support::Done).count();
    let (done, total) = (CALLS.len() - partial, ALL.len());
    writeln!(page, "Of {total}: {done} done, {partial} in part, {} absent.\n", absent.len()).unwrap();
    page += "| call | | what is missing |\n|---|---|---|\n";
    let mut calls: Vec<_> = CALLS.iter().collect();
    calls.sort_by_key(|call| call.name);
    for call in calls {
        match call.support {
            Support::Done => writeln!(page, "| `{}` | done | |", call.name).unwrap(),
            Support::Partial(missing) => writeln!(page, "| `{}` | partial | {missing} |", call.name).unwrap(),
        }
    }
    let absent: Vec<String> = absent.iter().map(|name| std::format!("`{name}`")).collect();
    writeln!(page, "\nAbsent: {}.", absent.join(", ")).unwrap();
    page
}

#[test]
fn the_page_lists_the_calls_as_they_are() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/src/reference/system-calls.md");
    if env::var_os("UNICORE_WRITE_PAGES").is_some() {
        fs::write(&file, page()).unwrap();
    }
    let committed = fs::read_to_string(&file).unwrap_or_default();
    assert!(committed == page(), "the page is stale: UNICORE_WRITE_PAGES=1 cargo test -p linux-abi page");
}
