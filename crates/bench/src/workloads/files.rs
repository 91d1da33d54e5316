//! Servers of files: nginx, and our own httpd, beside the distribution's nginx.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use super::{Origin, Service, Workload};
use crate::error::Error;
use crate::guest;
use crate::http;
use crate::image::{Image, Platform};
use crate::load::{self, Idle, faultless};
use crate::measure::{self, Figures, Pair, Plan, Step};
use crate::packages::Packages;
use crate::results::Figure;
use crate::server::Server;
use crate::subject::{Parts, Roots, Setup, Subject};

/// The page alone, and beside it a large file, for many connections.
const PAGE: Setup = Setup::with_root("page");
const LARGE: Setup = Setup { roomy: true, ..Setup::with_root("large") };

/// The distribution's program.
const PROGRAM: &str = "/usr/sbin/nginx";
/// Settings of nginx, in the root of either.
const SETTINGS: &str = "/etc/nginx/nginx.conf";
const CONFIGURATION: &str = include_str!("../../guest/nginx.conf");
/// What stands in them for the most connections at once, for which nginx takes memory when it starts.
const MOST: &str = "@connections@";
/// Where these settings have the files that are served.
const SITE: &str = "/srv/www";

/// Connections that the servers are set up for where the page is measured, and where thousands are idle.
const CONNECTIONS: usize = 1100;
const MANY_CONNECTIONS: usize = 11_000;

/// Connections of `wrk` for most figures.
const FEW: u32 = 30;
/// Connections that are all in use.
const MANY: u32 = 1000;
/// Connections that are open and do nothing.
const IDLE: usize = 10_000;

/// Requests of a round on one connection, and connections of a round with one request each.
const LONE_REQUESTS: u32 = 1000;
const NEW_CONNECTIONS: u32 = 1000;
/// Requests on one connection, and connections, after which a server goes on as before.
const WARMING: u32 = 200;
/// A round of doing nothing.
const REST: Duration = Duration::from_secs(5);
/// What a server has left to do for connections that were closed, before its instructions are counted.
const SETTLE: Duration = Duration::from_millis(500);
/// The same where each connection has ended on both sides: a guest that does nothing is not to be counted long.
const SHORT_SETTLE: Duration = Duration::from_millis(50);
/// Before a round after thousands of connections were closed.
const LONG_SETTLE: Duration = Duration::from_secs(3);
/// For what is asked in one round without `wrk`.
const ROUND: Duration = Duration::from_secs(120);

/// The large file, and its length.
const LARGE_FILE: &str = "large.bin";
const LARGE_BYTES: u64 = 100 * MEBIBYTE;
const MEBIBYTE: u64 = 1024 * 1024;

const INSTRUCTIONS_PER_REQUEST: Figure =
    Figure::less("instructionsPerRequest", "instructions per request, `wrk -c30`");
const INSTRUCTIONS_PER_LONE_REQUEST: Figure =
    Figure::less("instructionsPerLoneRequest", "instructions per request, one connection");
const INSTRUCTIONS_PER_CONNECTION: Figure =
    Figure::less("instructionsPerConnection", "instructions per new connection and request");
const IDLE_INSTRUCTIONS: Figure = Figure::less("idleInstructions", "idle instructions per second");
const REQUESTS_PER_SECOND: Figure = Figure::more("requestsPerSecond", "requests per second, `wrk -c30`");
const REQUESTS_PER_PROCESSOR_SECOND: Figure =
    Figure::more("requestsPerProcessorSecond", "requests per second of processor time, `wrk -c30`");
const MANY_IN_USE: Figure = Figure::part("manyConnections", "of these with `wrk -c1000`");
const MANY_IDLE: Figure = Figure::part("idleConnections", "of these beside 10,000 idle connections");
const DOWNLOAD: Figure = Figure::more("download", "download of 100 MiB, MiB per second");
const LEAST_MEMORY: Figure = Figure::less("leastMemory", "least memory that serves `wrk -c30`, KiB");
const MEMORY: Figure = Figure::less("memory", "memory of the process after `wrk -c30`, KiB");

/// Images that serve files over HTTP.
pub struct Files;

impl Workload for Files {
    fn applications(&self) -> &'static [&'static str] {
        &["nginx", "httpd"]
    }

    fn beside(&self) -> &'static str {
        "nginx"
    }

    fn origin(&self) -> Origin {
        Origin::Packages { asked: &["nginx"], taken: &["nginx", "libcrypt1", "libpcre", "libssl", "zlib1g"] }
    }

    fn programs(&self) -> &'static [(&'static str, &'static str)] {
        &[("wrk", "wrk")]
    }

    fn service(&self) -> Option<Service> {
        Some(Service { port: 80, answers: http::answers })
    }

    fn command(&self) -> &'static [&'static str] {
        &[PROGRAM, "-e", "stderr", "-c", SETTINGS]
    }

    /// The page is the image's own: it is asked for it, and then both get the same.
    fn prepare(&self, parts: &mut Parts, image: &Image, packages: &Packages) -> Result<(), Error> {
        // Linux has nothing to be asked for before its roots are there; the image has what is packed into it.
        let index = http::page(&Server::start_and_wait(Subject::Image(image).recipe(parts, Setup::PACKED))?)?;
        for (name, large, connections) in [("page", 0, CONNECTIONS), ("large", LARGE_BYTES, MANY_CONNECTIONS)]
        {
            let directory = parts.scratch.join(name);
            let served = Served { files: make_files(&directory, &index, large)?, connections };
            let roots = Roots::at(&directory);
            make_roots(&roots, packages, image, &served)?;
            parts.roots.push((name, roots));
        }
        Ok(())
    }

    fn steps(&self, platform: Platform, plan: Plan) -> Vec<Step> {
        let (rounds, seconds) = (plan.rounds as f64, f64::from(plan.seconds));
        let few_rounds = plan.few_rounds() as f64;
        let mut steps = vec![Step::new("size", 1.0, measure::bytes)];
        if platform == Platform::Kvm {
            steps.push(Step::new("instructions", 10.0 + rounds * (2.0 * seconds + 20.0), instructions));
            steps.push(Step::new("starts, counted", few_rounds * 8.0, measure::counted_starts));
        }
        if plan.counts {
            return steps;
        }
        steps.push(Step::new("starts", rounds * 4.0, measure::starts));
        steps.push(Step::new("requests per second", 8.0 + rounds * 4.0 * seconds, rates));
        steps.push(Step::new("idle connections", few_rounds * (4.0 * seconds + 26.0), idle_connections));
        steps.push(Step::new("downloads", 8.0 + rounds * 4.0, downloads));
        steps.push(match platform {
            Platform::Kvm => Step::new("least memory", 60.0, least_memory),
            Platform::Linux => Step::new("memory", 10.0, memory),
        });
        steps
    }
}

/// What is served, and to how many at once.
struct Served {
    files: PathBuf,
    connections: usize,
}

/// The files that are served: the page, and the large one where it has a length.
fn make_files(directory: &Path, index: &[u8], large: u64) -> Result<PathBuf, Error> {
    let files = directory.join("files");
    fs::create_dir_all(&files)
        .and_then(|()| fs::write(files.join("index.html"), index))
        .and_then(
            |()| if large > 0 { fs::File::create(files.join(LARGE_FILE))?.set_len(large) } else { Ok(()) },
        )
        .map_err(Error::file(&files))?;
    Ok(files)
}

fn make_roots(roots: &Roots, packages: &Packages, image: &Image, served: &Served) -> Result<(), Error> {
    let Served { files, connections } = served;
    let configuration = CONFIGURATION.replace(MOST, &connections.to_string());
    guest::make_root(&packages.root, &roots.linux)?;
    guest::put_program(&packages.root, PROGRAM, &roots.linux)?;
    guest::put(&roots.linux, SETTINGS, &configuration, 0o644)?;
    // nginx makes directories for what clients send there.
    guest::put(&roots.linux, "/var/lib/nginx/.keep", "", 0o644)?;
    guest::put_files(&roots.linux, SITE, files)?;
    guest::archive(&roots.linux, &roots.initramfs)?;

    let directory = roots.image.with_extension("root");
    guest::put(&directory, SETTINGS, &configuration, 0o644)?;
    guest::put_files(&directory, if image.application == "nginx" { SITE } else { "" }, files)?;
    guest::archive(&directory, &roots.image)
}

fn instructions(pair: &Pair<'_>) -> Vec<Figures> {
    const FIGURES: [Figure; 4] = [
        INSTRUCTIONS_PER_REQUEST,
        INSTRUCTIONS_PER_LONE_REQUEST,
        INSTRUCTIONS_PER_CONNECTION,
        IDLE_INSTRUCTIONS,
    ];
    pair.one_by_one(FIGURES, |subject| {
        let server = pair.start(subject, PAGE.counted())?;
        // `wrk` leaves memory in pieces that differ from run to run, which each new connection then finds.
        let steady = steady_rounds(&server, pair.plan.rounds)?;
        load::wrk(server.address, FEW, pair.plan.seconds)?;
        let complete = |[lone, connection]: [f64; 2]| {
            let idle = idle_round(&server)?;
            Ok([busy_round(&server, pair.plan.seconds, connection)?, lone, connection, idle])
        };
        steady.into_iter().map(complete).collect()
    })
}

/// Instructions a request on one connection, and a new connection with a request, round by round.
fn steady_rounds(server: &Server, rounds: usize) -> Result<Vec<[f64; 2]>, Error> {
    let _order = server.in_turn()?;
    http::steady_connections(server, WARMING, ROUND)?;
    (0..rounds).map(|_| Ok([lone_round(server)?, connections_round(server)?])).collect()
}

fn idle_round(server: &Server) -> Result<f64, Error> {
    thread::sleep(SETTLE);
    let begin = server.count()?;
    thread::sleep(REST);
    Ok(server.count()?.rate_since(begin))
}

fn lone_round(server: &Server) -> Result<f64, Error> {
    let mut connection = http::steady_connection(server, ROUND)?;
    http::steady_requests(server, &mut connection, WARMING)?;
    let begin = server.count()?;
    http::steady_requests(server, &mut connection, LONE_REQUESTS)?;
    Ok(server.count()?.since(begin) / f64::from(LONE_REQUESTS))
}

fn connections_round(server: &Server) -> Result<f64, Error> {
    thread::sleep(SHORT_SETTLE);
    let begin = server.count()?;
    http::steady_connections(server, NEW_CONNECTIONS, ROUND)?;
    thread::sleep(SHORT_SETTLE);
    Ok(server.count()?.since(begin) / f64::from(NEW_CONNECTIONS))
}

/// Instructions a request of `wrk`, less what its connections cost with a request each.
fn busy_round(server: &Server, seconds: u32, connection: f64) -> Result<f64, Error> {
    let _order = server.undisturbed()?;
    let begin = server.count()?;
    let load = faultless(server, FEW, seconds)?;
    thread::sleep(SETTLE);
    let instructions = server.count()?.since(begin);
    Ok((instructions - f64::from(FEW) * connection) / (load.requests - f64::from(FEW)))
}

fn rates(pair: &Pair<'_>) -> Vec<Figures> {
    const FIGURES: [Figure; 3] = [REQUESTS_PER_SECOND, REQUESTS_PER_PROCESSOR_SECOND, MANY_IN_USE];
    pair.of_servers(FIGURES, pair.plan.rounds, PAGE, |server| {
        let begin = server.processor_seconds()?;
        let few = faultless(server, FEW, pair.plan.seconds)?;
        let worked = server.processor_seconds()? - begin;
        let many = faultless(server, MANY, pair.plan.seconds)?;
        thread::sleep(SETTLE);
        let few_rate = few.requests_per_second;
        Ok([few_rate, few.requests / worked, many.requests_per_second / few_rate])
    })
}

fn idle_connections(pair: &Pair<'_>) -> Vec<Figures> {
    // Its settings are those for many connections.
    pair.of_servers([MANY_IDLE], pair.plan.few_rounds(), LARGE, |server| {
        let without = faultless(server, FEW, pair.plan.seconds)?.requests_per_second;
        let idle = Idle::open(server, IDLE)?;
        let beside = faultless(server, FEW, pair.plan.seconds)?.requests_per_second;
        let open = idle.still_open();
        drop(idle);
        thread::sleep(LONG_SETTLE);
        if open < IDLE {
            return Err(server.failed(&format!("kept {open} of {IDLE} idle connections")));
        }
        Ok([beside / without])
    })
}

/// Each time the second one of two: during the first the emulator translates what it has not run yet.
fn downloads(pair: &Pair<'_>) -> Vec<Figures> {
    pair.of_servers([DOWNLOAD], pair.plan.rounds, LARGE, |server| {
        download(server)?;
        let begin = Instant::now();
        download(server)?;
        Ok([(LARGE_BYTES / MEBIBYTE) as f64 / begin.elapsed().as_secs_f64()])
    })
}

/// Gets the large file on a connection of its own.
fn download(server: &Server) -> Result<(), Error> {
    let mut connection = http::connect(server, ROUND)?;
    let length = http::get(server, &mut connection, &format!("/{LARGE_FILE}"))?;
    if length == LARGE_BYTES {
        return Ok(());
    }
    Err(server.failed(&format!("{length} bytes of {LARGE_BYTES} in a download")))
}

fn memory(pair: &Pair<'_>) -> Vec<Figures> {
    measure::memory(pair, MEMORY, serves)
}

fn least_memory(pair: &Pair<'_>) -> Vec<Figures> {
    measure::least_memory(pair, LEAST_MEMORY, serves)
}

fn serves(server: &Server) -> Result<(), Error> {
    faultless(server, FEW, 2).map(drop)
}
