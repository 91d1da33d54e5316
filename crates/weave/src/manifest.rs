//! `Cargo.toml` files of the woven workspace.

use std::collections::BTreeSet;
use std::path::Path;

use toml_edit::{DocumentMut, Item, Table, TableLike, value};

use crate::error::Error;

/// Dependency tables that reach the image.
const DEPENDENCIES: [&str; 2] = ["dependencies", "build-dependencies"];
/// Parts of a room's manifest that stay behind with the sources they speak of.
const LEFT_BEHIND: [&str; 4] = ["dev-dependencies", "test", "bench", "example"];
/// Tables of the pool's workspace that the woven one shares.
const SHARED: [&str; 3] = ["package", "dependencies", "lints"];

/// Reads a manifest.
///
/// # Errors
/// When the text is not TOML.
pub fn parse(path: &Path, text: &str) -> Result<DocumentMut, Error> {
    text.parse().map_err(|source| Error::Toml { path: path.to_owned(), source })
}

/// The manifest of the woven workspace: the pool's tables over other members.
pub fn workspace(pool: &DocumentMut) -> DocumentMut {
    let mut manifest = DocumentMut::new();
    let mut workspace = Table::new();
    workspace["resolver"] = value("3");
    workspace["members"] = value(toml_edit::Array::from_iter(["image", "rooms/*"]));
    for table in SHARED {
        if let Some(item) = pool.get("workspace").and_then(|workspace| workspace.get(table)) {
            workspace[table] = item.clone();
        }
    }
    if let Some(dependencies) = workspace.get_mut("dependencies").and_then(Item::as_table_like_mut) {
        remap(dependencies, "rooms");
    }
    manifest["workspace"] = Item::Table(workspace);
    if let Some(profile) = pool.get("profile") {
        manifest["profile"] = profile.clone();
    }
    manifest
}

/// The manifest of the root crate.
pub fn image(name: &str, rooms: &BTreeSet<String>) -> String {
    let dependencies: String =
        rooms.iter().map(|room| format!("{room} = {{ path = \"../rooms/{room}\" }}\n")).collect();
    format!(
        "[package]\n\
         name = \"image\"\n\
         version.workspace = true\n\
         edition.workspace = true\n\
         license.workspace = true\n\
         publish = false\n\
         \n\
         [[bin]]\n\
         name = \"{name}\"\n\
         path = \"src/main.rs\"\n\
         test = false\n\
         \n\
         [dependencies]\n\
         {dependencies}"
    )
}

/// A room's manifest with its path dependencies beside it, and without what only its tests need.
pub fn room(manifest: &mut DocumentMut) {
    for table in LEFT_BEHIND {
        manifest.remove(table);
    }
    each_dependency_table(manifest.as_table_mut(), &mut |table| remap(table, ".."));
    each_target(manifest.as_table_mut(), &mut |target| {
        target.remove("dev-dependencies");
    });
}

/// Rooms that a manifest's path dependencies name, those inherited from the workspace among them.
pub fn path_dependencies(manifest: &mut DocumentMut, pool: &DocumentMut) -> BTreeSet<String> {
    let shared = pool.get("workspace").and_then(|workspace| workspace.get("dependencies"));
    let mut rooms = BTreeSet::new();
    each_dependency_table(manifest.as_table_mut(), &mut |table| {
        for (name, dependency) in table.iter() {
            let inherited = dependency.get("workspace").is_some();
            let stated =
                if inherited { shared.and_then(|shared| shared.get(name)) } else { Some(dependency) };
            rooms.extend(stated.and_then(room_of));
        }
    });
    rooms
}

/// The room that a dependency names: the last component of its path, wherever that seems to point.
fn room_of(dependency: &Item) -> Option<String> {
    let path = Path::new(dependency.get("path")?.as_str()?);
    Some(path.file_name()?.to_str()?.to_owned())
}

fn remap(dependencies: &mut dyn TableLike, directory: &str) {
    for (_, dependency) in dependencies.iter_mut() {
        if let Some(room) = room_of(dependency)
            && let Some(dependency) = dependency.as_table_like_mut()
        {
            dependency.insert("path", value(format!("{directory}/{room}")));
        }
    }
}

fn each_dependency_table(manifest: &mut Table, visit: &mut dyn FnMut(&mut dyn TableLike)) {
    for name in DEPENDENCIES {
        if let Some(table) = manifest.get_mut(name).and_then(Item::as_table_like_mut) {
            visit(table);
        }
    }
    each_target(manifest, &mut |target| {
        for name in DEPENDENCIES {
            if let Some(table) = target.get_mut(name).and_then(Item::as_table_like_mut) {
                visit(table);
            }
        }
    });
}

/// Visits `[target.<cfg>]` tables.
fn each_target(manifest: &mut Table, visit: &mut dyn FnMut(&mut dyn TableLike)) {
    let Some(targets) = manifest.get_mut("target").and_then(Item::as_table_like_mut) else { return };
    for (_, target) in targets.iter_mut() {
        if let Some(target) = target.as_table_like_mut() {
            visit(target);
        }
    }
}
