//! A run: from images to results, inside the namespaces.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::command::Program;
use crate::error::Error;
use crate::image::{Image, Platform};
use crate::measure::{self, Plan};
use crate::packages::Packages;
use crate::progress::Progress;
use crate::results::{Circumstances, Comparison, Machine, Results, Row};
use crate::subject::{Parts, Subject};
use crate::workloads::Origin;
use crate::{Arguments, counter, guest, network, page, preflight};

/// Files that a process may have open: thousands of connections, of the client and of native servers.
const OPEN_FILES: u64 = 65_536;

const QUESTION: Duration = Duration::from_secs(20);

/// Where packages are kept from run to run.
pub fn cache() -> Result<PathBuf, Error> {
    let own = env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = own.or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".cache")));
    let missing = || Error::Missing(vec!["neither XDG_CACHE_HOME nor HOME is set".into()]);
    Ok(cache.ok_or_else(missing)?.join("unicore/bench"))
}

/// The images that are to be measured; one that cannot be is told before anything begins.
pub fn images(arguments: &Arguments) -> Result<Vec<Image>, Error> {
    let natives = arguments.native.iter().cloned().collect();
    arguments.images.iter().map(|directory| Image::open(directory, &natives)).collect()
}

/// Measures everything, tells the tables, and writes what was asked for.
pub fn measure(arguments: &Arguments, scratch: &Path) -> Result<(), Error> {
    let images = images(arguments)?;
    let packages = Packages::prepared(&cache()?)?;
    allow_open_files()?;
    network::make()?;
    let plan = Plan { rounds: arguments.rounds.into(), seconds: arguments.seconds, counts: arguments.counts };
    let mut results = match &arguments.record {
        Some(file) => Results::read(file)?,
        None => Results::default(),
    };
    let mut progress = Progress::new(&measure::durations(&images, plan));
    for image in &images {
        let parts = make_parts(&packages, image, &scratch.join(&image.name))?;
        let circumstances = Circumstances {
            date: today()?,
            rounds: plan.rounds,
            seconds: plan.seconds,
            machine: machine(),
            versions: versions(&packages, image),
        };
        let rows = measure::compare(image, &parts, plan, &mut progress);
        let comparison = compared(image, circumstances, rows);
        println!("{}", page::section(&comparison));
        results.put(comparison);
        // At once: who interrupts a long run has what was measured by then.
        write(arguments, &results)?;
    }
    Ok(())
}

/// What was measured just now.
fn compared(image: &Image, mut circumstances: Circumstances, rows: Vec<Row>) -> Comparison {
    circumstances.machine.load_after = load_average();
    let [image, beside] = [Subject::Image(image), Subject::Beside(image)].map(|subject| subject.name());
    Comparison { image, beside, circumstances, rows }
}

fn write(arguments: &Arguments, results: &Results) -> Result<(), Error> {
    if let Some(file) = arguments.record.as_ref().or(arguments.json.as_ref()) {
        results.write(file)?;
    }
    if let Some(file) = &arguments.page {
        fs::write(file, page::page(results)).map_err(Error::file(file))?;
    }
    Ok(())
}

/// What a comparison is made of.
fn make_parts(packages: &Packages, image: &Image, scratch: &Path) -> Result<Parts, Error> {
    fs::create_dir_all(scratch).map_err(Error::file(scratch))?;
    let mut parts = Parts {
        scratch: scratch.to_owned(),
        plugin: counter::compile(scratch)?,
        kernel: guest::kernel(&packages.root)?,
        roots: Vec::new(),
    };
    image.workload.prepare(&mut parts, image, packages)?;
    Ok(parts)
}

/// As many as the system allows, up to that: where they are too few, the figure that takes most says so.
fn allow_open_files() -> Result<(), Error> {
    let limit = getrlimit(Resource::Nofile);
    let current = limit.maximum.map_or(OPEN_FILES, |most| most.min(OPEN_FILES));
    setrlimit(Resource::Nofile, Rlimit { current: Some(current), ..limit })
        .map_err(|error| Error::system("allowing many open files")(error.into()))
}

fn load_average() -> f64 {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().and_then(|minute| minute.parse().ok()).unwrap_or_default()
}

/// This one as it is before something is measured.
fn machine() -> Machine {
    let information = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = information.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let processors = thread::available_parallelism().map_or(1, usize::from);
    let processor = model.map_or("unknown", |(_, name)| name).to_owned();
    Machine { processor, processors, load_before: load_average(), load_after: 0.0 }
}

/// The day, in UTC.
fn today() -> Result<String, Error> {
    Ok(Program::new("date", QUESTION).args(["--utc", "+%F"]).output()?.trim().to_owned())
}

/// Of an image, and of what takes part where it is measured.
fn versions(packages: &Packages, image: &Image) -> BTreeMap<String, String> {
    let of_package = |name: &str| packages.version(name).unwrap_or("unknown").to_owned();
    let kernel = Program::new("uname", QUESTION).arg("-sr").output();
    let mut versions = BTreeMap::from([
        ("image".to_owned(), format!("SHA-256 {}", image.sha256)),
        ("libc of Linux's programs".to_owned(), of_package("libc6")),
        ("Linux of the machine".to_owned(), kernel.unwrap_or_default().trim().to_owned()),
    ]);
    if image.platform == Platform::Kvm {
        versions.insert("Linux of the guest".into(), of_package("linux-image-"));
        versions.insert("QEMU".into(), preflight::qemu_version().unwrap_or_else(|| "unknown".into()));
    }
    if let Origin::Packages { asked, .. } = image.workload.origin() {
        versions.extend(asked.iter().map(|name| (format!("{name} of the distribution"), of_package(name))));
    }
    if image.workload.programs().iter().any(|(program, _)| *program == "wrk") {
        versions.insert("wrk".into(), wrk_version());
    }
    versions
}

/// From its own words `wrk debian/4.1.0-3 [epoll] …`, which it ends with status 1.
fn wrk_version() -> String {
    let told = std::process::Command::new("wrk").arg("--version").output();
    let told = told.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    told.split_whitespace().nth(1).unwrap_or("unknown").to_owned()
}
