//! The woven workspace on disk.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use toml_edit::DocumentMut;

use crate::composition::Composition;
use crate::error::Error;
use crate::{glue, manifest};

/// Parts of a room that an image does not need.
const LEFT_BEHIND: [&str; 5] = ["tests", "benches", "examples", "target", "module.nix"];

/// Root of a workspace that is no image: it compiles and does nothing, so that its dependencies are what is compiled.
const EMPTY_MAIN: &str = "#![no_std]
#![no_main]

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}
";

/// The pool's own workspace: what woven ones share with it.
pub struct Pool {
    manifest: DocumentMut,
    lock: String,
}

impl Pool {
    /// Reads the pool's `Cargo.toml` and `Cargo.lock`.
    ///
    /// # Errors
    /// When a file cannot be read, or the manifest is not TOML.
    pub fn read(manifest: &Path, lock: &Path) -> Result<Self, Error> {
        Ok(Self { manifest: manifest::parse(manifest, &read(manifest)?)?, lock: read(lock)? })
    }

    /// Writes the workspace of an image into `out`.
    ///
    /// # Errors
    /// When evaluation left problems, the composition contradicts itself, or a file cannot be read or written.
    pub fn weave(&self, composition: &Composition, out: &Path) -> Result<(), Error> {
        if !composition.problems.is_empty() {
            return Err(Error::Problems(composition.problems.clone()));
        }
        let roots = glue::packages(composition)?;
        self.write_root(out, &composition.image, &roots, &glue::main_rs(composition)?)?;
        for file in glue::files(composition)? {
            let copy = out.join("image/files").join(file.copy());
            create_parent(&copy)?;
            copy_file(Path::new(&file.path), &copy)?;
        }
        for (room, directory) in self.closure(&roots, &composition.image, &composition.rooms)? {
            copy_room(directory, &out.join("rooms").join(room))?;
        }
        Ok(())
    }

    /// Writes a workspace of all `rooms` with empty sources: what it compiles is what they have in common,
    /// the third-party crates.
    ///
    /// # Errors
    /// When a manifest cannot be read, or a file cannot be written.
    pub fn weave_skeleton(&self, rooms: &BTreeMap<String, PathBuf>, out: &Path) -> Result<(), Error> {
        self.weave_without_glue("skeleton", rooms, out, empty_room)
    }

    /// Writes a workspace of all `rooms` with their sources and no glue: what it compiles is what the images of just these
    /// rooms have in common.
    ///
    /// # Errors
    /// When a file cannot be read or written.
    pub fn weave_rooms(&self, rooms: &BTreeMap<String, PathBuf>, out: &Path) -> Result<(), Error> {
        self.weave_without_glue("rooms", rooms, out, copy_room)
    }

    /// `place` lays a room's directory into the workspace.
    fn weave_without_glue(
        &self,
        name: &str,
        rooms: &BTreeMap<String, PathBuf>,
        out: &Path,
        place: fn(&Path, &Path) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let roots = rooms.keys().cloned().collect();
        self.write_root(out, name, &roots, EMPTY_MAIN)?;
        for (room, directory) in self.closure(&roots, name, rooms)? {
            place(directory, &out.join("rooms").join(room))?;
        }
        Ok(())
    }

    fn write_root(&self, out: &Path, name: &str, roots: &BTreeSet<String>, main: &str) -> Result<(), Error> {
        write(&out.join("Cargo.toml"), &manifest::workspace(&self.manifest).to_string())?;
        write(&out.join("Cargo.lock"), &self.lock)?;
        write(&out.join("image/Cargo.toml"), &manifest::image(name, roots))?;
        write(&out.join("image/src/main.rs"), main)
    }

    /// Everything that the roots reach over path dependencies, with its directory.
    fn closure<'a>(
        &self,
        roots: &BTreeSet<String>,
        image: &str,
        rooms: &'a BTreeMap<String, PathBuf>,
    ) -> Result<BTreeMap<String, &'a Path>, Error> {
        let mut reached = BTreeMap::new();
        let mut open: Vec<(String, String)> =
            roots.iter().map(|room| (room.clone(), image.to_owned())).collect();
        while let Some((room, named_by)) = open.pop() {
            if reached.contains_key(&room) {
                continue;
            }
            let directory =
                rooms.get(&room).ok_or_else(|| Error::UnknownRoom { room: room.clone(), named_by })?;
            let mut manifest = read_manifest(directory)?;
            for next in manifest::path_dependencies(&mut manifest, &self.manifest) {
                open.push((next, room.clone()));
            }
            reached.insert(room, directory.as_path());
        }
        Ok(reached)
    }
}

fn copy_room(from: &Path, to: &Path) -> Result<(), Error> {
    copy_tree(from, to, &LEFT_BEHIND)?;
    let mut manifest = read_manifest(from)?;
    manifest::room(&mut manifest);
    write(&to.join("Cargo.toml"), &manifest.to_string())
}

fn empty_room(from: &Path, to: &Path) -> Result<(), Error> {
    let mut manifest = read_manifest(from)?;
    manifest::room(&mut manifest);
    // There is nothing in it to lint.
    manifest.remove("lints");
    manifest.remove("bin");
    let is_proc_macro = manifest.get("lib").is_some_and(|lib| lib.get("proc-macro").is_some());
    manifest.remove("lib");
    if is_proc_macro {
        manifest["lib"]["proc-macro"] = toml_edit::value(true);
    }
    write(&to.join("Cargo.toml"), &manifest.to_string())?;
    write(&to.join("src/lib.rs"), if is_proc_macro { "" } else { "#![no_std]\n" })
}

fn copy_tree(from: &Path, to: &Path, left_behind: &[&str]) -> Result<(), Error> {
    fs::create_dir_all(to).map_err(Error::file("create", to))?;
    for entry in fs::read_dir(from).map_err(Error::file("list", from))? {
        let entry = entry.map_err(Error::file("list", from))?;
        let name = entry.file_name();
        if left_behind.iter().any(|left| name == *left) {
            continue;
        }
        let (from, to) = (entry.path(), to.join(&name));
        if from.is_dir() { copy_tree(&from, &to, &[])? } else { copy_file(&from, &to)? }
    }
    Ok(())
}

/// Copies the bytes alone: a source in the Nix store is read-only, its copy must not be.
fn copy_file(from: &Path, to: &Path) -> Result<(), Error> {
    let bytes = fs::read(from).map_err(Error::file("read", from))?;
    fs::write(to, bytes).map_err(Error::file("write", to))
}

fn read_manifest(directory: &Path) -> Result<DocumentMut, Error> {
    let path = directory.join("Cargo.toml");
    manifest::parse(&path, &read(&path)?)
}

fn read(path: &Path) -> Result<String, Error> {
    fs::read_to_string(path).map_err(Error::file("read", path))
}

fn create_parent(path: &Path) -> Result<(), Error> {
    let Some(directory) = path.parent() else { return Ok(()) };
    fs::create_dir_all(directory).map_err(Error::file("create", directory))
}

fn write(path: &Path, text: &str) -> Result<(), Error> {
    create_parent(path)?;
    fs::write(path, text).map_err(Error::file("write", path))
}
