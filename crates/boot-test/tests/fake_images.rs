//! Whole scenarios against shell scripts that stand in for an image's `run`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use boot_test::Scenario;
use serde_json::{Value, json};
use tempfile::TempDir;

/// An image whose `run` is this shell script.
fn image(script: &str) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let run = directory.path().join("run");
    write_program(&run, &format!("#!/bin/sh\n{script}\n"));
    directory
}

/// Has a program of its own write `path`: a file that this process has open for writing, and so what other tests start at that
/// moment, cannot be started.
fn write_program(path: &Path, text: &str) {
    let command = "printf %s \"$2\" >\"$1\" && chmod 755 \"$1\"";
    let status = Command::new("sh").args(["-c", command, "sh"]).arg(path).arg(text).status().unwrap();
    assert!(status.success());
}

/// Runs the scenario, given as the fields beside `name` and `image`.
fn run(image: &TempDir, fields: Value) -> (bool, String) {
    let mut scenario = json!({ "name": "fake", "image": image.path() });
    scenario.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    let scenario: Scenario = serde_json::from_value(scenario).unwrap();
    let mut out = Vec::new();
    let held = boot_test::run(&scenario, &mut out).unwrap();
    (held, String::from_utf8(out).unwrap())
}

/// A server for one connection after another, in the one interpreter that every build machine has beside sh.
fn http_image(answer: &str) -> TempDir {
    image(&format!(
        r#"exec perl -MIO::Socket::INET -e '
            $| = 1;
            my $l = IO::Socket::INET->new(LocalAddr => "127.0.0.1", Listen => 9) or die;
            print "http://127.0.0.1:", $l->sockport, "/\nserving\n";
            while (my $c = $l->accept) {{ sysread $c, my $request, 4096; print $c "{answer}"; close $c }}'"#
    ))
}

#[test]
fn an_image_that_says_and_ends_as_expected_passes() {
    let (held, out) =
        run(&image("echo Hello, world!; exit 3"), json!({ "console": ["Hello"], "exitStatus": 3 }));
    assert!(held, "{out}");
    assert_eq!(out.lines().filter(|line| line.starts_with("ok")).count(), 2, "{out}");
}

#[test]
fn another_exit_status_fails_and_shows_the_console() {
    let (held, out) = run(&image("echo room tcpip did not start >&2; exit 101"), json!({}));
    assert!(!held);
    assert!(out.contains("FAILED fake: exit status 0: ended with status 101, wanted 0"), "{out}");
    assert!(out.contains("| room tcpip did not start"), "{out}");
}

#[test]
fn a_missing_line_fails_as_soon_as_the_console_ends() {
    let (held, out) = run(&image("echo hello"), json!({ "console": ["goodbye"] }));
    assert!(!held);
    assert!(out.contains(r#"console shows "goodbye": the console ended without it"#), "{out}");
}

#[test]
fn an_image_that_hangs_is_killed_with_its_children() {
    let directory = image(r#"sleep 1000 & echo $! > "$(dirname "$0")/child"; sleep 1000"#);
    let started = Instant::now();
    let (held, out) = run(&directory, json!({ "timeoutSeconds": 1 }));
    assert!(!held);
    assert!(out.contains("time was over"), "{out}");
    assert!(started.elapsed() < Duration::from_secs(10));
    let child = fs::read_to_string(directory.path().join("child")).unwrap();
    assert!(is_gone(child.trim()), "child {child} lives");
}

/// Whether the process ends soon; one that ended and was not waited for counts as gone.
fn is_gone(process: &str) -> bool {
    let status = format!("/proc/{process}/stat");
    (0..100).any(|_| {
        let gone = fs::read_to_string(&status).map_or(true, |stat| stat.contains(") Z "));
        if !gone {
            std::thread::sleep(Duration::from_millis(20));
        }
        gone
    })
}

#[test]
fn a_transcript_is_compared_line_by_line() {
    let native = tempfile::NamedTempFile::new().unwrap();
    fs::write(native.path(), "begin\none: 1\ntwo: 2\nend\n").unwrap();
    let fields = json!({ "transcript": native.path() });
    let (held, out) =
        run(&image("echo booting; printf 'begin\\r\\none: 1\\ntwo: 2\\nend\\nbye\\n'"), fields.clone());
    assert!(held, "{out}");
    let (held, out) = run(&image("printf 'begin\\none: 1\\ntwo: 3\\nend\\n'"), fields);
    assert!(!held && out.contains("-two: 2") && out.contains("+two: 3"), "{out}");
    let (held, out) = run(&image("true"), json!({ "transcript": "/nowhere" }));
    assert!(!held && out.contains("cannot be read"), "{out}");
}

#[test]
fn input_is_typed_when_the_first_text_has_come() {
    let (held, out) = run(
        &image(r#"echo ready; read -r line; echo "got $line""#),
        json!({ "console": ["ready", "got a line"], "input": "a line\n" }),
    );
    assert!(held, "{out}");
}

#[test]
fn options_reach_run_in_the_form_of_its_contract() {
    let (held, out) = run(
        &image(r#"echo "$# $*, $UNICORE_PORT_BASE, $MODE""#),
        json!({
            "memoryMiB": 64, "settings": ["ip=dhcp", "log=debug"], "arguments": ["-v"], "environment": { "MODE": "x" },
            "disks": [{ "file": "/a" }, { "file": "/b" }],
            "console": ["12 --memory 64 --disk /a --disk /b --append ip=dhcp --append log=debug -- -v, 0, x"],
        }),
    );
    assert!(held, "{out}");
}

#[test]
fn a_writable_disk_is_a_copy_that_goes_with_the_scenario() {
    let image = image(r#"echo "disk $2"; echo written > "$2" && cat "$(dirname "$0")/original""#);
    let original = image.path().join("original");
    fs::write(&original, "as it was").unwrap();
    fs::set_permissions(&original, fs::Permissions::from_mode(0o444)).unwrap();
    let disks = json!([{ "file": original, "writable": true }]);
    let (held, out) =
        run(&image, json!({ "disks": disks, "console": ["as it was"], "absent": ["nothing like it"] }));
    assert!(held, "{out}");
    let left = fs::read_dir(std::env::temp_dir()).unwrap().flatten();
    let prefix = format!("boot-test-{}-", std::process::id());
    assert_eq!(left.filter(|entry| entry.file_name().to_string_lossy().starts_with(&prefix)).count(), 0);
}

#[test]
fn a_text_that_must_not_appear_fails() {
    let (held, out) = run(&image("echo panicked at 7"), json!({ "absent": ["panicked"] }));
    assert!(!held);
    assert!(out.contains("FAILED"), "{out}");
}

#[test]
fn a_backtrace_needs_the_symbols_of_the_image() {
    let image = image("echo backtrace:; echo '  0x1000'");
    let (held, out) = run(&image, json!({ "backtrace": ["main"] }));
    assert!(!held);
    assert!(out.contains("no symbols"), "{out}");
    fs::copy(std::env::current_exe().unwrap(), image.path().join("fake.debug")).unwrap();
    let (held, out) = run(&image, json!({ "backtrace": ["no such function"] }));
    assert!(!held);
    assert!(out.contains(r#"the backtrace lacks "no such function""#), "{out}");
}

#[test]
fn a_server_is_asked_by_curl_and_by_raw_bytes() {
    let image = http_image("HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\nConnection: close\\r\\n\\r\\nok");
    let (held, out) = run(
        &image,
        json!({
            "console": ["serving"],
            "http": [{ "length": 2, "text": "ok" }, { "raw": "GET\r\n\r\n" }],
            "load": { "sequence": 5, "visits": 3 },
        }),
    );
    assert!(held, "{out}");
}

#[test]
fn a_wrong_answer_fails_and_the_next_request_is_still_made() {
    let image = http_image("HTTP/1.1 404 Not Found\\r\\nContent-Length: 0\\r\\n\\r\\n");
    let (held, out) = run(&image, json!({ "http": [{ "path": "/a" }, { "path": "/b", "status": 404 }] }));
    assert!(!held);
    assert!(out.contains("FAILED fake: GET /a gives 200: status 404, wanted 200"), "{out}");
    assert!(out.contains("ok     fake: GET /b gives 404"), "{out}");
}

#[test]
fn a_server_that_dies_fails_at_once() {
    let started = Instant::now();
    let (held, out) = run(&image("echo http://127.0.0.1:1/; exit 7"), json!({ "http": [{}] }));
    assert!(!held);
    assert!(out.contains("the image ended before, with status 7"), "{out}");
    assert!(started.elapsed() < Duration::from_secs(30));
}

#[test]
fn an_image_that_is_not_there_is_told() {
    let empty = tempfile::tempdir().unwrap();
    let (held, out) = run(&empty, json!({}));
    assert!(!held);
    assert!(out.contains("run did not start"), "{out}");
}

#[test]
fn an_image_that_is_asked_to_end_may_do_it_in_its_own_way() {
    let image = image("trap 'echo bye; exit 0' TERM; echo hello; while :; do sleep 0.1; done");
    let (held, out) = run(&image, json!({ "console": ["hello"], "stop": true }));
    assert!(held, "{out}");
    let (held, out) = run(&image, json!({ "console": ["hello"], "stop": true, "exitStatus": 3 }));
    assert!(!held);
    assert!(out.contains("exit status 3: ended with status 0, wanted 3"), "{out}");
}

#[test]
fn an_image_may_be_asked_to_end_in_the_middle_of_an_answer() {
    let serve = |then: &str| {
        image(&format!(
            r#"exec perl -MIO::Socket::INET -e '
                $| = 1;
                my $l = IO::Socket::INET->new(LocalAddr => "127.0.0.1", Listen => 9) or die;
                my $c;
                $SIG{{TERM}} = sub {{ {then}; print "bye\n"; exit 0 }};
                print "http://127.0.0.1:", $l->sockport, "/\n";
                while ($c = $l->accept) {{
                    sysread $c, my $request, 4096;
                    syswrite $c, "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" . "x" x 70000;
                    sleep 1000 if $request =~ /big/
                }}'"#
        ))
    };
    let fields = json!({ "interrupted": { "path": "/big" }, "stop": true, "lastWords": ["bye"] });
    let (held, out) = run(&serve(""), fields.clone());
    assert!(held, "{out}");
    let (held, out) = run(&serve(r#"syswrite $c, "x" x 30000"#), fields);
    assert!(!held);
    assert!(out.contains("what began is cut: the body came whole"), "{out}");
}

#[test]
fn a_service_that_is_not_http_is_asked_in_its_own_words() {
    let image = http_image("+PONG");
    let exchange = |receive: &str| json!([{ "service": "http", "send": "PING", "receive": receive }]);
    let (held, out) = run(&image, json!({ "exchanges": exchange("+PO") }));
    assert!(held, "{out}");
    let (held, out) = run(&image, json!({ "exchanges": exchange("+PU") }));
    assert!(!held);
    assert!(out.contains(r#"received "+PO", wanted "+PU""#), "{out}");
}
