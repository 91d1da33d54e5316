//! Scenarios on a host that is this very program, and answers as a test host would.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::Command;

use xen_test::{Scenario, play};

/// By what the host below is told where its socket is.
const CONTROL: &str = "XEN_TEST_CONTROL";

/// The host, where a scenario has it started. It exits where it is told to.
#[test]
#[ignore = "a scenario starts it"]
fn host() {
    let listener = UnixListener::bind(std::env::var(CONTROL).expect("a scenario says where")).unwrap();
    let (mut client, _) = listener.accept().unwrap();
    for line in BufReader::new(client.try_clone().unwrap()).lines() {
        answer(&mut client, &line.unwrap());
    }
}

fn answer(client: &mut UnixStream, command: &str) {
    let has = |text: &str| command.contains(text);
    let (output, status) = match command {
        _ if has("/files/good.cfg") => ("", 0),
        _ if has("/files/alien.cfg") => {
            ("kernel alien: built for aarch64, and this Xen runs x86_64\n  xl says\n", 1)
        }
        _ if has("for log in") => ("guest-good.log:\nthe last word\n", 0),
        _ if has("grep -qF -e 'it'\\''s up'") => ("", 0),
        _ if has("grep -qF") => ("", 1),
        _ if has("grep -q s") => ("", 0),
        _ if has("print $8") => ("3\n", 0),
        "true" => ("", 0),
        "words" => ("one\nstatus two\n", 0),
        "fail" => ("no\nluck\n", 4),
        "die" => std::process::exit(0),
        other => panic!("nobody asks for {other}"),
    };
    writeln!(client, "{output}status {status}").unwrap();
}

/// What is written while `steps` are played, and whether they held.
fn played(steps: &str) -> (String, bool) {
    let directory = tempfile::tempdir().unwrap();
    install(directory.path());
    let json = format!(
        r#"{{ "name": "s", "host": {:?}, "timeoutSeconds": 20, "steps": [{steps}] }}"#,
        directory.path()
    );
    let scenario: Scenario = serde_json::from_str(&json).unwrap();
    let mut out = Vec::new();
    let held = play(&scenario, &mut out).unwrap();
    (String::from_utf8(out).unwrap(), held)
}

/// Has `bin/test-host` below `directory` start the host.
fn install(directory: &Path) {
    let program = std::env::current_exe().unwrap();
    let script = format!(
        "#!/bin/sh\n[ \"$1 $2\" = 'serve --control' ] || exit 2\n\
         {CONTROL}=$3 exec '{}' --exact host --ignored --nocapture >/dev/null 2>&1\n",
        program.display()
    );
    // Written by a program of its own: what this process had open for writing while another test starts something could not be
    // started.
    let write = "mkdir bin && printf %s \"$1\" >bin/test-host && chmod 755 bin/test-host";
    let status =
        Command::new("sh").args(["-c", write, "sh", &script]).current_dir(directory).status().unwrap();
    assert!(status.success());
}

/// That the last of `steps` fails, and the line says so.
fn fails(steps: &str, line: &str) {
    let (out, held) = played(steps);
    assert!(!held && out.contains(&format!("FAILED s: {line}\n")), "{out}");
    assert_eq!(out.matches("FAILED").count(), 1, "{out}");
}

#[test]
fn steps_that_hold_are_a_line_each() {
    let (out, held) = played(
        r#"{ "create": { "domain": "good" } },
           { "create": { "domain": "alien", "refusal": "built for aarch64" } },
           { "console": { "domain": "good", "text": "it's up" } },
           { "dom0": { "command": "words", "text": "status two" } },
           { "dom0": { "command": "fail", "status": 4 } },
           { "ends": { "domain": "good", "reason": 3 } }"#,
    );
    assert!(held, "{out}");
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(lines.len(), 6, "{out}");
    assert!(lines.iter().all(|line| line.starts_with("ok     s: ")), "{out}");
    assert!(lines[1].contains("alien is refused with \"built for aarch64\""), "{out}");
}

#[test]
fn what_does_not_hold_is_said_in_a_line_and_is_the_last() {
    fails(
        r#"{ "create": { "domain": "alien" } }, { "dom0": { "command": "words" } }"#,
        "alien is created: status 1, wanted 0: kernel alien: built for aarch64, and this Xen runs x86_64 | xl says",
    );
    fails(
        r#"{ "create": { "domain": "good", "refusal": "truncated" } }"#,
        "good is refused with \"truncated\": it was created",
    );
    fails(
        r#"{ "create": { "domain": "alien", "refusal": "truncated" } }"#,
        "alien is refused with \"truncated\": lacks \"truncated\": kernel alien: built for aarch64, and this Xen runs \
         x86_64 | xl says",
    );
    fails(
        r#"{ "console": { "domain": "good", "text": "down" } }"#,
        "good says \"down\" within 20 s: time was over waiting for good's console",
    );
    fails(r#"{ "dom0": { "command": "fail" } }"#, "dom0: fail: status 4, wanted 0: no | luck");
    fails(
        r#"{ "ends": { "domain": "good", "reason": 0 } }"#,
        "good ends with reason 0 within 20 s: ended with reason 3, wanted 0",
    );
    fails(
        r#"{ "finish": { "request": "download" } }"#,
        "download is answered: the scenario does not say what request download is",
    );
    fails(r#"{ "dom0": { "command": "die" } }"#, "dom0: die: the host has ended");
}

#[test]
fn a_failure_quotes_the_consoles() {
    let (out, _) = played(r#"{ "dom0": { "command": "fail" } }"#);
    assert!(out.ends_with("       | guest-good.log:\n       | the last word\n"), "{out}");
}

#[test]
fn a_host_that_does_not_start_is_a_line() {
    let json = r#"{ "name": "s", "host": "/nowhere", "steps": [] }"#;
    let mut out = Vec::new();
    assert!(!play(&serde_json::from_str::<Scenario>(json).unwrap(), &mut out).unwrap());
    let out = String::from_utf8(out).unwrap();
    assert!(out.starts_with("FAILED s: the host starts: the host: "), "{out}");
}
