//! The JSON form of a scenario.

use std::collections::BTreeMap;
use std::fmt;
use std::net::Ipv4Addr;
use std::path::PathBuf;

use boot_test::Probe;
use serde::Deserialize;

/// A host, files that it gets, and what happens on it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Scenario {
    /// What is shown, in a few words.
    pub name: String,
    /// Directory of the host, with `bin/test-host` in it.
    pub host: PathBuf,
    /// Files that the host gets, by their names in its directory `/files`.
    #[serde(default)]
    pub files: BTreeMap<String, PathBuf>,
    /// Addresses of the domains whose port 80 is asked from outside, by the names of the domains.
    #[serde(default)]
    pub addresses: BTreeMap<String, Ipv4Addr>,
    /// What happens, one after another; the first that fails is the last.
    pub steps: Vec<Step>,
    /// For the whole scenario, in seconds.
    #[serde(default = "default_timeout")]
    pub timeout_seconds: u64,
}

/// One thing that happens, or is looked at.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum Step {
    /// Creates a domain from `/files/<domain>.cfg`.
    Create {
        /// Its name.
        domain: String,
        /// Settings in the form of `xl.cfg`, instead of those in the file.
        #[serde(default)]
        instead: Vec<String>,
        /// What is said about it, where it has to be refused; left out where the domain has to start.
        refusal: Option<String>,
    },
    /// Waits until a domain's console shows a text, inside one line.
    Console {
        /// Its name.
        domain: String,
        /// The text.
        text: String,
        /// How long at most, in seconds.
        #[serde(default = "default_wait")]
        within_seconds: u64,
    },
    /// Asks a domain from outside the host, with curl.
    Http {
        /// Its name.
        domain: String,
        /// The request, and what its answer has to be.
        request: Box<Probe>,
        /// Where given, the next steps go on meanwhile, and a later `finish` with this name judges the answer.
        meanwhile: Option<String>,
    },
    /// Waits for the answer of a request that was begun with `meanwhile`.
    Finish {
        /// Its name there.
        request: String,
    },
    /// Runs a command of the shell on the host.
    Dom0 {
        /// The command.
        command: String,
        /// A text in what it writes.
        text: Option<String>,
        /// Its exit status.
        #[serde(default)]
        status: i32,
    },
    /// Waits until a domain has shut itself down.
    Ends {
        /// Its name.
        domain: String,
        /// The reason it gives Xen (`SHUTDOWN_*` of `public/sched.h`): 0 power off, 1 reboot, 3 crash.
        reason: u8,
        /// How long at most, in seconds.
        #[serde(default = "default_wait")]
        within_seconds: u64,
    },
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Create { domain, refusal: None, .. } => write!(f, "{domain} is created"),
            Self::Create { domain, refusal: Some(text), .. } => {
                write!(f, "{domain} is refused with {text:?}")
            }
            Self::Console { domain, text, within_seconds } => {
                write!(f, "{domain} says {text:?} within {within_seconds} s")
            }
            Self::Http { domain, request, meanwhile: None } => write!(f, "{domain}: {request}"),
            Self::Http { domain, request, meanwhile: Some(name) } => {
                write!(f, "{domain}: {request} ({name} begins)")
            }
            Self::Finish { request } => write!(f, "{request} is answered"),
            Self::Dom0 { command, text: None, .. } => write!(f, "dom0: {command}"),
            Self::Dom0 { command, text: Some(text), .. } => write!(f, "dom0: {command} says {text:?}"),
            Self::Ends { domain, reason, within_seconds } => {
                write!(f, "{domain} ends with reason {reason} within {within_seconds} s")
            }
        }
    }
}

fn default_timeout() -> u64 {
    60
}

fn default_wait() -> u64 {
    20
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_step_is_read() {
        let steps: Vec<Step> = serde_json::from_str(
            r#"[
                { "create": { "domain": "web" } },
                { "create": { "domain": "cut", "instead": ["type=\"pv\""], "refusal": "invalid" } },
                { "console": { "domain": "web", "text": "listening", "withinSeconds": 5 } },
                { "http": { "domain": "web", "request": { "path": "/" } } },
                { "http": { "domain": "web", "request": { "length": 3 }, "meanwhile": "download" } },
                { "finish": { "request": "download" } },
                { "dom0": { "command": "xl list", "text": "web" } },
                { "ends": { "domain": "web", "reason": 0, "withinSeconds": 2 } }
            ]"#,
        )
        .unwrap();
        assert_eq!(steps[0].to_string(), "web is created");
        assert_eq!(steps[7].to_string(), "web ends with reason 0 within 2 s");
        assert_eq!(steps.len(), 8);
    }

    #[test]
    fn a_misspelt_check_is_refused() {
        for misspelt in
            [r#"{ "creat": { "domain": "web" } }"#, r#"{ "ends": { "domain": "web", "reson": 0 } }"#]
        {
            assert!(serde_json::from_str::<Step>(misspelt).is_err(), "{misspelt}");
        }
    }
}
