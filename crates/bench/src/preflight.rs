//! Whether this machine can measure, before anything begins.

use std::collections::BTreeSet;
use std::env;
use std::path::Path;
use std::time::Duration;

use crate::command::Program;
use crate::error::Error;
use crate::image::Image;
use crate::order;

/// Programs, and the packages of Debian's that have them, whatever is measured.
const PROGRAMS: [(&str, &str); 12] = [
    ("apt-get", "apt: the Linux beside the image is made of the distribution's packages"),
    ("cc", "gcc and libc6-dev"),
    ("chroot", "coreutils"),
    ("chrt", "util-linux"),
    ("dpkg-deb", "dpkg"),
    ("ip", "iproute2"),
    ("qemu-system-x86_64", "qemu-system-x86"),
    ("timeout", "coreutils"),
    ("mount", "mount"),
    ("strip", "binutils"),
    ("taskset", "util-linux"),
    ("unshare", "util-linux"),
];

/// The first whose emulator counts instructions for plugins without a call for each.
const LEAST_QEMU: u32 = 9;

const QUESTION: Duration = Duration::from_secs(20);

/// That nothing is missing for these images, or else all that is.
pub fn check(images: &[Image]) -> Result<(), Error> {
    let of_images: BTreeSet<_> = images.iter().flat_map(|image| image.workload.programs()).collect();
    let mut missing: Vec<String> = PROGRAMS
        .iter()
        .chain(of_images)
        .filter(|(program, _)| !is_installed(program))
        .map(|(program, package)| format!("{program} is not installed ({package})"))
        .collect();
    if !rustix::process::geteuid().is_root() {
        missing.push("it takes root: a network of its own, with TAP interfaces".into());
    } else if !Path::new("/dev/net/tun").exists() {
        missing
            .push("there is no /dev/net/tun: load the module tun, or give the container that device".into());
    } else if is_installed("unshare") && !can_unshare() {
        missing.push("namespaces cannot be made here: a container needs CAP_SYS_ADMIN for that".into());
    }
    if is_installed("chrt") && !order::is_allowed() {
        missing.push(
            "processes cannot be given real-time priorities: a container needs CAP_SYS_NICE for that".into(),
        );
    }
    if let Some(version) = qemu_version()
        && major(&version) < Some(LEAST_QEMU)
    {
        missing.push(format!("QEMU {version} does not count instructions, {LEAST_QEMU}.0 does"));
    }
    if missing.is_empty() { Ok(()) } else { Err(Error::Missing(missing)) }
}

/// Version of the installed QEMU.
pub fn qemu_version() -> Option<String> {
    let told = Program::new("qemu-system-x86_64", QUESTION).arg("--version").output().ok()?;
    Some(told.split_whitespace().skip_while(|word| *word != "version").nth(1)?.to_owned())
}

fn major(version: &str) -> Option<u32> {
    version.split('.').next()?.parse().ok()
}

fn can_unshare() -> bool {
    let tried = Program::new("unshare", QUESTION).args(["--net", "--pid", "--fork", "true"]);
    tried.output().is_ok()
}

fn is_installed(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|directory| directory.join(program).is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_by_their_first_number() {
        assert!(major("7.2.9") < Some(LEAST_QEMU));
        assert!(major("10.0.2") >= Some(LEAST_QEMU));
    }

    #[test]
    fn programs_are_looked_for_where_the_system_has_them() {
        assert!(is_installed("sh"));
        assert!(!is_installed("no-such-program"));
    }
}
