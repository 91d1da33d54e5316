//! The woven files, compared with those in `golden`, and compiled.
//!
//! `UPDATE_GOLDEN=1 cargo test -p weave` writes them anew.

mod common;

use std::fs;
use std::path::Path;
use std::process::Command;

use common::{check, composition, pool, tests, weave};

/// Compares a woven file with the one that is expected.
fn compare(woven: &Path, expected: &str) {
    let text = fs::read_to_string(woven).unwrap();
    let expected = tests("golden").join(expected);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&expected, &text).unwrap();
    }
    assert_eq!(text, fs::read_to_string(&expected).unwrap(), "{} differs", expected.display());
}

#[test]
fn the_glue_is_as_expected() {
    for name in ["full", "small"] {
        let out = tempfile::tempdir().unwrap();
        weave(&composition(name), out.path()).unwrap();
        compare(&out.path().join("image/src/main.rs"), &format!("{name}.main.rs"));
        compare(&out.path().join("image/Cargo.toml"), &format!("{name}.image.toml"));
        compare(&out.path().join("Cargo.toml"), &format!("{name}.workspace.toml"));
    }
}

#[test]
fn path_dependencies_point_at_the_woven_rooms() {
    let out = tempfile::tempdir().unwrap();
    weave(&composition("full"), out.path()).unwrap();
    compare(&out.path().join("rooms/bench/Cargo.toml"), "bench.toml");
}

#[test]
fn the_glue_compiles() {
    for name in ["full", "small"] {
        let out = tempfile::tempdir().unwrap();
        weave(&composition(name), out.path()).unwrap();
        let output = check(out.path());
        let words = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{words}");
        assert!(!words.contains("warning"), "{words}");
    }
}

#[test]
fn rooms_without_glue_are_those_of_the_image() {
    let full = composition("full");
    let (image, rooms) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    weave(&full, image.path()).unwrap();
    pool().weave_rooms(&full.rooms, rooms.path()).unwrap();
    let read = |directory: &Path, file: &str| fs::read(directory.join(file)).unwrap();
    for room in full.rooms.keys() {
        for file in ["Cargo.toml", "src/lib.rs"] {
            let file = format!("rooms/{room}/{file}");
            assert_eq!(read(image.path(), &file), read(rooms.path(), &file), "{file}");
        }
    }
    assert_eq!(read(image.path(), "Cargo.toml"), read(rooms.path(), "Cargo.toml"));
    assert_ne!(read(image.path(), "image/src/main.rs"), read(rooms.path(), "image/src/main.rs"));
}

#[test]
fn the_glue_is_as_rustfmt_would_have_it() {
    for name in ["full", "small"] {
        let checked = Command::new("rustfmt")
            .args(["--edition", "2024", "--check", "--config", "max_width=110,use_small_heuristics=Max"])
            .arg(tests("golden").join(format!("{name}.main.rs")))
            .output()
            .expect("rustfmt starts; it comes with the toolchain, in Debian as rustfmt-web");
        assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stdout));
    }
}
