//! The distribution's packages that what is beside an image is made of: fetched by the machine's own apt, unpacked
//! into a directory, never installed.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::command::Program;
use crate::error::Error;
use crate::workloads::{ALL, Origin};

/// What apt is asked for, whatever is measured, and how the names begin of what is taken of it.
const ASKED: [&str; 2] = ["linux-image-cloud-amd64", "busybox-static"];
const TAKEN: [&str; 3] = ["linux-image-", "busybox-static", "libc6"];

/// For what apt works out without the network.
const WORK: Duration = Duration::from_secs(60);
/// For downloads; the kernel has some 30 MB.
const DOWNLOAD: Duration = Duration::from_secs(600);

/// Where they are in the cache.
const DIRECTORY: &str = "linux";

/// The file that names what is unpacked beside it.
const LIST: &str = "packages";

/// Unpacked packages.
pub struct Packages {
    /// Where they are unpacked, as on a machine's root.
    pub root: PathBuf,
    /// Name and version of each.
    pub versions: Vec<(String, String)>,
}

impl Packages {
    /// Those in the cache, where they are what apt would install now or where it does not tell; otherwise they are fetched.
    pub fn prepare(cache: &Path) -> Result<(), Error> {
        let directory = cache.join(DIRECTORY);
        let known = fs::read_to_string(directory.join(LIST)).unwrap_or_default();
        let list = match candidates() {
            Ok(list) => list,
            Err(_) if !known.is_empty() => known.clone(),
            Err(error) => return Err(error),
        };
        if list != known {
            fetch(&list, &directory)?;
        }
        Ok(())
    }

    /// Those that were prepared before.
    pub fn prepared(cache: &Path) -> Result<Self, Error> {
        let directory = cache.join(DIRECTORY);
        let list = directory.join(LIST);
        let list = fs::read_to_string(&list).map_err(Error::file(&list))?;
        Ok(Self { root: directory.join("root"), versions: versions(&list) })
    }

    /// Version of the one whose name is, or begins with, this.
    pub fn version(&self, name: &str) -> Option<&str> {
        let exact = self.versions.iter().find(|(package, _)| package == name);
        let found = exact.or_else(|| self.versions.iter().find(|(package, _)| package.starts_with(name)));
        found.map(|(_, version)| version.as_str())
    }
}

/// A line `name=version` for each package that is taken.
fn candidates() -> Result<String, Error> {
    let simulated = Program::new("apt-get", WORK)
        .args(["install", "--simulate", "-qq", "--no-install-recommends"])
        .args(["-o", "Dir::State::status=/dev/null"])
        .args(ASKED.into_iter().chain(of_workloads(|asked, _| asked)));
    let starts: Vec<&str> = TAKEN.into_iter().chain(of_workloads(|_, taken| taken)).collect();
    Ok(taken(&simulated.output()?, &starts))
}

type Names = &'static [&'static str];

/// What is asked for, or taken, for all there is to be measured: one list, so that a selection fetches nothing anew.
fn of_workloads(which: fn(Names, Names) -> Names) -> impl Iterator<Item = &'static str> {
    ALL.into_iter().flat_map(move |workload| match workload.origin() {
        Origin::Packages { asked, taken } => which(asked, taken).iter().copied(),
        Origin::Source => [].iter().copied(),
    })
}

/// Of apt's lines `Inst <name> (<version> <origin>)` those whose names begin so.
fn taken(simulated: &str, starts: &[&str]) -> String {
    let package = |line: &str| {
        let (name, rest) = line.strip_prefix("Inst ")?.split_once(" (")?;
        let version = rest.split([' ', ')']).next()?;
        starts.iter().any(|start| name.starts_with(start)).then(|| format!("{name}={version}\n"))
    };
    simulated.lines().filter_map(package).collect()
}

fn versions(list: &str) -> Vec<(String, String)> {
    let pairs = list.lines().filter_map(|line| line.split_once('='));
    pairs.map(|(name, version)| (name.to_owned(), version.to_owned())).collect()
}

/// Leaves the list behind only when everything is there, so that half of it is fetched anew.
fn fetch(list: &str, directory: &Path) -> Result<(), Error> {
    if directory.exists() {
        fs::remove_dir_all(directory).map_err(Error::file(directory))?;
    }
    let downloads = directory.join("downloads");
    let root = directory.join("root");
    for made in [&downloads, &root] {
        fs::create_dir_all(made).map_err(Error::file(made))?;
    }
    eprintln!("bench: fetching {} packages, some 45 MB", list.lines().count());
    // Whatever apt says about running as root is about its own comfort.
    Program::new("apt-get", DOWNLOAD)
        .args(["download", "-qq", "-o", "APT::Sandbox::User=root"])
        .args(list.lines())
        .directory(&downloads)
        .output()?;
    for file in fs::read_dir(&downloads).map_err(Error::file(&downloads))? {
        let file = file.map_err(Error::file(&downloads))?.path();
        Program::new("dpkg-deb", WORK).arg("--extract").arg(&file).arg(&root).output()?;
    }
    fs::remove_dir_all(&downloads).map_err(Error::file(&downloads))?;
    let written = directory.join(LIST);
    fs::write(&written, list).map_err(Error::file(&written))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIMULATED: &str = "Inst libc6 (2.36-9+deb12u14 Debian:12.12/oldstable [amd64]) [libgcc-s1:amd64 ]\n\
        Inst perl (5.36 Debian [amd64])\n\
        Inst nginx (1.22.1-9+deb12u11 Debian-Security:12/oldstable-security [amd64])\n\
        Conf nginx (1.22.1-9+deb12u11 Debian-Security:12/oldstable-security [amd64])\n";

    #[test]
    fn what_the_server_needs_is_taken_of_what_apt_would_install() {
        assert_eq!(taken(SIMULATED, &["libc6", "nginx"]), "libc6=2.36-9+deb12u14\nnginx=1.22.1-9+deb12u11\n");
    }

    #[test]
    fn a_version_is_found_by_the_name_or_how_it_begins() {
        let packages = Packages {
            root: PathBuf::new(),
            versions: versions("linux-image-6.1.0-9-cloud-amd64=6.1\nnginx-common=2\nnginx=1\n"),
        };
        assert_eq!(packages.version("nginx"), Some("1"));
        assert_eq!(packages.version("linux-image-"), Some("6.1"));
        assert_eq!(packages.version("redis"), None);
    }
}
