//! The machine that `run` asks QEMU for, by what an image wants.

use std::process::Command;

use serde_json::{Value, json};

/// What a dry run prints for an image with these fields in its composition.
fn dry_run(fields: Value, machine: &str, arguments: &[&str]) -> String {
    let mut composition = json!({
        "image": "x-kvm-x86_64", "app": "x", "platform": "kvm", "arch": "x86_64",
        "interfaces": {}, "nodes": [], "rooms": {}, "memoryMiB": 64, "target": { "qemu": "qemu" },
    });
    composition.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    let composition = serde_json::from_value(composition).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let run = directory.path().join("run");
    std::fs::write(&run, pack::run::script(&composition, include_str!("../run.sh"))).unwrap();
    std::fs::write(directory.path().join("a,b"), "").unwrap();
    let mut command = Command::new("sh");
    command.arg(&run).arg("--dry-run").args(arguments).current_dir(directory.path());
    command.env("UNICORE_ACCEL", "tcg").env("UNICORE_MACHINE", machine);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn an_image_that_wants_nothing_gets_a_machine_without_devices() {
    let command = dry_run(json!({}), "q35", &[]);
    assert!(command.contains("'-m' '64'"), "{command}");
    assert!(!command.contains("virtio"), "{command}");
}

#[test]
fn each_kind_of_device_is_there_where_it_is_wanted() {
    let command = dry_run(
        json!({ "devices": ["disk", "entropy", "network"], "ports": { "http": 80 } }),
        "q35",
        &["--disk", "a,b", "--memory", "8"],
    );
    assert!(command.contains("'-m' '8'"), "{command}");
    assert!(
        command.contains(
            "hostfwd=tcp:127.0.0.1:8080-10.0.2.15:80,hostfwd=udp:127.0.0.1:8080-10.0.2.15:80' '-device' \
             'virtio-net-pci,netdev=net0"
        ),
        "{command}"
    );
    assert!(command.contains("/a,,b' '-device' 'virtio-blk-pci,drive=disk0'"), "{command}");
    assert!(command.contains("'-device' 'virtio-rng-pci'"), "{command}");
}

#[test]
fn microvm_tells_of_its_register_windows() {
    let command = dry_run(json!({ "devices": ["disk", "network"] }), "microvm", &["--disk", "a,b"]);
    assert!(command.contains("'virtio-blk-device,drive=disk0'"), "{command}");
    let windows = "virtio_mmio.device=512@0xfeb00e00:12 virtio_mmio.device=512@0xfeb00c00:11";
    assert!(command.contains(windows), "{command}");
}
