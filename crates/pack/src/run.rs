//! `run`: the platform's own script with the values of the image in front.

use std::fmt::Write;

use weave::composition::Composition;

/// The script that starts an image.
///
/// In front of `platform_script`, the platform's `run.sh`, stand the shell variables it goes by:
///
/// | variable | value |
/// |---|---|
/// | `IMAGE` | name of the image |
/// | `IMAGE_FILE` | the image, beside the script |
/// | `ARCH` | its architecture |
/// | `QEMU` | QEMU's program for the architecture, empty where there is none |
/// | `PORTS` | ports that are reached from outside, `http=80 https=443` |
pub fn script(composition: &Composition, platform_script: &str) -> String {
    let Composition { image, arch, platform, target, .. } = composition;
    let ports: Vec<String> = composition.ports.iter().map(|(name, port)| format!("{name}={port}")).collect();
    let body = match platform_script.split_once('\n') {
        Some((first, rest)) if first.starts_with("#!") => rest,
        _ => platform_script,
    };
    let mut out = String::new();
    let _ = write!(
        out,
        "#!/bin/sh\n\
         # Starts {image}; the values are this image's, the rest is that of the platform {platform}.\n\
         set -eu\n\
         IMAGE={}\n\
         IMAGE_FILE=$(dirname \"$(readlink -f \"$0\")\")/$IMAGE\n\
         ARCH={}\n\
         QEMU={}\n\
         PORTS={}\n\n",
        quoted(image),
        quoted(arch),
        quoted(target.qemu.as_deref().unwrap_or_default()),
        quoted(&ports.join(" ")),
    );
    out + body
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
