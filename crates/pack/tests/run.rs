//! What `run` understands on every platform, asked of a platform that prints what it was left.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};
use tempfile::TempDir;

/// Prints the variables that the common part leaves, a line each.
const PLATFORM: &str = r#"
forward_the_rest
print_if_dry start "$@"
announce
printf '%s|' "memory $memory" "append$append" "initrd $initrd" "forwards$forwards" "$@"
echo
printf '%s' "$disks"
wants network || echo "no network"
"#;

/// An image's `run`, in a directory with a file `disk`.
struct Image(TempDir);

impl Image {
    fn new(fields: Value) -> Self {
        let mut composition = json!({
            "image": "x-board-z80", "app": "x", "platform": "board", "arch": "z80",
            "interfaces": {}, "nodes": [], "rooms": {},
        });
        composition.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        let script = pack::run::script(&serde_json::from_value(composition).unwrap(), PLATFORM);
        let image = Self(tempfile::tempdir().unwrap());
        std::fs::write(image.path("disk"), "").unwrap();
        std::fs::write(image.path("run"), script).unwrap();
        image
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn run(&self, arguments: &[&str]) -> Output {
        Command::new("sh").arg(self.path("run")).args(arguments).current_dir(self.0.path()).output().unwrap()
    }

    /// Standard output of a run that ends well.
    fn says(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Standard error of a run that is refused.
    fn refuses(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert_eq!(output.status.code(), Some(2), "{}", String::from_utf8_lossy(&output.stdout));
        String::from_utf8(output.stderr).unwrap()
    }
}

fn shown(path: &Path) -> String {
    path.canonicalize().unwrap().display().to_string()
}

#[test]
fn options_become_variables() {
    let image = Image::new(json!({ "ports": { "http": 80 } }));
    let said = image.says(&[
        "--memory",
        "7",
        "--append",
        "a=1",
        "--append",
        "b=2",
        "--initrd",
        "disk",
        "--forward",
        "99:80",
        "--",
        "c",
        "d e",
    ]);
    assert_eq!(
        said,
        "http://127.0.0.1:99/\nmemory 7|append a=1 b=2|initrd disk|forwards 99:80|c|d e|\nno network\n"
    );
}

#[test]
fn an_image_brings_its_own_memory() {
    let image = Image::new(json!({ "memoryMiB": 4 }));
    assert!(image.says(&[]).starts_with("memory 4|"));
    assert!(image.says(&["--memory", "8"]).starts_with("memory 8|"));
    assert!(Image::new(json!({})).says(&[]).starts_with("memory |"));
}

#[test]
fn disks_are_named_from_the_root() {
    let image = Image::new(json!({ "devices": ["disk", "network"] }));
    let disk = shown(&image.path("disk"));
    let said = image.says(&["--disk", "disk", "--disk", &disk]);
    assert!(said.ends_with(&format!("\n{disk}\n{disk}\n")), "{said}");
}

#[test]
fn a_disk_that_is_of_no_use_is_refused() {
    let image = Image::new(json!({ "devices": ["network"] }));
    assert!(image.refuses(&["--disk", "disk"]).contains("this image has no use for a disk"));
    let image = Image::new(json!({ "devices": ["disk"] }));
    assert!(image.refuses(&["--disk", "/"]).contains("a file that can be read, and / is none"));
    assert!(image.refuses(&["--disk", "dsik"]).contains("dsik is none"));
}

#[test]
fn malformed_options_are_refused() {
    let image = Image::new(json!({}));
    for (arguments, said) in [
        (["--memory", "much"], "a number of MiB"),
        (["--forward", "80"], "HOST:GUEST"),
        (["--forward", "80:81:82"], "HOST:GUEST"),
        (["--initrd", "nowhere"], "nowhere is none"),
        (["--dry-run", "--fast"], "unknown option --fast"),
        (["--dry-run", "--memory"], "--memory needs a value"),
    ] {
        let refused = image.refuses(&arguments);
        assert!(refused.contains(said), "{refused}");
    }
}

#[test]
fn a_dry_run_prints_words_that_a_shell_can_take() {
    let image = Image::new(json!({}));
    assert_eq!(image.says(&["--dry-run", "--", "a b", "c"]), "'start' 'a b' 'c' \n");
}
