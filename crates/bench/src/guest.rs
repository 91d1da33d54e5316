//! The Linux that runs a program beside an image: a root with that program in it, which is a guest's initramfs and a native
//! process's root alike.

use std::fs;
use std::io::BufWriter;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::command::Program;
use crate::error::Error;

const INIT: &str = include_str!("../guest/init");

/// Modules of the network card, each behind those that it needs. A kernel that has one built in has no file of it.
const MODULES: [&str; 8] = [
    "virtio_ring",
    "virtio",
    "virtio_pci_legacy_dev",
    "virtio_pci_modern_dev",
    "virtio_pci",
    "failover",
    "net_failover",
    "virtio_net",
];

/// Where the distribution's libraries are, in its packages.
const LIBRARIES: [&str; 2] = ["lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu"];

/// Where the loader is that programs name.
const LOADER: &str = "/lib64/ld-linux-x86-64.so.2";
const LOADER_FILE: &str = "ld-linux-x86-64.so.2";

/// For the loader to list a program's libraries, and for making a program smaller.
const LISTING: Duration = Duration::from_secs(10);
const STRIPPING: Duration = Duration::from_secs(20);

/// Directories that the first process wants to be there, and programs of every kind.
const DIRECTORIES: [&str; 7] = ["bin", "dev", "etc", "modules", "proc", "sys", "tmp"];

/// Makes the root of Linux at `root`, of unpacked packages, for programs that are put there next.
pub fn make_root(packages: &Path, root: &Path) -> Result<(), Error> {
    for directory in DIRECTORIES {
        let path = root.join(directory);
        fs::create_dir_all(&path).map_err(Error::file(&path))?;
    }
    copy(&first(packages, &["bin/busybox", "usr/bin/busybox"])?, &root.join("bin/busybox"))?;
    copy_modules(packages, &root.join("modules"))?;
    put(root, "/init", INIT, 0o755)?;
    put(root, "/etc/passwd", "root:x:0:0:root:/:/bin/sh\n", 0o644)?;
    put(root, "/etc/group", "root:x:0:\n", 0o644)
}

/// Puts a program of unpacked packages into a root, with the libraries that it loads.
pub fn put_program(packages: &Path, program: &str, root: &Path) -> Result<(), Error> {
    // A link there may name the loader by a path of the machine's own root.
    put_file(
        root,
        LOADER,
        &first(packages, &LIBRARIES.map(|directory| format!("{directory}/{LOADER_FILE}")))?,
    )?;
    let files = libraries(packages, program)?;
    let files = files.iter().map(String::as_str).filter(|path| *path != LOADER).chain([program]);
    for path in files {
        put_file(root, path, &packages.join(path.trim_start_matches('/')))?;
    }
    Ok(())
}

/// Paths of the libraries that a program in a root loads, the loader among them.
fn libraries(root: &Path, program: &str) -> Result<Vec<String>, Error> {
    let listed = Program::new("chroot", LISTING).arg(root).args([LOADER, "--list", program]).output()?;
    Ok(paths(&listed))
}

/// The paths in lines of the form `libz.so.1 => /usr/lib/… (0x7f…)`; the kernel's own library has none.
fn paths(listed: &str) -> Vec<String> {
    let path = |line: &str| line.split_whitespace().find(|word| word.starts_with('/')).map(str::to_owned);
    listed.lines().filter_map(path).collect()
}

/// Writes a file at a path in a root, with the directories that lead there.
pub fn put(root: &Path, path: &str, text: &str, mode: u32) -> Result<(), Error> {
    let file = place(root, path)?;
    fs::write(&file, text)
        .and_then(|()| fs::set_permissions(&file, fs::Permissions::from_mode(mode)))
        .map_err(Error::file(&file))
}

/// Copies a file to a path in a root, with the directories that lead there.
pub fn put_file(root: &Path, path: &str, from: &Path) -> Result<(), Error> {
    copy(from, &place(root, path)?)
}

/// Copies a program to a path in a root, without what only debuggers read.
pub fn put_stripped(root: &Path, path: &str, from: &Path) -> Result<(), Error> {
    let strip = Program::new("strip", STRIPPING).arg("-o").arg(place(root, path)?).arg(from);
    strip.output().map(drop)
}

/// Copies the files of a directory to one at a path in a root.
pub fn put_files(root: &Path, path: &str, from: &Path) -> Result<(), Error> {
    list(from)?.iter().try_for_each(|file| put_file(root, &format!("{path}/{}", name(file)), file))
}

/// A path in a root, whose directories are made.
fn place(root: &Path, path: &str) -> Result<PathBuf, Error> {
    let file = root.join(path.trim_start_matches('/'));
    let directory = file.parent().unwrap_or(root);
    fs::create_dir_all(directory).map_err(Error::file(directory))?;
    Ok(file)
}

/// Writes a directory as an archive that the kernel, and the image, take for a root.
pub fn archive(root: &Path, file: &Path) -> Result<(), Error> {
    let out = fs::File::create(file).map_err(Error::file(file))?;
    pack::cpio::archive(root, 0, &mut BufWriter::new(out))
        .map_err(|error| Error::Image { path: root.to_owned(), why: error.to_string() })
}

/// Length of a program at a path in a root, and of the libraries that it loads where it does not have all of them in itself.
pub fn program_bytes(root: &Path, program: &str) -> Result<u64, Error> {
    let has_loader = root.join(LOADER.trim_start_matches('/')).exists();
    let libraries = if has_loader { libraries(root, program)? } else { Vec::new() };
    let files = libraries.iter().map(String::as_str).chain([program]);
    let files = files.map(|path| root.join(path.trim_start_matches('/')));
    files.map(|path| Ok(fs::metadata(&path).map_err(Error::file(&path))?.len())).sum()
}

/// The kernel among unpacked packages.
pub fn kernel(packages: &Path) -> Result<PathBuf, Error> {
    let boot = packages.join("boot");
    let paths = list(&boot)?;
    let kernel = paths.into_iter().find(|path| name(path).starts_with("vmlinuz-"));
    kernel.ok_or_else(|| Error::Image { path: boot, why: "no kernel in the distribution's package".into() })
}

fn copy_modules(packages: &Path, to: &Path) -> Result<(), Error> {
    let mut found = Vec::new();
    collect_modules(&first(packages, &["lib/modules", "usr/lib/modules"])?, &mut found)?;
    let mut order = String::new();
    for module in MODULES {
        let file = format!("{module}.ko");
        if let Some(path) = found.iter().find(|path| name(path).replace('-', "_") == file) {
            copy(path, &to.join(&file))?;
            order += &file;
            order += "\n";
        }
    }
    put(to, "order", &order, 0o644)
}

fn collect_modules(directory: &Path, found: &mut Vec<PathBuf>) -> Result<(), Error> {
    for path in list(directory)? {
        if path.is_dir() && !path.is_symlink() {
            collect_modules(&path, found)?;
        } else if path.extension().is_some_and(|extension| extension == "ko") {
            found.push(path);
        }
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<(), Error> {
    fs::copy(from, to).map(drop).map_err(Error::file(from))
}

/// The first of these that is there: distributions differ in where they put things.
fn first(root: &Path, places: &[impl AsRef<Path>]) -> Result<PathBuf, Error> {
    let mut paths = places.iter().map(|place| root.join(place));
    paths.find(|path| path.exists()).ok_or_else(|| Error::Image {
        path: root.to_owned(),
        why: format!("the distribution's packages have no {}", places[0].as_ref().display()),
    })
}

fn list(directory: &Path) -> Result<Vec<PathBuf>, Error> {
    let entries = fs::read_dir(directory).and_then(Iterator::collect::<std::io::Result<Vec<_>>>);
    let mut paths: Vec<PathBuf> =
        entries.map_err(Error::file(directory))?.iter().map(fs::DirEntry::path).collect();
    paths.sort();
    Ok(paths)
}

fn name(path: &Path) -> std::borrow::Cow<'_, str> {
    path.file_name().unwrap_or_default().to_string_lossy()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packages() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for file in [
            "bin/busybox",
            "boot/vmlinuz-6.1.0",
            "boot/config-6.1.0",
            "lib/modules/6.1.0/net/virtio_net.ko",
            "lib/modules/6.1.0/net/failover.ko",
            "lib/modules/6.1.0/net/other.ko",
        ] {
            let path = root.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, file).unwrap();
        }
        root
    }

    #[test]
    fn a_root_has_what_the_first_process_needs() {
        let (packages, made) = (packages(), tempfile::tempdir().unwrap());
        make_root(packages.path(), made.path()).unwrap();
        let there = |path: &str| made.path().join(path).exists();
        assert!(there("init") && there("bin/busybox") && there("etc/passwd") && there("tmp"));
    }

    #[test]
    fn libraries_are_read_from_what_the_loader_says() {
        let listed = "\tlinux-vdso.so.1 (0x00007ffd)\n\tlibz.so.1 => /lib/x86_64-linux-gnu/libz.so.1 (0x00007f01)\n\
            \t/lib64/ld-linux-x86-64.so.2 (0x00007f02)\n";
        assert_eq!(paths(listed), ["/lib/x86_64-linux-gnu/libz.so.1", LOADER]);
    }

    #[test]
    fn a_program_that_loads_nothing_is_as_long_as_its_file() {
        let made = tempfile::tempdir().unwrap();
        put(made.path(), "/bin/it", "program", 0o755).unwrap();
        assert_eq!(program_bytes(made.path(), "/bin/it").unwrap(), 7);
    }

    #[test]
    fn files_are_put_where_their_path_says() {
        let (files, made) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::write(files.path().join("index.html"), "page").unwrap();
        for (path, place) in [("", "index.html"), ("/srv/www", "srv/www/index.html")] {
            put_files(made.path(), path, files.path()).unwrap();
            assert!(made.path().join(place).exists(), "{place}");
        }
        put(made.path(), "/etc/it.conf", "setting", 0o600).unwrap();
        let put = fs::metadata(made.path().join("etc/it.conf")).unwrap();
        assert_eq!((put.len(), put.permissions().mode() & 0o777), (7, 0o600));
    }

    #[test]
    fn modules_are_inserted_behind_those_they_need() {
        let (packages, made) = (packages(), tempfile::tempdir().unwrap());
        copy_modules(packages.path(), made.path()).unwrap();
        let order = fs::read_to_string(made.path().join("order")).unwrap();
        assert_eq!(order, "failover.ko\nvirtio_net.ko\n");
        assert!(!made.path().join("other.ko").exists());
    }

    #[test]
    fn the_kernel_is_found_and_a_package_without_one_is_told() {
        let packages = packages();
        assert!(kernel(packages.path()).unwrap().ends_with("boot/vmlinuz-6.1.0"));
        fs::remove_file(packages.path().join("boot/vmlinuz-6.1.0")).unwrap();
        assert!(kernel(packages.path()).is_err());
    }
}
