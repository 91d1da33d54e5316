//! The JSON form of a scenario.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use serde::Deserialize;

/// One image, and what it has to do.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Scenario {
    /// What is shown, in a few words.
    pub name: String,
    /// Directory that a build made, with `run` in it.
    pub image: PathBuf,
    /// Memory of the machine in MiB; the image's own default where left out.
    #[serde(rename = "memoryMiB")]
    pub memory_mib: Option<u32>,
    /// Words added to the image's command line.
    #[serde(default)]
    pub settings: Vec<String>,
    /// Arguments of the application.
    #[serde(default)]
    pub arguments: Vec<String>,
    /// Root image instead of the one that is packed into the image.
    pub initrd: Option<PathBuf>,
    /// Disks of the machine, in this order.
    #[serde(default)]
    pub disks: Vec<Disk>,
    /// Further environment variables of `run`.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    /// Texts on the console, in this order, each inside one line.
    #[serde(default)]
    pub console: Vec<String>,
    /// A file of lines that the console has too, from its first to its last, with nothing else between.
    pub transcript: Option<PathBuf>,
    /// What is typed at the console once the first of these has come.
    pub input: Option<String>,
    /// Texts that no line of the console contains.
    #[serde(default)]
    pub absent: Vec<String>,
    /// Parts of the names of functions that a panic's backtrace has, in this order.
    #[serde(default)]
    pub backtrace: Vec<String>,
    /// Requests, one after another.
    #[serde(default)]
    pub http: Vec<Probe>,
    /// What is sent to services that do not speak HTTP, one after another.
    #[serde(default)]
    pub exchanges: Vec<Exchange>,
    /// Many requests.
    pub load: Option<Load>,
    /// Clients that take their time.
    pub slow: Option<Slow>,
    /// Whether the image is asked to end when all else was checked: `run` gets SIGTERM.
    #[serde(default)]
    pub stop: bool,
    /// An answer that a client has only begun to take when the image is asked to end.
    pub interrupted: Option<Download>,
    /// Texts on the console behind those of `console`, once the image was asked to end.
    #[serde(default)]
    pub last_words: Vec<String>,
    /// How the image ends; see [`Scenario::expected_exit`].
    pub exit_status: Option<i32>,
    /// For the whole scenario.
    #[serde(default = "default_timeout")]
    pub timeout_seconds: u64,
}

impl Scenario {
    /// The exit status to wait for, or `None` where the image serves until it is stopped.
    pub fn expected_exit(&self) -> Option<i32> {
        let asked = !self.http.is_empty() || !self.exchanges.is_empty();
        let serves = asked || self.load.is_some() || self.slow.is_some() || self.interrupted.is_some();
        self.exit_status.or(if serves && !self.stop { None } else { Some(0) })
    }
}

/// A disk of the machine.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Disk {
    /// Its bytes.
    pub file: PathBuf,
    /// Whether the image may write it. It gets a copy then, which is gone after the scenario.
    #[serde(default)]
    pub writable: bool,
}

/// One request and what its answer has to be.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Probe {
    /// Name of the forwarded port.
    #[serde(default = "default_service")]
    pub service: String,
    /// Request method.
    #[serde(default = "default_method")]
    pub method: String,
    /// Request target, sent as it stands.
    #[serde(default = "default_path")]
    pub path: String,
    /// Headers of the request.
    #[serde(default)]
    pub request_headers: BTreeMap<String, String>,
    /// Body of the request.
    pub body: Option<String>,
    /// Whether the answer may be compressed; its body is judged as it was before.
    #[serde(default)]
    pub compressed: bool,
    /// Bytes to send instead of a well-formed request.
    pub raw: Option<String>,
    /// Status of the answer.
    #[serde(default = "default_status")]
    pub status: u16,
    /// Headers of the answer, names in any case.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// SHA-256 of the answer's body, in lower-case hexadecimal.
    pub sha256: Option<String>,
    /// Length of the answer's body in bytes.
    pub length: Option<u64>,
    /// Text that the answer's body contains.
    pub text: Option<String>,
}

impl fmt::Display for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.raw {
            Some(raw) => write!(f, "raw {:?} gives {}", shortened(raw), self.status)?,
            None => write!(f, "{} {} gives {}", self.method, self.path, self.status)?,
        }
        for (name, value) in &self.request_headers {
            write!(f, ", {name}: {value}")?;
        }
        if self.compressed { write!(f, ", compressed") } else { Ok(()) }
    }
}

/// What is sent on a new connection, and what comes back.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Exchange {
    /// Name of the forwarded port.
    pub service: String,
    /// Bytes that are sent.
    pub send: String,
    /// Bytes that the answer begins with.
    pub receive: String,
    /// Connections: each is answered before the next is opened, and where there are several again when all are open.
    #[serde(default = "one")]
    pub connections: u32,
    /// Over UDP, in one datagram that begins with these bytes; so does the one of the answer.
    #[serde(default)]
    pub datagram: Option<Vec<u8>>,
}

impl fmt::Display for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} gives {:?}", shortened(&self.send), shortened(&self.receive))?;
        match self {
            Self { datagram: Some(_), .. } => f.write_str(" by a datagram"),
            Self { connections: 1, .. } => Ok(()),
            Self { connections, .. } => write!(f, " on {connections} connections at once"),
        }
    }
}

/// Many requests for one target.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Load {
    /// Name of the forwarded port.
    #[serde(default = "default_service")]
    pub service: String,
    /// Request target.
    #[serde(default = "default_path")]
    pub path: String,
    /// Requests one after another over a kept-alive connection.
    #[serde(default)]
    pub sequence: u32,
    /// Connections open at once.
    #[serde(default)]
    pub connections: u32,
    /// Connections one after another, each for one request.
    #[serde(default)]
    pub visits: u32,
}

/// Clients that send their request a byte at a time, and take the answer in small pieces.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Slow {
    /// Name of the forwarded port.
    #[serde(default = "default_service")]
    pub service: String,
    /// What they ask for.
    #[serde(default = "default_path")]
    pub path: String,
    /// What a client asks for that has its answer at once, between their pieces.
    #[serde(default = "default_path")]
    pub beside: String,
    /// How many they are.
    pub connections: u32,
}

/// An answer that is taken in part.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Download {
    /// Name of the forwarded port.
    #[serde(default = "default_service")]
    pub service: String,
    /// What is asked for: more than the image and what lies between take without a reader.
    pub path: String,
}

/// Enough of a text to know it again in a report.
fn shortened(text: &str) -> String {
    const SHOWN: usize = 40;
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn default_timeout() -> u64 {
    60
}

fn one() -> u32 {
    1
}

fn default_service() -> String {
    "http".into()
}

fn default_method() -> String {
    "GET".into()
}

fn default_path() -> String {
    "/".into()
}

fn default_status() -> u16 {
    200
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_and_an_image_are_enough() {
        let scenario: Scenario = serde_json::from_str(r#"{"name": "n", "image": "/i"}"#).unwrap();
        assert_eq!(scenario.expected_exit(), Some(0));
        assert_eq!(scenario.timeout_seconds, 60);
    }

    #[test]
    fn a_server_runs_until_it_is_stopped() {
        let scenario: Scenario =
            serde_json::from_str(r#"{"name": "n", "image": "/i", "http": [{"path": "/x"}]}"#).unwrap();
        assert_eq!(scenario.expected_exit(), None);
        assert_eq!(scenario.http[0].to_string(), "GET /x gives 200");
    }

    #[test]
    fn a_server_that_is_stopped_ends_well() {
        let scenario: Scenario =
            serde_json::from_str(r#"{"name": "n", "image": "/i", "http": [{}], "stop": true}"#).unwrap();
        assert_eq!(scenario.expected_exit(), Some(0));
    }

    #[test]
    fn a_misspelt_check_is_refused() {
        let misspelt = r#"{"name": "n", "image": "/i", "http": [{"lenght": 612}]}"#;
        let error = serde_json::from_str::<Scenario>(misspelt).unwrap_err().to_string();
        assert!(error.contains("lenght"), "{error}");
    }
}
