//! Requests by curl: a client that others wrote, kept to the letter of HTTP.

use std::fmt::Write as _;
use std::io::Write as _;
use std::net::SocketAddr;
use std::process::{Command, Output, Stdio};
use std::time::Instant;

use sha2::{Digest, Sha256};

use crate::{Failure, Probe};

/// Asks with curl, and judges status, headers and body.
///
/// # Errors
///
/// As [`Failure`] says, the first that is wrong.
pub fn probe(address: SocketAddr, probe: &Probe, deadline: Instant) -> Result<(), Failure> {
    let output = ask(address, probe, deadline)?;
    if !output.status.success() {
        let words = String::from_utf8_lossy(&output.stderr);
        return Err(Failure::Client(words.trim().to_owned()));
    }
    let (head, body) = split_answer(&output.stdout)?;
    judge_head(&head, probe)?;
    judge_body(body, probe)
}

fn ask(address: SocketAddr, probe: &Probe, deadline: Instant) -> Result<Output, Failure> {
    let failed = |error: std::io::Error| Failure::Client(format!("curl did not run: {error}"));
    let seconds = deadline.saturating_duration_since(Instant::now()).as_secs_f64().max(0.001);
    let mut command = Command::new("curl");
    command.args(["--disable", "--silent", "--show-error", "--include", "--path-as-is", "--globoff"]);
    command.args(["--noproxy", "*", "--max-time", &format!("{seconds:.3}")]);
    match probe.method.as_str() {
        "HEAD" => command.arg("--head"),
        method => command.args(["--request", method]),
    };
    for (name, value) in &probe.request_headers {
        command.args(["--header", &format!("{name}: {value}")]);
    }
    if probe.compressed {
        command.arg("--compressed");
    }
    if probe.body.is_some() {
        command.args(["--data-binary", "@-"]);
    }
    command.arg(format!("http://{address}{}", probe.path));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(failed)?;
    if let (Some(mut stdin), Some(body)) = (child.stdin.take(), &probe.body) {
        // Where curl could not connect it reads nothing; its own words tell why.
        let _ = stdin.write_all(body.as_bytes());
    }
    child.wait_with_output().map_err(failed)
}

/// The headers' lines and the body; interim answers (status 1xx) are dropped.
fn split_answer(output: &[u8]) -> Result<(Vec<String>, &[u8]), Failure> {
    const END: &[u8] = b"\r\n\r\n";
    let end = output
        .windows(END.len())
        .position(|window| window == END)
        .ok_or_else(|| Failure::NotHttp("headers without an end".into()))?;
    let (head, body) = (&output[..end], &output[end + END.len()..]);
    let lines: Vec<String> = String::from_utf8_lossy(head).lines().map(str::to_owned).collect();
    let interim = status(&lines).is_some_and(|status| (100..200).contains(&status));
    if interim { split_answer(body) } else { Ok((lines, body)) }
}

fn status(head: &[String]) -> Option<u16> {
    head.first()?.split(' ').nth(1)?.parse().ok()
}

fn judge_head(head: &[String], probe: &Probe) -> Result<(), Failure> {
    let got = status(head).ok_or_else(|| Failure::NotHttp(format!("{:?}", head.first())))?;
    if got != probe.status {
        return Err(Failure::Status { got, wanted: probe.status });
    }
    for (name, wanted) in &probe.headers {
        let got = header(head, name);
        if got != Some(wanted) {
            let (name, got, wanted) = (name.clone(), got.map(str::to_owned), wanted.clone());
            return Err(Failure::Header { name, got, wanted });
        }
    }
    Ok(())
}

fn header<'a>(head: &'a [String], name: &str) -> Option<&'a str> {
    let mut pairs = head.iter().filter_map(|line| line.split_once(':'));
    pairs.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}

fn judge_body(body: &[u8], probe: &Probe) -> Result<(), Failure> {
    let got = body.len() as u64;
    if let Some(wanted) = probe.length.filter(|wanted| *wanted != got) {
        return Err(Failure::Length { got, wanted });
    }
    if let Some(wanted) = &probe.sha256 {
        let got = hexadecimal(&Sha256::digest(body));
        if got != *wanted {
            return Err(Failure::Digest { got, wanted: wanted.clone() });
        }
    }
    match &probe.text {
        Some(wanted) if !String::from_utf8_lossy(body).contains(wanted) => {
            Err(Failure::Text { wanted: wanted.clone() })
        }
        _ => Ok(()),
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String has no errors.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn probe(json: &str) -> Probe {
        serde_json::from_str(json).unwrap()
    }

    fn judged(answer: &str, json: &str) -> Result<(), Failure> {
        let (head, body) = split_answer(answer.as_bytes())?;
        judge_head(&head, &probe(json))?;
        judge_body(body, &probe(json))
    }

    const ANSWER: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\nabc\r\n\r\nd";

    #[test]
    fn a_right_answer_holds() {
        let digest = hexadecimal(&Sha256::digest(b"abc\r\n\r\nd"));
        let wanted = format!(
            r#"{{"headers": {{"content-type": "text/html"}}, "length": 8, "text": "abc", "sha256": "{digest}"}}"#
        );
        assert!(judged(ANSWER, &wanted).is_ok());
    }

    #[test]
    fn each_difference_has_its_failure() {
        assert!(matches!(judged(ANSWER, r#"{"status": 206}"#), Err(Failure::Status { got: 200, .. })));
        assert!(matches!(judged(ANSWER, r#"{"length": 9}"#), Err(Failure::Length { got: 8, .. })));
        assert!(matches!(judged(ANSWER, r#"{"sha256": "00"}"#), Err(Failure::Digest { .. })));
        assert!(matches!(judged(ANSWER, r#"{"text": "xyz"}"#), Err(Failure::Text { .. })));
        let missing = judged(ANSWER, r#"{"headers": {"Accept-Ranges": "bytes"}}"#);
        assert!(matches!(missing, Err(Failure::Header { got: None, .. })));
        let other = judged(ANSWER, r#"{"headers": {"Content-Type": "text/plain"}}"#);
        assert!(matches!(other, Err(Failure::Header { got: Some(_), .. })));
    }

    #[test]
    fn an_interim_answer_is_not_the_answer() {
        let answer = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 404 Not Found\r\n\r\n";
        assert!(judged(answer, r#"{"status": 404, "length": 0}"#).is_ok());
    }

    #[test]
    fn nothing_like_http_is_told() {
        assert!(matches!(judged("garbage", "{}"), Err(Failure::NotHttp(_))));
    }
}
