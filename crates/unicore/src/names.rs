//! Names: near ones for misspelt ones, and which may be an application's.

use crate::error::Error;

/// The candidate most like `name`, where one is alike enough to be meant.
pub(crate) fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    // A third of the letters wrong is no longer a slip.
    let most = (name.chars().count() / 3).max(1);
    let distances = candidates.into_iter().map(|other| (strsim::damerau_levenshtein(name, other), other));
    let (distance, best) = distances.min()?;
    (distance <= most).then(|| best.to_owned())
}

/// Whether a directory, a Cargo package and an image can all have this name.
pub(crate) fn check_application(name: &str) -> Result<(), Error> {
    let refuse = |why| Err(Error::BadName { name: name.to_owned(), why });
    let good_letter = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if !name.starts_with(|c: char| c.is_ascii_lowercase()) {
        return refuse("which has to begin with a lower-case letter");
    }
    if let Some(bad) = name.chars().find(|c| !good_letter(*c)) {
        return refuse(if bad == '_' {
            "it has a `_`, which is for Rust's names"
        } else {
            "it has other characters"
        });
    }
    if name.ends_with('-') || name.contains("--") {
        return refuse("it has a dash that separates nothing");
    }
    if RESERVED.contains(&name) {
        return refuse("which means something to Rust");
    }
    Ok(())
}

/// Names that pass as directories and that Cargo refuses for packages.
const RESERVED: &[&str] = &[
    "abstract",
    "alloc",
    "as",
    "async",
    "await",
    "become",
    "box",
    "break",
    "build",
    "const",
    "continue",
    "core",
    "crate",
    "deps",
    "do",
    "dyn",
    "else",
    "enum",
    "examples",
    "extern",
    "false",
    "final",
    "fn",
    "for",
    "gen",
    "if",
    "image",
    "impl",
    "in",
    "incremental",
    "let",
    "loop",
    "macro",
    "main",
    "match",
    "mod",
    "move",
    "mut",
    "override",
    "priv",
    "proc-macro",
    "pub",
    "ref",
    "return",
    "self",
    "static",
    "std",
    "struct",
    "super",
    "test",
    "trait",
    "true",
    "try",
    "type",
    "typeof",
    "unsafe",
    "unsized",
    "use",
    "virtual",
    "where",
    "while",
    "yield",
];

#[cfg(test)]
mod tests {
    use super::*;

    const IMAGES: [&str; 3] = ["hello-kvm-x86_64", "hello-linux-x86_64", "httpd-kvm-x86_64"];

    #[test]
    fn a_slip_finds_what_was_meant() {
        assert_eq!(nearest("helo-kvm-x86_64", IMAGES).as_deref(), Some("hello-kvm-x86_64"));
        assert_eq!(nearest("httpd-kvm-x86-64", IMAGES).as_deref(), Some("httpd-kvm-x86_64"));
    }

    #[test]
    fn something_else_finds_nothing() {
        assert_eq!(nearest("memcached", IMAGES), None);
        assert_eq!(nearest("x", []), None);
    }

    #[test]
    fn names_are_those_of_cargo_packages() {
        for good in ["greeter", "my-server", "a1"] {
            assert!(check_application(good).is_ok(), "{good}");
        }
        for bad in ["", "Greeter", "1a", "-a", "a-", "a--b", "a_b", "a/b", "../a", "a b", "é", "fn", "core"]
        {
            assert!(matches!(check_application(bad), Err(Error::BadName { .. })), "{bad}");
        }
    }
}
