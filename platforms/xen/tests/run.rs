//! The configurations that `run` makes for domains, and what it makes of their ends.

use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

/// An image's directory, with programs in `bin` that stand before those of the machine.
struct Image(TempDir);

impl Image {
    fn new(fields: Value) -> Self {
        let mut composition = json!({
            "image": "x-xen-x86_64", "app": "x", "platform": "xen", "arch": "x86_64",
            "interfaces": {}, "nodes": [], "rooms": {}, "memoryMiB": 8,
            "target": { "config": "xl.cfg", "testHost": true },
        });
        composition.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        let composition = serde_json::from_value(composition).unwrap();
        let image = Self(tempfile::tempdir().unwrap());
        image.write("run", &pack::run::script(&composition, include_str!("../run.sh")));
        image
    }

    /// Writes a program.
    fn write(&self, name: &str, script: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, script).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
    }

    /// An `xl` whose `create` does this; the domain's configuration is `$5`.
    fn with_xl(self, create: &str) -> Self {
        self.write("bin/xl", &format!("#!/bin/sh\ncase $1 in info) exit 0 ;; create) {create} ;; esac"));
        self
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().canonicalize().unwrap().join(name)
    }

    fn command(&self, environment: &[(&str, &str)], arguments: &[&str]) -> Command {
        let mut command = Command::new("sh");
        command.arg(self.path("run")).args(arguments).current_dir(self.0.path());
        command.env("PATH", format!("{}:/usr/bin:/bin", self.path("bin").display()));
        command.env_remove("UNICORE_TEST_HOST").envs(environment.iter().copied());
        command
    }

    fn run(&self, environment: &[(&str, &str)], arguments: &[&str]) -> Output {
        self.command(environment, arguments).output().unwrap()
    }

    /// Standard output of a run that ends well.
    fn says(&self, environment: &[(&str, &str)], arguments: &[&str]) -> String {
        let output = self.run(environment, arguments);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Standard error of a run that is refused.
    fn refuses(&self, environment: &[(&str, &str)], arguments: &[&str]) -> String {
        let output = self.run(environment, arguments);
        assert_eq!(output.status.code(), Some(2), "{}", String::from_utf8_lossy(&output.stdout));
        String::from_utf8(output.stderr).unwrap()
    }

    /// The lines of a configuration that say something.
    fn config(&self, environment: &[(&str, &str)], arguments: &[&str]) -> Vec<String> {
        let arguments = [&["--config"], arguments].concat();
        let said = self.says(environment, &arguments);
        said.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect()
    }
}

#[test]
fn a_configuration_is_what_the_image_needs_and_no_more() {
    let image = Image::new(json!({}));
    let kernel = format!("kernel = \"{}\"", image.path("x-xen-x86_64").display());
    let lines = [
        "name = \"x-xen-x86_64\"",
        "type = \"pvh\"",
        &kernel,
        "memory = 8",
        "vcpus = 1",
        "on_poweroff = \"destroy\"",
        "on_reboot = \"restart\"",
        "on_crash = \"destroy\"",
    ];
    assert_eq!(image.config(&[], &[]), lines);
}

#[test]
fn options_and_devices_are_in_the_configuration() {
    let image = Image::new(json!({ "devices": ["disk", "network"] }));
    image.write("disk", "");
    image.write("frozen", "");
    std::fs::set_permissions(image.path("frozen"), PermissionsExt::from_mode(0o444)).unwrap();
    let environment = [("UNICORE_XEN_TYPE", "pv"), ("UNICORE_BRIDGE", "br1")];
    let options = [
        "--memory",
        "16",
        "--initrd",
        "disk",
        "--disk",
        "disk",
        "--disk",
        "frozen",
        "--append",
        "ip=10.1.0.2/16",
    ];
    let lines = image.config(&environment, &[&options[..], &["--", "a b", r"c\"]].concat());
    let has = |line: String| assert!(lines.contains(&line), "{lines:?} lack {line}");
    let (disk, frozen) = (image.path("disk"), image.path("frozen"));
    has("type = \"pv\"".to_owned());
    has("memory = 16".to_owned());
    has("vif = [ \"bridge=br1\" ]".to_owned());
    has(format!("ramdisk = \"{}\"", disk.display()));
    has(r#"extra = "ip=10.1.0.2/16 -- \"a b\" c\\""#.to_owned());
    has(format!("    \"format=raw,vdev=xvda,access=rw,target={}\",", disk.display()));
    has(format!("    \"format=raw,vdev=xvdb,access=ro,target={}\",", frozen.display()));
}

#[test]
fn a_network_that_is_left_out_is_not_configured() {
    let image = Image::new(json!({ "devices": ["network"] }));
    assert!(image.config(&[], &[]).contains(&"vif = [ \"bridge=xenbr0\" ]".to_owned()));
    assert!(!image.config(&[("UNICORE_NET", "none")], &[]).iter().any(|line| line.starts_with("vif")));
}

#[test]
fn what_cannot_be_is_refused() {
    let image = Image::new(json!({ "devices": ["network"] })).with_xl("exit 0");
    assert!(image.refuses(&[("UNICORE_XEN_TYPE", "hvm")], &[]).contains("pvh or pv"));
    assert!(image.refuses(&[("UNICORE_TAP", "tap0")], &[]).contains("UNICORE_BRIDGE"));
    assert!(image.refuses(&[], &["--forward", "80:80"]).contains("its own address"));
    assert!(image.refuses(&[], &["--", "a\nb"]).contains("line break"));
    let long = "x".repeat(1024);
    assert!(image.refuses(&[("UNICORE_XEN_TYPE", "pv")], &["--config", "--", &long]).contains("1023 bytes"));
    assert!(!image.config(&[], &["--", &long]).is_empty());
}

#[test]
fn without_xen_it_says_how_to_get_it() {
    let image = Image::new(json!({}));
    assert!(image.refuses(&[], &[]).contains("this machine is no Xen host"));
    assert_eq!(image.run(&[], &["--check-host"]).status.code(), Some(1));
    assert!(image.with_xl("exit 0").says(&[], &["--check-host"]).is_empty());
}

#[test]
fn a_domain_ends_as_its_image_does() {
    let ended = |reason: &str| {
        let said = format!("echo booted; echo 'Domain 7 has shut down, reason code {reason} 0x0' >&2");
        let output = Image::new(json!({})).with_xl(&said).run(&[], &[]);
        assert_eq!(output.stdout, b"booted\n");
        output.status.code()
    };
    assert_eq!(ended("0"), Some(0));
    assert_eq!(ended("1"), Some(0));
    assert_eq!(ended("3"), Some(134));
    assert_eq!(ended("135"), Some(7));
    assert_eq!(ended("2"), Some(125));
}

#[test]
fn who_ends_it_ends_the_domain() {
    let image =
        Image::new(json!({})).with_xl("echo created; exec sleep 1000 ;; destroy) echo \"destroyed $2\"");
    let mut command = image.command(&[], &[]);
    let mut run = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut output = BufReader::new(run.stdout.take().unwrap()).lines();
    assert_eq!(output.next().unwrap().unwrap(), "created");
    Command::new("kill").arg(run.id().to_string()).status().unwrap();
    assert_eq!(run.wait().unwrap().code(), Some(143));
    assert!(output.next().unwrap().unwrap().starts_with("destroyed x-xen-x86_64-"));
}

#[test]
fn an_image_that_heeds_wishes_is_asked_first() {
    let node =
        json!({ "room": "x", "kind": "application", "why": "", "needs": { "shutdown": ["xenstore"] } });
    let create =
        "echo created; until [ -e ended ]; do sleep 0.1; done; echo 'has shut down, reason code 0' >&2";
    let asked = "shutdown) touch asked-$2 && mv asked-* asked ;; destroy) touch ended";
    let image = Image::new(json!({ "nodes": [node] })).with_xl(&format!("{create} ;; {asked}"));
    for (signals, status) in [(1, 0), (2, 143)] {
        let mut command = image.command(&[], &[]);
        let mut run = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut output = BufReader::new(run.stdout.take().unwrap()).lines();
        assert_eq!(output.next().unwrap().unwrap(), "created");
        for signal in 1..=signals {
            Command::new("kill").arg(run.id().to_string()).status().unwrap();
            if signal == 1 {
                wait_for(&image.path("asked"));
            }
        }
        if signals == 1 {
            assert_eq!(run.try_wait().unwrap(), None, "it waits for the domain");
            image.write("ended", "");
        }
        assert_eq!(run.wait().unwrap().code(), Some(status));
        for left in ["asked", "ended"] {
            std::fs::remove_file(image.path(left)).unwrap();
        }
    }
}

/// Waits until there is such a file, for some seconds at most.
fn wait_for(file: &Path) {
    let end = Instant::now() + Duration::from_secs(10);
    while !file.exists() {
        assert!(Instant::now() < end, "{} is not there", file.display());
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_domain_that_is_not_created_is_told_by_xl_itself() {
    let output = Image::new(json!({})).with_xl("echo no such bridge >&2; exit 1").run(&[], &[]);
    assert_eq!(output.status.code(), Some(125));
    assert_eq!(output.stderr, b"no such bridge\n");
}

#[test]
fn domains_of_an_image_do_not_get_in_each_others_way() {
    let image = Image::new(json!({ "ports": { "http": 80 }, "devices": ["network"] }))
        .with_xl(r#"echo "$2 $3 $4"; echo "$5""#);
    let said = String::from_utf8(image.run(&[], &["--append", "ip=10.1.0.2/16"]).stdout).unwrap();
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines[..2], ["http://10.1.0.2:80/", "-F -c /dev/null"]);
    let names: Vec<_> = lines.iter().filter(|line| line.starts_with("name = \"x-xen-x86_64")).collect();
    assert!(names.last().unwrap().starts_with("name = \"x-xen-x86_64-"), "{names:?}");
    assert_eq!(lines.last(), Some(&"on_reboot = \"destroy\""));
}

#[test]
fn a_test_host_gets_the_configuration_and_what_it_names() {
    let image = Image::new(json!({ "ports": { "http": 80 }, "devices": ["disk", "network"] }));
    image.write("host/bin/test-host", "#!/bin/sh\nfor last; do :; done\necho \"$@\"\ncat \"$last\"\nexit 9");
    image.write("disk", "");
    let host = image.path("host");
    let environment = [("UNICORE_TEST_HOST", host.to_str().unwrap()), ("UNICORE_PORT_BASE", "9000")];
    let output = image.run(&environment, &["--disk", "disk", "--append", "log=debug"]);
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(9), "{said}");
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines[0], "http://127.0.0.1:9000/");
    assert!(lines[1].starts_with("run --quiet --forward 9000:80 --disk disk"), "{said}");
    assert!(lines.contains(&r#"extra = "ip=10.0.2.16/24 gw=10.0.2.2 log=debug""#), "{said}");
    let name = lines[1].split_once("--disk ").unwrap().1.split_once('=').unwrap().0;
    assert!(said.contains(&format!("target=/disks/{name}\"")), "{said}");
}
