//! The two that are compared, and how each is started.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::counter::Counter;
use crate::error::Error;
use crate::guest;
use crate::image::{Image, Platform};
use crate::network::Cable;
use crate::order;
use crate::server::Recipe;

/// Memory of both guests in KiB, but where the least is looked for: counts depend on it a little.
pub const MEMORY_KIB: u64 = 512 * 1024;

/// Port of the image where it is a process; the native server has that of its service.
const PROCESS_PORT: u16 = 8080;

/// How a subject is to be started.
#[derive(Clone, Copy, Debug)]
pub struct Setup {
    pub memory_kib: u64,
    /// Whether the processes of an image may have so much too, and not what their image says.
    pub roomy: bool,
    /// Whether its instructions are counted.
    pub counted: bool,
    /// Which of the roots it is started with. `None` is what is packed into the image; Linux has nothing of that kind, and
    /// has the first root.
    pub root: Option<&'static str>,
    /// Words for the program, behind those that it always gets.
    pub words: &'static [&'static str],
}

impl Setup {
    /// With what is packed into the image.
    pub const PACKED: Self =
        Self { memory_kib: MEMORY_KIB, roomy: false, counted: false, root: None, words: &[] };

    /// With that root.
    pub const fn with_root(root: &'static str) -> Self {
        Self { root: Some(root), ..Self::PACKED }
    }

    /// The same with its instructions counted.
    pub const fn counted(self) -> Self {
        Self { counted: true, ..self }
    }

    /// The same with these words for the program.
    pub const fn words(self, words: &'static [&'static str]) -> Self {
        Self { words, ..self }
    }
}

/// What the subjects are started from.
pub struct Parts {
    /// Directory for sockets and consoles.
    pub scratch: PathBuf,
    /// The plugin that counts.
    pub plugin: PathBuf,
    /// The distribution's kernel.
    pub kernel: PathBuf,
    /// What there is to start with, by name.
    pub roots: Vec<(&'static str, Roots)>,
}

/// Roots with the same content.
pub struct Roots {
    /// Of Linux, as a directory.
    pub linux: PathBuf,
    /// The same as an archive.
    pub initramfs: PathBuf,
    /// Of the image, as an archive, where it gets one.
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
    /// Those of a setup.
    fn roots(&self, setup: Setup) -> &Roots {
        let wanted = self.roots.iter().find(|(name, _)| Some(*name) == setup.root);
        let (_, roots) = wanted.unwrap_or(&self.roots[0]);
        roots
    }
}

/// One of the two.
#[derive(Clone, Copy)]
pub enum Subject<'a> {
    Image(&'a Image),
    /// Linux with what is beside that image, as a guest or as a process of this machine.
    Beside(&'a Image),
}

impl Subject<'_> {
    /// What it is called in the results.
    pub fn name(&self) -> String {
        match self {
            Self::Image(image) => image.name.clone(),
            Self::Beside(image) => match image.platform {
                Platform::Kvm => format!("Linux guest, {}", image.workload.beside()),
                Platform::Linux => format!("native {}", image.workload.beside()),
            },
        }
    }

    /// Bytes that are loaded to start it: of a process with its libraries.
    pub fn bytes(&self, parts: &Parts) -> Result<u64, Error> {
        match self {
            Self::Image(image) => Ok(image.bytes),
            Self::Beside(image) => {
                let roots = parts.roots(Setup::PACKED);
                match image.platform {
                    Platform::Kvm => Ok(length(&parts.kernel)? + length(&roots.initramfs)?),
                    Platform::Linux => guest::program_bytes(&roots.linux, image.workload.command()[0]),
                }
            }
        }
    }

    pub fn recipe(&self, parts: &Parts, setup: Setup) -> Recipe {
        match self {
            Self::Image(image) => match image.platform {
                Platform::Kvm => image_guest(image, parts, setup),
                Platform::Linux => image_process(image, parts, setup),
            },
            Self::Beside(image) => match image.platform {
                Platform::Kvm => linux_guest(image, parts, setup),
                Platform::Linux => native_process(image, parts, setup),
            },
        }
    }
}

fn length(file: &Path) -> Result<u64, Error> {
    Ok(fs::metadata(file).map_err(Error::file(file))?.len())
}

fn image_guest(image: &Image, parts: &Parts, setup: Setup) -> Recipe {
    let mut machine = Machine::new(image, Cable::IMAGE, parts, setup);
    machine.command.arg("-kernel").arg(&image.file);
    let mut line = Vec::new();
    if image.workload.service().is_some() {
        line.push(format!("ip={}", Cable::IMAGE.network()));
    }
    if !setup.words.is_empty() {
        line.push(format!("-- {}", setup.words.join(" ")));
    }
    machine.command.args(["-append", &line.join(" ")]);
    if setup.root.is_some() {
        machine.command.arg("-initrd").arg(&parts.roots(setup).image);
    }
    if image.wants_entropy {
        machine.command.args(["-device", "virtio-rng-pci"]);
    }
    machine.recipe(image, &image.name)
}

fn linux_guest(image: &Image, parts: &Parts, setup: Setup) -> Recipe {
    let mut machine = Machine::new(image, Cable::LINUX, parts, setup);
    machine.command.arg("-kernel").arg(&parts.kernel).arg("-initrd").arg(&parts.roots(setup).initramfs);
    machine.command.args(["-append", &kernel_line(image, setup)]);
    machine.recipe(image, &Subject::Beside(image).name())
}

/// Words for the kernel, and for the first process those that it does not know. A server becomes the first process.
fn kernel_line(image: &Image, setup: Setup) -> String {
    let exec = if image.workload.service().is_some() { "exec " } else { "" };
    let words = [image.workload.command(), setup.words].concat().join(" ");
    // A panic ends the machine at once, as it ends an image. The check of timers fails where the emulator has to wait.
    format!(
        "console=ttyS0 quiet panic=-1 no_timer_check address={} command=\"{exec}{words}\"",
        Cable::LINUX.network()
    )
}

/// What both machines have in common.
struct Machine {
    command: Command,
    cable: Cable,
    console: PathBuf,
    counter: Option<Counter>,
}

impl Machine {
    fn new(image: &Image, cable: Cable, parts: &Parts, setup: Setup) -> Self {
        let interface = cable.interface();
        let console = parts.scratch.join(format!("{interface}.console"));
        let mut command = emulator(setup);
        command.args(["-name", "guest,debug-threads=on", "-M", "q35", "-accel", "tcg", "-cpu", "max"]);
        command.args(["-smp", "1", "-m", &format!("{}K", setup.memory_kib)]);
        command.args(["-nodefaults", "-no-reboot", "-display", "none", "-serial", "stdio"]);
        command.args(["-device", "isa-debug-exit,iobase=0xf4,iosize=4"]);
        if image.workload.service().is_some() {
            let card = format!("virtio-net-pci,netdev=net0,romfile=,mac={}", cable.hardware_address());
            command.args(["-netdev", &format!("tap,id=net0,ifname={interface},script=no,downscript=no")]);
            command.args(["-device", &card]);
        }
        let counter = setup.counted.then(|| Counter::at(&parts.scratch, &interface));
        if let Some(counter) = &counter {
            command.args(["-plugin", &format!("{},{}", parts.plugin.display(), counter.arguments())]);
        }
        Self { command, cable, console, counter }
    }

    fn recipe(self, image: &Image, name: &str) -> Recipe {
        let Self { command, cable, console, counter } = self;
        let service = image.workload.service();
        let address = SocketAddr::from((cable.address(), service.map_or(0, |service| service.port)));
        let answers = service.map(|service| service.answers);
        Recipe { name: name.to_owned(), command, address, answers, console, counter }
    }
}

/// On one processor where instructions are counted, as [`order`] wants it.
fn emulator(setup: Setup) -> Command {
    const EMULATOR: &str = "qemu-system-x86_64";
    match order::processor() {
        Ok(processor) if setup.counted => {
            let mut command = Command::new("taskset");
            command.args(["--cpu-list", &processor.to_string(), EMULATOR]);
            command
        }
        _ => Command::new(EMULATOR),
    }
}

fn image_process(image: &Image, parts: &Parts, setup: Setup) -> Recipe {
    let mut command = Command::new(&image.file);
    // The words of its `run`, without the time that a shell takes to find them.
    if let Some(service) = image.workload.service() {
        command.arg(format!("forward={PROCESS_PORT}:{}", service.port));
    }
    if setup.root.is_some() {
        command.arg(format!("initrd={}", parts.roots(setup).image.display()));
    }
    let roomy = setup.roomy.then_some(setup.memory_kib / 1024);
    if let Some(memory) = roomy.or(image.memory_mib) {
        command.arg(format!("memory={memory}"));
    }
    command.arg("--").args(setup.words);
    process(image, &image.name, command, PROCESS_PORT, parts)
}

fn native_process(image: &Image, parts: &Parts, setup: Setup) -> Recipe {
    let mut command = Command::new("chroot");
    command.arg(&parts.roots(setup).linux).args(image.workload.command()).args(setup.words);
    let port = image.workload.service().map_or(0, |service| service.port);
    process(image, &Subject::Beside(image).name(), command, port, parts)
}

fn process(image: &Image, name: &str, command: Command, port: u16, parts: &Parts) -> Recipe {
    Recipe {
        name: name.to_owned(),
        command,
        address: SocketAddr::from(([127, 0, 0, 1], port)),
        answers: image.workload.service().map(|service| service.answers),
        console: parts.scratch.join(format!("{port}.console")),
        counter: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::tests::image;

    const PAGE: Setup = Setup::with_root("page");
    const LARGE: Setup = Setup::with_root("large");

    fn parts() -> Parts {
        Parts {
            scratch: "/scratch".into(),
            plugin: "/count.so".into(),
            kernel: "/vmlinuz".into(),
            roots: vec![("page", Roots::at(Path::new("/page"))), ("large", Roots::at(Path::new("/large")))],
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
        for application in crate::workloads::applications() {
            let image = image(application, Platform::Kvm);
            for setup in [PAGE, PAGE.counted(), LARGE] {
                assert_eq!(machine(Subject::Image(&image), setup), machine(Subject::Beside(&image), setup));
            }
        }
    }

    #[test]
    fn only_what_serves_has_a_network_card() {
        let has_card = |application| {
            let image = image(application, Platform::Kvm);
            machine(Subject::Image(&image), PAGE).contains(&"-netdev".to_owned())
        };
        assert!(has_card("nginx") && !has_card("speedtest1"));
    }

    #[test]
    fn only_what_is_counted_has_the_plugin() {
        let image = image("nginx", Platform::Kvm);
        let subject = Subject::Beside(&image);
        assert!(subject.recipe(&parts(), PAGE.counted()).counter.is_some());
        let plain = subject.recipe(&parts(), PAGE);
        assert!(plain.counter.is_none() && !words(&plain).contains(&"-plugin".to_owned()));
    }

    #[test]
    fn the_chosen_root_reaches_both() {
        let (guest, process) = (image("nginx", Platform::Kvm), image("nginx", Platform::Linux));
        let has = |subject: Subject<'_>, file: &str| {
            words(&subject.recipe(&parts(), LARGE)).contains(&file.to_owned())
        };
        assert!(has(Subject::Image(&guest), "/large/image.cpio"));
        assert!(has(Subject::Beside(&guest), "/large/linux.cpio"));
        assert!(has(Subject::Image(&process), "initrd=/large/image.cpio"));
        assert!(has(Subject::Beside(&process), "/large/linux"));
    }

    #[test]
    fn words_for_the_program_reach_both() {
        let (guest, process) = (image("speedtest1", Platform::Kvm), image("speedtest1", Platform::Linux));
        let setup = Setup::PACKED.words(&["--size", "1"]);
        let line = |subject: Subject<'_>| words(&subject.recipe(&parts(), setup)).join(" ");
        assert!(line(Subject::Image(&guest)).contains("-append -- --size 1"));
        assert!(line(Subject::Beside(&guest)).ends_with("command=\"/bin/speedtest1 --size 1\""));
        assert_eq!(line(Subject::Image(&process)), "memory=64 -- --size 1");
        assert_eq!(line(Subject::Beside(&process)), "/page/linux /bin/speedtest1 --size 1");
    }
}
