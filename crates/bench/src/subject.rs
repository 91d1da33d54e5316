//! The two that are compared, and how each is started.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::Error;
use crate::guest;
use crate::image::{Image, Platform};
use crate::network::Cable;
use crate::server::Recipe;

/// Memory of both guests in KiB, but where the least is looked for: counts depend on it a little.
pub const MEMORY_KIB: u64 = 512 * 1024;

/// Port of the image where it is a process; the native server has 80.
const PROCESS_PORT: u16 = 8080;

/// How a subject is to be started.
#[derive(Clone, Copy, Debug)]
pub struct Setup {
    pub memory_kib: u64,
    /// Whether its instructions are counted.
    pub counted: bool,
    pub files: Files,
}

/// What a subject serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Files {
    /// What is packed into the image; Linux has nothing of that kind, and has the page.
    Packed,
    Page,
    /// The page and the large file, to many connections.
    Large,
}

impl Setup {
    /// As it is measured but for what the others say.
    pub const PLAIN: Self = Self { memory_kib: MEMORY_KIB, counted: false, files: Files::Page };
    pub const COUNTED: Self = Self { counted: true, ..Self::PLAIN };
    pub const LARGE: Self = Self { files: Files::Large, ..Self::PLAIN };
    pub const PACKED: Self = Self { files: Files::Packed, ..Self::PLAIN };
}

/// What the subjects are started from.
pub struct Parts {
    /// Directory for sockets and consoles.
    pub scratch: PathBuf,
    /// The plugin that counts.
    pub plugin: PathBuf,
    /// The distribution's kernel.
    pub kernel: PathBuf,
    /// What serves the page alone.
    pub page: Roots,
    /// What serves the large file too.
    pub large: Roots,
}

/// Roots with the same files to serve.
pub struct Roots {
    /// Of Linux, as a directory.
    pub linux: PathBuf,
    /// The same as an archive.
    pub initramfs: PathBuf,
    /// Of the image, as an archive.
    pub image: PathBuf,
}

impl Roots {
    /// Those in a directory, which are made there.
    pub fn at(directory: &Path) -> Self {
        let place = |name: &str| directory.join(name);
        Self { linux: place("linux"), initramfs: place("linux.cpio"), image: place("image.cpio") }
    }
}

impl Parts {
    fn roots(&self, setup: Setup) -> &Roots {
        if setup.files == Files::Large { &self.large } else { &self.page }
    }
}

/// One of the two.
#[derive(Clone, Copy)]
pub enum Subject<'a> {
    Image(&'a Image),
    /// Linux with nginx, as a guest or as a process of this machine.
    Linux(Platform),
}

impl Subject<'_> {
    /// What it is called in the results.
    pub fn name(&self) -> String {
        match self {
            Self::Image(image) => image.name.clone(),
            Self::Linux(Platform::Kvm) => "Linux guest, nginx".into(),
            Self::Linux(Platform::Linux) => "native nginx".into(),
        }
    }

    /// Bytes that are loaded to start it: of a process with its libraries.
    pub fn bytes(&self, parts: &Parts) -> Result<u64, Error> {
        match self {
            Self::Image(image) => Ok(image.bytes),
            Self::Linux(Platform::Kvm) => Ok(length(&parts.kernel)? + length(&parts.page.initramfs)?),
            Self::Linux(Platform::Linux) => guest::program_bytes(&parts.page.linux),
        }
    }

    pub fn recipe(&self, parts: &Parts, setup: Setup) -> Recipe {
        match self {
            Self::Image(image) => match image.platform {
                Platform::Kvm => image_guest(image, parts, setup),
                Platform::Linux => image_process(image, parts, setup),
            },
            Self::Linux(Platform::Kvm) => linux_guest(parts, setup),
            Self::Linux(Platform::Linux) => native_process(parts, setup),
        }
    }
}

fn length(file: &Path) -> Result<u64, Error> {
    Ok(fs::metadata(file).map_err(Error::file(file))?.len())
}

fn image_guest(image: &Image, parts: &Parts, setup: Setup) -> Recipe {
    let mut machine = Machine::new(Cable::IMAGE, parts, setup);
    machine.command.arg("-kernel").arg(&image.file);
    machine.command.args(["-append", &format!("ip={}", Cable::IMAGE.network())]);
    if setup.files != Files::Packed {
        machine.command.arg("-initrd").arg(&parts.roots(setup).image);
    }
    if image.wants_entropy {
        machine.command.args(["-device", "virtio-rng-pci"]);
    }
    machine.recipe(&image.name)
}

fn linux_guest(parts: &Parts, setup: Setup) -> Recipe {
    let mut machine = Machine::new(Cable::LINUX, parts, setup);
    machine.command.arg("-kernel").arg(&parts.kernel).arg("-initrd").arg(&parts.roots(setup).initramfs);
    // A panic ends the machine at once, as it ends an image. The check of timers fails where the emulator has to wait.
    let line = format!("console=ttyS0 quiet panic=-1 no_timer_check address={}", Cable::LINUX.network());
    machine.command.args(["-append", &line]);
    machine.recipe(&Subject::Linux(Platform::Kvm).name())
}

/// What both machines have in common.
struct Machine {
    command: Command,
    cable: Cable,
    console: PathBuf,
    counter: Option<PathBuf>,
}

impl Machine {
    fn new(cable: Cable, parts: &Parts, setup: Setup) -> Self {
        let interface = cable.interface();
        let console = parts.scratch.join(format!("{interface}.console"));
        let mut command = Command::new("qemu-system-x86_64");
        command.args([
            "-name",
            "guest,debug-threads=on",
            "-M",
            "q35",
            "-accel",
            "tcg",
            "-cpu",
            "max",
            "-smp",
            "1",
        ]);
        command.args([
            "-m",
            &format!("{}K", setup.memory_kib),
            "-nodefaults",
            "-no-reboot",
            "-display",
            "none",
        ]);
        command.args(["-serial", "stdio", "-device", "isa-debug-exit,iobase=0xf4,iosize=4"]);
        let card = format!("virtio-net-pci,netdev=net0,romfile=,mac={}", cable.hardware_address());
        command.args(["-netdev", &format!("tap,id=net0,ifname={interface},script=no,downscript=no")]);
        command.args(["-device", &card]);
        let counter = setup.counted.then(|| parts.scratch.join(format!("{interface}.count")));
        if let Some(socket) = &counter {
            // Of the one that was started before.
            let _ = fs::remove_file(socket);
            command.args(["-plugin", &format!("{},socket={}", parts.plugin.display(), socket.display())]);
        }
        Self { command, cable, console, counter }
    }

    fn recipe(self, name: &str) -> Recipe {
        let Self { command, cable, console, counter } = self;
        Recipe { name: name.to_owned(), command, address: cable.service(), console, counter }
    }
}

fn image_process(image: &Image, parts: &Parts, setup: Setup) -> Recipe {
    let mut command = Command::new(&image.file);
    // The words of its `run`, without the time that a shell takes to find them.
    command.arg(format!("forward={PROCESS_PORT}:80"));
    if setup.files != Files::Packed {
        command.arg(format!("initrd={}", parts.roots(setup).image.display()));
    }
    // What the image says of its memory does not hold for a file as large as this.
    if setup.files == Files::Large {
        command.arg(format!("memory={}", setup.memory_kib / 1024));
    }
    command.arg("--");
    process(&image.name, command, PROCESS_PORT, parts)
}

fn native_process(parts: &Parts, setup: Setup) -> Recipe {
    let mut command = Command::new("chroot");
    command.arg(&parts.roots(setup).linux).args([guest::NGINX, "-e", "stderr", "-c", guest::SETTINGS]);
    process(&Subject::Linux(Platform::Linux).name(), command, 80, parts)
}

fn process(name: &str, command: Command, port: u16, parts: &Parts) -> Recipe {
    let console = parts.scratch.join(format!("{port}.console"));
    Recipe {
        name: name.to_owned(),
        command,
        address: SocketAddr::from(([127, 0, 0, 1], port)),
        console,
        counter: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts() -> Parts {
        Parts {
            scratch: "/scratch".into(),
            plugin: "/count.so".into(),
            kernel: "/vmlinuz".into(),
            page: Roots::at(Path::new("/page")),
            large: Roots::at(Path::new("/large")),
        }
    }

    fn image(platform: Platform) -> Image {
        Image {
            name: "httpd".into(),
            platform,
            file: "/out/httpd".into(),
            bytes: 1,
            sha256: String::new(),
            site: "",
            wants_entropy: false,
        }
    }

    fn words(recipe: &Recipe) -> Vec<String> {
        recipe.command.get_args().map(|word| word.to_string_lossy().into_owned()).collect()
    }

    /// The words of a machine but for what it starts, and its place on the network.
    fn machine(subject: Subject<'_>, setup: Setup) -> Vec<String> {
        let words = words(&subject.recipe(&parts(), setup));
        let mut own = false;
        words
            .into_iter()
            .filter(|word| {
                let was_own =
                    std::mem::replace(&mut own, ["-kernel", "-initrd", "-append"].contains(&word.as_str()));
                !was_own && !own
            })
            .map(|word| word.replace("tap1", "tap0").replace("34:57", "34:56"))
            .collect()
    }

    #[test]
    fn both_guests_have_the_same_machine() {
        let image = image(Platform::Kvm);
        for setup in [Setup::PLAIN, Setup::COUNTED, Setup::LARGE] {
            assert_eq!(machine(Subject::Image(&image), setup), machine(Subject::Linux(Platform::Kvm), setup));
        }
    }

    #[test]
    fn only_what_is_counted_has_the_plugin() {
        let subject = Subject::Linux(Platform::Kvm);
        assert!(subject.recipe(&parts(), Setup::COUNTED).counter.is_some());
        let plain = subject.recipe(&parts(), Setup::PLAIN);
        assert!(plain.counter.is_none() && !words(&plain).contains(&"-plugin".to_owned()));
    }

    #[test]
    fn the_large_file_reaches_both() {
        let image = image(Platform::Kvm);
        let has = |subject: Subject<'_>, file: &str| {
            words(&subject.recipe(&parts(), Setup::LARGE)).contains(&file.to_owned())
        };
        assert!(has(Subject::Image(&image), "/large/image.cpio"));
        assert!(has(Subject::Linux(Platform::Kvm), "/large/linux.cpio"));
        assert!(has(Subject::Linux(Platform::Linux), "/large/linux"));
    }
}
