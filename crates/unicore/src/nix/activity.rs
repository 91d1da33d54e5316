//! What Nix tells while it works: lines `@nix {…}` of its log format `internal-json`.

use serde::Deserialize;
use serde_json::Value;

/// Number of the activity "build a derivation" (Nix, `actBuild` of its logging interface).
const BUILD: u64 = 105;

/// Number of the result "a line that a build wrote" (Nix, `resBuildLogLine` of its logging interface).
const LOG_LINE: u64 = 101;

/// Messages up to this level are for everybody: errors 0, warnings 1, notices 2.
const NOTICE: u64 = 2;

/// One thing told.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// A derivation is being built.
    Started { id: u64, derivation: String },
    /// What a build wrote, a line of it.
    Wrote { id: u64, line: String },
    /// An activity is over; whether it did what it should is not told.
    Stopped { id: u64 },
    /// Words for the user.
    Message(String),
    /// Something that nobody needs to see.
    Other,
}

#[derive(Deserialize)]
#[serde(tag = "action", rename_all = "lowercase")]
enum Line {
    Start {
        id: u64,
        #[serde(rename = "type")]
        kind: u64,
        #[serde(default)]
        fields: Vec<Value>,
    },
    Result {
        id: u64,
        #[serde(rename = "type")]
        kind: u64,
        #[serde(default)]
        fields: Vec<Value>,
    },
    Stop {
        id: u64,
    },
    Msg {
        level: u64,
        msg: String,
    },
    #[serde(other)]
    Other,
}

/// Reads one line of standard error. What is not in Nix's form is a message itself.
pub(crate) fn parse(line: &str) -> Event {
    let Some(json) = line.strip_prefix("@nix ") else {
        return Event::Message(line.to_owned());
    };
    match serde_json::from_str(json) {
        Ok(Line::Start { id, kind: BUILD, fields }) => match fields.first().and_then(Value::as_str) {
            Some(derivation) => Event::Started { id, derivation: derivation.to_owned() },
            None => Event::Other,
        },
        Ok(Line::Result { id, kind: LOG_LINE, fields }) => match fields.first().and_then(Value::as_str) {
            Some(line) => Event::Wrote { id, line: line.to_owned() },
            None => Event::Other,
        },
        Ok(Line::Stop { id }) => Event::Stopped { id },
        Ok(Line::Msg { level, msg }) if level <= NOTICE && !is_noise(&msg) => Event::Message(msg),
        _ => Event::Other,
    }
}

/// A checkout with uncommitted changes is how people work, and needs no warning at each step.
fn is_noise(message: &str) -> bool {
    message.contains("Git tree") && message.contains("is dirty")
        || message.contains("not writing modified lock file")
}

/// `hello-kvm-x86_64` of `/nix/store/<32 letters>-hello-kvm-x86_64.drv`.
pub(crate) fn name_of(derivation: &str) -> &str {
    let file = derivation.rsplit('/').next().unwrap_or(derivation);
    let name = file.split_once('-').map_or(file, |(_, name)| name);
    name.strip_suffix(".drv").unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn builds_are_followed() {
        let start = r#"@nix {"action":"start","id":7,"level":3,"parent":0,"text":"building","type":105,"fields":["/nix/store/abc-hello.drv","",1,1]}"#;
        assert_eq!(parse(start), Event::Started { id: 7, derivation: "/nix/store/abc-hello.drv".into() });
        let wrote = r#"@nix {"action":"result","id":7,"type":101,"fields":["error[E0063]"]}"#;
        assert_eq!(parse(wrote), Event::Wrote { id: 7, line: "error[E0063]".into() });
        assert_eq!(parse(r#"@nix {"action":"result","id":7,"type":105,"fields":[1,2]}"#), Event::Other);
        assert_eq!(parse(r#"@nix {"action":"stop","id":7}"#), Event::Stopped { id: 7 });
    }

    #[test]
    fn errors_are_shown_and_chatter_is_not() {
        let message = |level: u64| format!(r#"@nix {{"action":"msg","level":{level},"msg":"words"}}"#);
        assert_eq!(parse(&message(0)), Event::Message("words".into()));
        assert_eq!(parse(&message(5)), Event::Other);
        assert_eq!(parse(r#"@nix {"action":"msg","level":1,"msg":"Git tree '/x' is dirty"}"#), Event::Other);
    }

    #[test]
    fn what_a_later_nix_may_add_is_passed_over() {
        assert_eq!(parse(r#"@nix {"action":"new-thing","id":1}"#), Event::Other);
        assert_eq!(parse("@nix garbage"), Event::Other);
        assert_eq!(parse("error: plain"), Event::Message("error: plain".into()));
    }

    #[test]
    fn a_derivation_is_shown_by_its_name() {
        assert_eq!(name_of("/nix/store/0123-hello-kvm-x86_64.drv"), "hello-kvm-x86_64");
        assert_eq!(name_of("odd"), "odd");
    }
}
