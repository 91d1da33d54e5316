//! The Linux that serves beside an image: a root with the distribution's nginx in it, which is a guest's initramfs and a
//! native process's root alike.

use std::fs;
use std::io::BufWriter;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::command::Program;
use crate::error::Error;

/// The program, as a path in the root.
pub const NGINX: &str = "/usr/sbin/nginx";
/// Where these settings have the files that it serves, without the slash at the beginning.
pub const SITE: &str = "srv/www";
/// Its settings there.
pub const SETTINGS: &str = "/etc/nginx/nginx.conf";

const INIT: &str = include_str!("../guest/init");
const CONFIGURATION: &str = include_str!("../guest/nginx.conf");
/// What stands in it for the most connections at once, for which nginx takes memory when it starts.
const CONNECTIONS: &str = "@connections@";

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
const LOADER: &str = "lib64/ld-linux-x86-64.so.2";

/// For the loader to list a program's libraries.
const LISTING: Duration = Duration::from_secs(10);

/// Directories that nginx or the first process wants to be there.
const DIRECTORIES: [&str; 8] = ["dev", "etc/nginx", "lib64", "modules", "proc", SITE, "sys", "var/lib/nginx"];

/// Makes the root of an image at `root`: the files that are to be served, at `site` in it, and the settings of nginx.
pub fn make_image_root(files: &Path, connections: usize, site: &str, root: &Path) -> Result<(), Error> {
    let (settings, site) = (root.join(SETTINGS.trim_start_matches('/')), root.join(site));
    for directory in [&site, settings.parent().unwrap_or(root)] {
        fs::create_dir_all(directory).map_err(Error::file(directory))?;
    }
    write(&settings, &configuration(connections), 0o644)?;
    copy_files(files, &site)
}

/// Makes the root of Linux at `root`, of unpacked packages and of the files that are to be served.
pub fn make_root(packages: &Path, files: &Path, connections: usize, root: &Path) -> Result<(), Error> {
    for directory in DIRECTORIES.into_iter().chain(["bin", "tmp", "usr/sbin"]).chain(LIBRARIES) {
        let path = root.join(directory);
        fs::create_dir_all(&path).map_err(Error::file(&path))?;
    }
    copy(&packages.join("usr/sbin/nginx"), &root.join("usr/sbin/nginx"))?;
    copy(&first(packages, &["bin/busybox", "usr/bin/busybox"])?, &root.join("bin/busybox"))?;
    for directory in LIBRARIES {
        copy_libraries(&packages.join(directory), &root.join(directory))?;
    }
    let loader = first(root, &LIBRARIES.map(|directory| format!("{directory}/ld-linux-x86-64.so.2")))?;
    let target = Path::new("..").join(loader.strip_prefix(root).unwrap_or(&loader));
    symlink(target, root.join(LOADER)).map_err(Error::file(&root.join(LOADER)))?;
    copy_modules(packages, &root.join("modules"))?;
    write(&root.join("init"), INIT, 0o755)?;
    write(&root.join(SETTINGS.trim_start_matches('/')), &configuration(connections), 0o644)?;
    write(&root.join("etc/passwd"), "root:x:0:0:root:/:/bin/sh\n", 0o644)?;
    write(&root.join("etc/group"), "root:x:0:\n", 0o644)?;
    copy_files(files, &root.join(SITE))
}

fn configuration(connections: usize) -> String {
    CONFIGURATION.replace(CONNECTIONS, &connections.to_string())
}

/// Writes a directory as an archive that the kernel, and the image, take for a root.
pub fn archive(root: &Path, file: &Path) -> Result<(), Error> {
    let out = fs::File::create(file).map_err(Error::file(file))?;
    pack::cpio::archive(root, 0, &mut BufWriter::new(out))
        .map_err(|error| Error::Image { path: root.to_owned(), why: error.to_string() })
}

/// Length of nginx and of the libraries that it loads, in a root.
pub fn program_bytes(root: &Path) -> Result<u64, Error> {
    let loader = Path::new("/").join(LOADER);
    let listed = Program::new("chroot", LISTING).arg(root).arg(loader).args(["--list", NGINX]);
    // Lines of the form `libz.so.1 => /usr/lib/… (0x7f…)`; the kernel's own one has no path.
    let listed = listed.output()?;
    let libraries =
        listed.lines().filter_map(|line| line.split_whitespace().find(|word| word.starts_with('/')));
    let files = libraries.chain([NGINX]).map(|path| root.join(path.trim_start_matches('/')));
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
    write(&to.join("order"), &order, 0o644)
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

/// Shared objects and their links; the rest of a library's package is not for running programs.
fn copy_libraries(from: &Path, to: &Path) -> Result<(), Error> {
    if !from.exists() {
        return Ok(());
    }
    for path in list(from)? {
        let target = to.join(name(&path).as_ref());
        if path.is_symlink() {
            let link = fs::read_link(&path).map_err(Error::file(&path))?;
            symlink(link, &target).map_err(Error::file(&target))?;
        } else if path.is_file() && name(&path).contains(".so") {
            copy(&path, &target)?;
        }
    }
    Ok(())
}

fn copy_files(from: &Path, to: &Path) -> Result<(), Error> {
    list(from)?.iter().try_for_each(|path| copy(path, &to.join(name(path).as_ref())))
}

fn copy(from: &Path, to: &Path) -> Result<(), Error> {
    fs::copy(from, to).map(drop).map_err(Error::file(from))
}

fn write(path: &Path, text: &str, mode: u32) -> Result<(), Error> {
    fs::write(path, text)
        .and_then(|()| fs::set_permissions(path, fs::Permissions::from_mode(mode)))
        .map_err(Error::file(path))
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
            "usr/sbin/nginx",
            "bin/busybox",
            "lib/x86_64-linux-gnu/ld-linux-x86-64.so.2",
            "lib/x86_64-linux-gnu/libc.so.6",
            "usr/lib/x86_64-linux-gnu/libz.so.1.2.13",
            "usr/lib/x86_64-linux-gnu/readme",
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
    fn a_root_has_the_server_what_it_needs_and_the_site() {
        let (packages, site, made) = (packages(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::write(site.path().join("index.html"), "page").unwrap();
        make_root(packages.path(), site.path(), 64, made.path()).unwrap();
        let there = |path: &str| made.path().join(path).exists();
        assert!(there("usr/sbin/nginx") && there("bin/busybox") && there("etc/nginx/nginx.conf"));
        assert!(
            there("usr/lib/x86_64-linux-gnu/libz.so.1.2.13") && !there("usr/lib/x86_64-linux-gnu/readme")
        );
        assert_eq!(fs::read_to_string(made.path().join("srv/www/index.html")).unwrap(), "page");
        let loader = fs::read_link(made.path().join(LOADER)).unwrap();
        assert_eq!(loader, Path::new("../lib/x86_64-linux-gnu/ld-linux-x86-64.so.2"));
    }

    #[test]
    fn an_image_gets_the_files_where_it_serves_them() {
        let (files, made) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::write(files.path().join("index.html"), "page").unwrap();
        for (site, place) in [("", "index.html"), (SITE, "srv/www/index.html")] {
            make_image_root(files.path(), 64, site, made.path()).unwrap();
            assert!(made.path().join(place).exists(), "{place}");
        }
        let settings = fs::read_to_string(made.path().join("etc/nginx/nginx.conf")).unwrap();
        assert!(settings.contains("worker_connections 64;"), "{settings}");
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
