//! Steps, one after another.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use boot_test::Probe;

use crate::host::{Answer, Host};
use crate::{Failure, Scenario, Step};

/// Lines of each console that a failure quotes.
const QUOTED_LINES: usize = 20;
/// For a command on the host that only looks.
const GLANCE: Duration = Duration::from_secs(10);
/// What creates a domain on the host.
const CREATE: &str = "/lib/test-host/create";
/// Where the host logs the consoles of its domains.
const CONSOLES: &str = "/var/log/xen/console";

/// Plays a scenario, and writes a line for each of its steps. After the first that fails come the last lines of every
/// domain's console.
///
/// Returns whether everything held.
///
/// # Errors
///
/// Only where `out` cannot be written; a host or a domain that misbehaves is a line, not an error.
pub fn play(scenario: &Scenario, out: &mut impl Write) -> io::Result<bool> {
    let deadline = Instant::now() + Duration::from_secs(scenario.timeout_seconds);
    let mut player = match Host::start(scenario, deadline) {
        Ok(host) => Player { host, deadline, requests: BTreeMap::new() },
        Err(failure) => {
            writeln!(out, "FAILED {}: the host starts: {failure}", scenario.name)?;
            return Ok(false);
        }
    };
    for step in &scenario.steps {
        let begin = Instant::now();
        let result = player.step(step);
        let seconds = begin.elapsed().as_secs_f64();
        match result {
            Ok(()) => writeln!(out, "ok     {}: {step} ({seconds:.2} s)", scenario.name)?,
            Err(failure) => {
                writeln!(out, "FAILED {}: {step}: {failure}", scenario.name)?;
                player.quote_consoles(out)?;
                return Ok(false);
            }
        }
    }
    Ok(true)
}

/// A host on which a scenario is played.
struct Player {
    host: Host,
    deadline: Instant,
    /// Requests under way, by name.
    requests: BTreeMap<String, JoinHandle<Result<(), boot_test::Failure>>>,
}

impl Player {
    fn step(&mut self, step: &Step) -> Result<(), Failure> {
        match step {
            Step::Create { domain, instead, refusal } => {
                let answer = self.create(domain, instead)?;
                match refusal {
                    None => judge(answer, None, 0),
                    Some(_) if answer.status == 0 => Err(Failure::NotRefused),
                    Some(text) => contains(&answer, text),
                }
            }
            Step::Console { domain, text, within_seconds } => self.console(domain, text, *within_seconds),
            Step::Http { domain, request, meanwhile } => self.http(domain, request, meanwhile.as_deref()),
            Step::Finish { request } => self.finish(request),
            Step::Dom0 { command, text, status } => {
                let answer = self.host.run(command, self.deadline)?;
                judge(answer, text.as_deref(), *status)
            }
            Step::Ends { domain, reason, within_seconds } => self.ends(domain, *reason, *within_seconds),
        }
    }

    /// The host's own `create` leaves a domain that has ended, so that its reason can be read.
    fn create(&mut self, domain: &str, instead: &[String]) -> Result<Answer, Failure> {
        let settings: String = instead.iter().map(|setting| format!(" {}", quoted(setting))).collect();
        self.host.run(&format!("{CREATE} /files/{domain}.cfg{settings} 2>&1"), self.deadline)
    }

    fn console(&mut self, domain: &str, text: &str, within: u64) -> Result<(), Failure> {
        let log = format!("{CONSOLES}/guest-{domain}.log");
        self.wait_for(
            &format!("grep -qF -e {} {log} 2>/dev/null", quoted(text)),
            within,
            &format!("{domain}'s console"),
        )
    }

    fn http(&mut self, domain: &str, request: &Probe, meanwhile: Option<&str>) -> Result<(), Failure> {
        self.host.still_runs()?;
        let address = self.host.address(domain)?;
        let Some(name) = meanwhile else {
            boot_test::wait_for_answer(address, self.deadline, || Ok(()))?;
            return Ok(boot_test::probe(address, request, self.deadline)?);
        };
        let (request, deadline) = (request.clone(), self.deadline);
        let asking = thread::spawn(move || boot_test::probe(address, &request, deadline));
        self.requests.insert(name.to_owned(), asking);
        Ok(())
    }

    fn finish(&mut self, name: &str) -> Result<(), Failure> {
        let unknown = || Failure::Unknown(format!("what request {name} is"));
        let asking = self.requests.remove(name).ok_or_else(unknown)?;
        match asking.join() {
            Ok(result) => Ok(result?),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }

    fn ends(&mut self, domain: &str, wanted: u8, within: u64) -> Result<(), Failure> {
        // The fifth column is the state, with an `s` in it once the domain has shut down; the last is its reason.
        let listed = format!("xl list -v {domain} | tail -n 1");
        let state = format!("{listed} | awk '{{ print $5 }}' | grep -q s");
        self.wait_for(&state, within, &format!("{domain}'s end"))?;
        let answer = self.host.run(&format!("{listed} | awk '{{ print $8 }}'"), self.deadline)?;
        match u8::from_str_radix(answer.output.trim(), 16) {
            Ok(got) if got == wanted => Ok(()),
            Ok(got) => Err(Failure::Reason { got, wanted }),
            Err(_) => Err(Failure::Text { wanted: "the reason of a shutdown".into(), output: answer.output }),
        }
    }

    /// Asks on the host until `command` succeeds. The host counts whole seconds, so that it may take one more than `within`.
    fn wait_for(&mut self, command: &str, within: u64, what: &str) -> Result<(), Failure> {
        let patient = format!(
            "end=$(($(date +%s) + {within} + 1)); until {command}; do \
             [ $(date +%s) -lt $end ] || break; usleep 20000; done; {command}"
        );
        let answer = self.host.run(&patient, self.deadline)?;
        if answer.status == 0 { Ok(()) } else { Err(Failure::TimedOut { waiting_for: what.into() }) }
    }

    /// The last lines of every console, for who has to find out why.
    fn quote_consoles(&mut self, out: &mut impl Write) -> io::Result<()> {
        let command = format!(
            "for log in {CONSOLES}/guest-*.log; do echo \"$log:\"; tail -n {QUOTED_LINES} \"$log\"; done"
        );
        let Ok(answer) = self.host.run(&command, Instant::now() + GLANCE) else { return Ok(()) };
        for line in answer.output.lines() {
            writeln!(out, "       | {}", line.trim_end())?;
        }
        Ok(())
    }
}

/// Whether a command ended as it should.
fn judge(answer: Answer, text: Option<&str>, wanted: i32) -> Result<(), Failure> {
    let Answer { output, status: got } = answer;
    if got != wanted {
        return Err(Failure::Status { got, wanted, output });
    }
    text.map_or(Ok(()), |text| contains(&Answer { output, status: got }, text))
}

fn contains(answer: &Answer, text: &str) -> Result<(), Failure> {
    if answer.output.contains(text) {
        return Ok(());
    }
    Err(Failure::Text { wanted: text.to_owned(), output: answer.output.clone() })
}

/// As one word of the shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
