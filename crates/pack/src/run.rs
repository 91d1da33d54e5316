//! `run`: the platform's own script with the values of the image in front.

use std::fmt::Write;

use weave::composition::{Composition, Kind, Node};

/// What the scripts of all platforms have in common.
const COMMON: &str = include_str!("run.sh");

/// The script that starts an image: values of the image as shell variables, what all platforms have in common, and
/// `platform_script`, the platform's own `run.sh`.
///
/// | variable | value |
/// |---|---|
/// | `IMAGE` | name of the image |
/// | `IMAGE_FILE` | the image, beside the script |
/// | `PLATFORM`, `SUMMARY` | its platform, by name and in words |
/// | `ARCH` | its architecture |
/// | `QEMU` | QEMU's program for the architecture, empty where there is none |
/// | `ROOMS` | its rooms |
/// | `DEVICES` | what these want of the machine: `disk`, `entropy`, `network` |
/// | `HEEDS_WISHES` | `yes` where a room hears of wishes that the image ends (`iface-shutdown`), empty where none does |
/// | `MEMORY` | memory that it was built for in MiB, empty where nobody says |
/// | `CONFIG` | name of the configuration file beside the script, empty where the platform has none |
/// | `TEST_HOST` | `yes` where the platform has a test host, empty where it has none |
/// | `PORTS` | ports that are reached from outside, `http=80 https=443` |
pub fn script(composition: &Composition, platform_script: &str) -> String {
    let Composition { image, arch, platform, target, .. } = composition;
    let ports: Vec<String> = composition.ports.iter().map(|(name, port)| format!("{name}={port}")).collect();
    let rooms: Vec<&str> = composition.nodes.iter().map(|node| node.room.as_str()).collect();
    let summary = composition.only(Kind::Platform).map_or("", |platform| &platform.summary);
    let mut out = String::new();
    let _ = write!(
        out,
        "#!/bin/sh\n\
         # Starts {image}; the values are this image's, the rest is that of the platform {platform}.\n\
         set -eu\n\
         IMAGE={}\n\
         IMAGE_FILE=$(dirname \"$(readlink -f \"$0\")\")/$IMAGE\n\
         PLATFORM={}\n\
         SUMMARY={}\n\
         ARCH={}\n\
         QEMU={}\n\
         ROOMS={}\n\
         DEVICES={}\n\
         HEEDS_WISHES={}\n\
         MEMORY={}\n\
         CONFIG={}\n\
         TEST_HOST={}\n\
         PORTS={}\n\n",
        quoted(image),
        quoted(platform),
        quoted(summary),
        quoted(arch),
        quoted(target.qemu.as_deref().unwrap_or_default()),
        quoted(&rooms.join(" ")),
        quoted(&composition.devices.join(" ")),
        quoted(if heeds_wishes(composition) { "yes" } else { "" }),
        quoted(&composition.memory_mib.map(|mib| mib.to_string()).unwrap_or_default()),
        quoted(target.config.as_deref().unwrap_or_default()),
        quoted(if target.test_host { "yes" } else { "" }),
        quoted(&ports.join(" ")),
    );
    out + COMMON + "\n" + platform_script
}

/// Whether a room is told by somebody of wishes that the image ends.
fn heeds_wishes(composition: &Composition) -> bool {
    let hears = |node: &Node| node.needs.get("shutdown").is_some_and(|providers| !providers.is_empty());
    composition.nodes.iter().any(hears)
}

/// As one word of the shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quote_stays_inside_the_word() {
        assert_eq!(quoted("it's $HOME"), r"'it'\''s $HOME'");
    }
}
