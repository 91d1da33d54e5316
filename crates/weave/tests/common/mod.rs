//! The pool of the tests, woven into a temporary directory.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use weave::composition::Composition;
use weave::{Error, Pool};

/// A directory of these tests.
pub fn tests(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(name)
}

/// A composition of `golden`, about the rooms of `pool`.
pub fn composition(name: &str) -> Composition {
    let text = fs::read_to_string(tests("golden").join(format!("{name}.json"))).unwrap();
    serde_json::from_str(&text.replace("@pool@", tests("pool").to_str().unwrap())).unwrap()
}

/// The pool of the tests.
pub fn pool() -> Pool {
    let pool = tests("pool");
    Pool::read(&pool.join("Cargo.toml"), &pool.join("Cargo.lock")).unwrap()
}

/// Weaves it.
pub fn weave(composition: &Composition, out: &Path) -> Result<(), Error> {
    pool().weave(composition, out)
}

/// What cargo makes of a woven workspace.
pub fn check(workspace: &Path) -> Output {
    Command::new(env!("CARGO"))
        .args(["check", "--release", "--offline", "--package", "image"])
        .current_dir(workspace)
        .env("CARGO_TARGET_DIR", workspace.join("target"))
        // Whatever the caller compiles for, this is for the machine it runs on.
        .env_remove("CARGO_BUILD_TARGET")
        .env_remove("RUSTFLAGS")
        .output()
        .unwrap()
}
