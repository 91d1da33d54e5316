//! redis, beside the distribution's redis-server.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use super::{Origin, Service, Workload};
use crate::command::Program;
use crate::error::Error;
use crate::guest;
use crate::image::{Image, Platform};
use crate::measure::{self, Figures, Pair, Plan, Step};
use crate::packages::Packages;
use crate::results::Figure;
use crate::server::{ATTEMPT, Server};
use crate::subject::{Parts, Roots, Setup, Subject};

/// The one root: settings, and no data.
const SETTINGS: Setup = Setup::with_root("settings");

/// The distribution's program.
const PROGRAM: &str = "/usr/bin/redis-server";
/// Its settings, in the root of either.
const SETTINGS_FILE: &str = "/etc/redis.conf";
const CONFIGURATION: &str = include_str!("../../guest/redis.conf");

/// Connections of `redis-benchmark`.
const CONNECTIONS: u32 = 30;
/// Requests that a client sends before it reads answers, in the figures with a pipeline.
const PIPELINE: u32 = 16;

/// Requests of a short and of a long round, between which instructions are counted: what a round has beside its requests is in
/// both. Multiples of what all connections send at once.
const SHORT: u32 = 10 * CONNECTIONS * PIPELINE;
const LONG: u32 = 50 * CONNECTIONS * PIPELINE;
/// A round of load where it matters only that there is one.
const LITTLE: u32 = 5000;

/// How long the answer to the first PING may take.
const FIRST_ANSWER: Duration = Duration::from_secs(2);
/// For one round.
const ROUND: Duration = Duration::from_secs(120);

const SET_INSTRUCTIONS: Figure = Figure::less("instructionsPerSet", "instructions per SET");
const GET_INSTRUCTIONS: Figure = Figure::less("instructionsPerGet", "instructions per GET");
const PIPELINED_SET_INSTRUCTIONS: Figure =
    Figure::less("instructionsPerPipelinedSet", "instructions per SET, pipeline of 16");
const PIPELINED_GET_INSTRUCTIONS: Figure =
    Figure::less("instructionsPerPipelinedGet", "instructions per GET, pipeline of 16");
const SET_RATE: Figure = Figure::more("setsPerSecond", "SET per second");
const GET_RATE: Figure = Figure::more("getsPerSecond", "GET per second");
const PIPELINED_SET_RATE: Figure = Figure::more("pipelinedSetsPerSecond", "SET per second, pipeline of 16");
const PIPELINED_GET_RATE: Figure = Figure::more("pipelinedGetsPerSecond", "GET per second, pipeline of 16");
const LEAST_MEMORY: Figure = Figure::less("leastMemory", "least memory that serves 30 clients, KiB");
const MEMORY: Figure = Figure::less("memory", "memory of the process after 30 clients, KiB");

/// What is measured of both commands, in the order of the figures.
const LOADS: [Load; 4] = [
    Load { command: "set", pipeline: 1 },
    Load { command: "get", pipeline: 1 },
    Load { command: "set", pipeline: PIPELINE },
    Load { command: "get", pipeline: PIPELINE },
];

/// Images of redis.
pub struct Redis;

impl Workload for Redis {
    fn applications(&self) -> &'static [&'static str] {
        &["redis"]
    }

    fn beside(&self) -> &'static str {
        "redis"
    }

    fn origin(&self) -> Origin {
        Origin::Packages {
            asked: &["redis-server"],
            taken: &[
                "redis-",
                "libatomic1",
                "libcap2",
                "libgcc-s1",
                "libgcrypt20",
                "libgpg-error0",
                "libjemalloc2",
                "liblz4-1",
                "liblzf1",
                "liblzma5",
                "libssl3",
                "libstdc++6",
                "libsystemd0",
                "libzstd1",
            ],
        }
    }

    fn programs(&self) -> &'static [(&'static str, &'static str)] {
        &[("redis-benchmark", "redis-tools")]
    }

    fn service(&self) -> Option<Service> {
        Some(Service { port: 6379, answers })
    }

    fn command(&self) -> &'static [&'static str] {
        &[PROGRAM, SETTINGS_FILE]
    }

    fn prepare(&self, parts: &mut Parts, _: &Image, packages: &Packages) -> Result<(), Error> {
        let roots = Roots::at(&parts.scratch.join("settings"));
        guest::make_root(&packages.root, &roots.linux)?;
        guest::put_program(&packages.root, PROGRAM, &roots.linux)?;
        guest::put(&roots.linux, SETTINGS_FILE, CONFIGURATION, 0o644)?;
        guest::archive(&roots.linux, &roots.initramfs)?;

        let directory = roots.image.with_extension("root");
        guest::put(&directory, SETTINGS_FILE, CONFIGURATION, 0o644)?;
        guest::archive(&directory, &roots.image)?;
        parts.roots.push(("settings", roots));
        Ok(())
    }

    fn steps(&self, platform: Platform, plan: Plan) -> Vec<Step> {
        let rounds = plan.rounds as f64;
        let mut steps = vec![Step::new("size", 1.0, measure::bytes)];
        if platform == Platform::Kvm {
            steps.push(Step::new("instructions", 10.0 + rounds * 25.0, instructions));
            steps.push(Step::new("starts, counted", plan.few_rounds() as f64 * 8.0, measure::counted_starts));
        }
        if plan.counts {
            return steps;
        }
        steps.push(Step::new("starts", rounds * 4.0, measure::starts));
        match platform {
            Platform::Kvm => {
                let seconds = f64::from(plan.seconds);
                steps.push(Step::new("commands per second", 8.0 + rounds * 8.0 * seconds, guest_rates));
                steps.push(Step::new("least memory", 60.0, least_memory));
            }
            Platform::Linux => {
                let seconds = f64::from(plan.seconds);
                steps.push(Step::new("commands per second", 8.0 + rounds * 8.0 * seconds, process_rates));
                steps.push(Step::new("memory", 10.0, memory));
            }
        }
        steps
    }
}

/// Whether it answers to a PING.
fn answers(address: SocketAddr) -> bool {
    const PONG: &[u8] = b"+PONG\r\n";
    let mut answer = [0; PONG.len()];
    let asked = TcpStream::connect_timeout(&address, ATTEMPT).and_then(|mut stream| {
        stream.set_read_timeout(Some(FIRST_ANSWER))?;
        stream.write_all(b"PING\r\n")?;
        stream.read_exact(&mut answer)
    });
    asked.is_ok() && answer == PONG
}

/// What clients ask for.
#[derive(Clone, Copy)]
struct Load {
    command: &'static str,
    pipeline: u32,
}

impl Load {
    /// So many requests, and how many of them were answered in a second.
    fn run(self, server: &Server, requests: u32) -> Result<f64, Error> {
        let (host, port) = (server.address.ip().to_string(), server.address.port().to_string());
        let benchmark = Program::new("redis-benchmark", ROUND)
            .args(["-h", &host, "-p", &port, "-c", &CONNECTIONS.to_string(), "-n", &requests.to_string()])
            .args(["-t", self.command, "-P", &self.pipeline.to_string(), "--csv"]);
        let told = benchmark.output()?;
        rate(&told, self.command).ok_or(Error::Answer { of: "redis-benchmark", text: told })
    }

    /// Instructions of a request.
    fn count(self, server: &Server) -> Result<f64, Error> {
        let _order = server.undisturbed()?;
        let counted = |requests| -> Result<f64, Error> {
            let begin = server.count()?;
            self.run(server, requests)?;
            Ok(server.count()?.since(begin))
        };
        Ok((counted(LONG)? - counted(SHORT)?) / f64::from(LONG - SHORT))
    }
}

/// From lines such as `"GET","11101.43","0.9",…`.
fn rate(told: &str, command: &str) -> Option<f64> {
    let fields = |line: &'_ str| line.split(',').map(|field| field.trim_matches('"').to_owned()).collect();
    let of_command =
        told.lines().map(fields).find(|line: &Vec<String>| line[0].eq_ignore_ascii_case(command));
    of_command?.get(1)?.parse().ok()
}

/// What `measure` says of each load.
fn of_each(mut measure: impl FnMut(Load) -> Result<f64, Error>) -> Result<[f64; LOADS.len()], Error> {
    let mut values = [0.0; LOADS.len()];
    for (value, load) in values.iter_mut().zip(LOADS) {
        *value = measure(load)?;
    }
    Ok(values)
}

fn instructions(pair: &Pair<'_>) -> Vec<Figures> {
    const FIGURES: [Figure; 4] =
        [SET_INSTRUCTIONS, GET_INSTRUCTIONS, PIPELINED_SET_INSTRUCTIONS, PIPELINED_GET_INSTRUCTIONS];
    pair.one_by_one(FIGURES, |subject: Subject<'_>| {
        let server = pair.start(subject, SETTINGS.counted())?;
        of_each(|load| load.run(&server, LITTLE))?;
        (0..pair.plan.rounds).map(|_| of_each(|load| load.count(&server))).collect()
    })
}

fn guest_rates(pair: &Pair<'_>) -> Vec<Figures> {
    rates(pair, 4000)
}

fn process_rates(pair: &Pair<'_>) -> Vec<Figures> {
    rates(pair, 20_000)
}

/// With so many requests for each second that a round is to take, and four times as many with a pipeline.
fn rates(pair: &Pair<'_>, requests: u32) -> Vec<Figures> {
    const FIGURES: [Figure; 4] = [SET_RATE, GET_RATE, PIPELINED_SET_RATE, PIPELINED_GET_RATE];
    pair.of_servers(FIGURES, pair.plan.rounds, SETTINGS, |server| {
        of_each(|load| {
            let requests = requests * pair.plan.seconds * if load.pipeline > 1 { 4 } else { 1 };
            load.run(server, requests)
        })
    })
}

fn memory(pair: &Pair<'_>) -> Vec<Figures> {
    measure::memory(pair, MEMORY, serves)
}

fn least_memory(pair: &Pair<'_>) -> Vec<Figures> {
    measure::least_memory(pair, LEAST_MEMORY, serves)
}

fn serves(server: &Server) -> Result<(), Error> {
    LOADS[0].run(server, LITTLE).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;
    use std::thread;

    const TOLD: &str = "\"test\",\"rps\",\"avg_latency_ms\",\"min_latency_ms\"\n\"SET\",\"9852.22\",\"2.1\",\"0.5\"\n\
        \"GET\",\"11101.43\",\"2.0\",\"0.4\"\n";

    #[test]
    fn rates_are_read_by_the_command() {
        assert_eq!(rate(TOLD, "get"), Some(11101.43));
        assert_eq!(rate(TOLD, "set"), Some(9852.22));
        assert_eq!(rate(TOLD, "incr"), None);
        assert_eq!(rate("Could not connect\n", "get"), None);
    }

    #[test]
    fn only_a_pong_is_an_answer() {
        for (answer, expected) in [("+PONG\r\n", true), ("-ERR no\r\n", false), ("", false)] {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let address = listener.local_addr().unwrap();
            let server = thread::spawn(move || {
                let (mut stream, _) = listener.accept().unwrap();
                stream.read_exact(&mut [0; 6]).unwrap();
                stream.write_all(answer.as_bytes()).unwrap();
            });
            assert_eq!(answers(address), expected, "{answer}");
            server.join().unwrap();
        }
    }
}
