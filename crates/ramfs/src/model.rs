//! Random operations against a map from whole paths to contents.

extern crate std;

use alloc::{collections::BTreeMap, format, string::String, vec::Vec};

use iface_filesystem::{FileError, FileSystem, Kind, Node, conformance};
use proptest::prelude::*;

use crate::tests::empty;

#[derive(Clone, Debug)]
enum Step {
    Create { path: String, directory: bool },
    Write { path: String, offset: usize, length: usize, byte: u8 },
    Resize { path: String, size: usize },
    Remove { path: String },
    Rename { from: String, to: String },
}

/// Few names and levels, so that they meet.
fn path() -> impl Strategy<Value = String> {
    proptest::collection::vec(prop_oneof!["a", "b", "c"], 1..4).prop_map(|names| names.join("/"))
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (path(), any::<bool>()).prop_map(|(path, directory)| Step::Create { path, directory }),
        3 => (path(), 0..9000usize, 0..9000usize, any::<u8>())
            .prop_map(|(path, offset, length, byte)| Step::Write { path, offset, length, byte }),
        2 => (path(), 0..20_000usize).prop_map(|(path, size)| Step::Resize { path, size }),
        2 => path().prop_map(|path| Step::Remove { path }),
        3 => (path(), path()).prop_map(|(from, to)| Step::Rename { from, to }),
    ]
}

/// By path the contents; a directory has none.
#[derive(Default)]
struct Model(BTreeMap<String, Option<Vec<u8>>>);

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(parent, _)| parent)
}

impl Model {
    fn is_directory(&self, path: &str) -> bool {
        path.is_empty() || self.0.get(path) == Some(&None)
    }

    /// Why nothing can be called `path`: what is above is missing, or no directory.
    fn above(&self, path: &str) -> Result<(), FileError> {
        let above = parent(path);
        if self.is_directory(above) {
            return Ok(());
        }
        if self.0.contains_key(above) {
            return Err(FileError::NotADirectory);
        }
        Err(self.above(above).err().unwrap_or(FileError::NotFound))
    }

    fn exists(&self, path: &str) -> Result<(), FileError> {
        self.above(path)?;
        self.0.contains_key(path).then_some(()).ok_or(FileError::NotFound)
    }

    fn bytes(&mut self, path: &str) -> Result<&mut Vec<u8>, FileError> {
        self.exists(path)?;
        self.0.get_mut(path).and_then(Option::as_mut).ok_or(FileError::IsADirectory)
    }

    fn run(&mut self, step: &Step) -> Result<(), FileError> {
        match step {
            Step::Create { path, directory } => {
                self.above(path)?;
                if self.0.contains_key(path) {
                    return Err(FileError::Exists);
                }
                self.0.insert(path.clone(), (!directory).then(Vec::new));
            }
            Step::Write { path, offset, length, byte } => {
                let bytes = self.bytes(path)?;
                let end = offset + length;
                if *length > 0 && bytes.len() < end {
                    bytes.resize(end, 0);
                }
                if *length > 0 {
                    bytes[*offset..end].fill(*byte);
                }
            }
            Step::Resize { path, size } => self.bytes(path)?.resize(*size, 0),
            Step::Remove { path } => {
                self.exists(path)?;
                if self.0.keys().any(|other| parent(other) == path) {
                    return Err(FileError::NotEmpty);
                }
                self.0.remove(path);
            }
            Step::Rename { from, to } => self.rename(from, to)?,
        }
        Ok(())
    }

    fn rename(&mut self, from: &str, to: &str) -> Result<(), FileError> {
        self.exists(from)?;
        self.above(to)?;
        if from == to {
            return Ok(());
        }
        if self.is_directory(from) && to.starts_with(&format!("{from}/")) {
            return Err(FileError::InvalidName);
        }
        match self.0.get(to) {
            Some(None) => return Err(FileError::IsADirectory),
            Some(Some(_)) if self.is_directory(from) => return Err(FileError::NotADirectory),
            _ => {}
        }
        let below = format!("{from}/");
        let moved: Vec<_> =
            self.0.keys().filter(|path| *path == from || path.starts_with(&below)).cloned().collect();
        for path in moved {
            let contents = self.0.remove(&path).unwrap();
            self.0.insert(format!("{to}{}", &path[from.len()..]), contents);
        }
        Ok(())
    }
}

fn place<F: FileSystem>(files: F, path: &str) -> Result<(Node, &[u8]), FileError> {
    let (above, name) = path.rsplit_once('/').unwrap_or(("", path));
    let directory = if above.is_empty() { files.root() } else { files.lookup(above.as_bytes())? };
    Ok((directory, name.as_bytes()))
}

fn node<F: FileSystem>(files: F, path: &str) -> Result<Node, FileError> {
    let (directory, name) = place(files, path)?;
    files.child(directory, name)
}

fn run<F: FileSystem>(files: F, step: &Step) -> Result<(), FileError> {
    match step {
        Step::Create { path, directory } => {
            let (parent, name) = place(files, path)?;
            let kind = if *directory { Kind::Directory } else { Kind::File };
            files.create(parent, name, kind, 0o644).map(drop)
        }
        Step::Write { path, offset, length, byte } => {
            files.write(node(files, path)?, *offset as u64, &std::vec![*byte; *length])
        }
        Step::Resize { path, size } => files.resize(node(files, path)?, *size as u64),
        Step::Remove { path } => {
            let (directory, name) = place(files, path)?;
            let node = files.child(directory, name)?;
            files.remove(directory, name).map(|()| files.forget(node))
        }
        Step::Rename { from, to } => {
            let from = place(files, from)?;
            files.child(from.0, from.1)?;
            let to = place(files, to)?;
            let replaced = files.child(to.0, to.1);
            files.rename(from, to).map(|()| replaced.into_iter().for_each(|node| files.forget(node)))
        }
    }
}

fn assert_same<F: FileSystem>(files: F, model: &Model) {
    assert_eq!(conformance::consistent(files), model.0.len() + 1);
    for (path, contents) in &model.0 {
        let node = files.lookup(path.as_bytes()).unwrap();
        let Some(contents) = contents else { continue };
        let mut found = std::vec![0xaa; contents.len() + 1];
        assert_eq!(files.read(node, 0, &mut found), Ok(contents.len()), "{path}");
        assert!(found[..contents.len()] == *contents, "{path}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn does_as_the_model(steps in proptest::collection::vec(step(), 1..80)) {
        let (files, _) = empty();
        let mut model = Model::default();
        for step in &steps {
            prop_assert_eq!(run(files, step), model.run(step), "{:?}", step);
        }
        assert_same(files, &model);
    }
}
