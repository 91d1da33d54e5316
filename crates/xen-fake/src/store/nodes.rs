//! The tree itself: values by absolute path.

use std::collections::BTreeMap;

use iface_xenstore::StoreError;

/// Nodes of a store. A path that exists has all of its parents.
#[derive(Clone, Debug, Default)]
pub(super) struct Nodes {
    values: BTreeMap<String, String>,
}

impl Nodes {
    pub(super) fn read(&self, path: &str) -> Result<String, StoreError> {
        self.values.get(path).cloned().ok_or(StoreError::NotFound)
    }

    pub(super) fn exists(&self, path: &str) -> bool {
        path == "/" || self.values.contains_key(path)
    }

    pub(super) fn list(&self, path: &str) -> Result<Vec<String>, StoreError> {
        if !self.exists(path) {
            return Err(StoreError::NotFound);
        }
        let below = below(path);
        let children = self.values.range(below.clone()..).map_while(|(path, _)| path.strip_prefix(&below));
        Ok(children.filter(|child| !child.contains('/')).map(String::from).collect())
    }

    pub(super) fn write(&mut self, path: &str, value: &str) {
        for (slash, _) in path.match_indices('/').skip(1) {
            self.values.entry(path[..slash].into()).or_default();
        }
        self.values.insert(path.into(), value.into());
    }

    /// Removes a node and all below it, and says whether there was one.
    pub(super) fn remove(&mut self, path: &str) -> Result<bool, StoreError> {
        if !self.exists(path) {
            return if self.exists(parent(path)) { Ok(false) } else { Err(StoreError::NotFound) };
        }
        self.values.retain(|each, _| !is_at_or_below(each, path));
        Ok(true)
    }
}

/// Whether `path` is `parent` or below it (`docs/misc/xenstore.txt`: "child").
pub(super) fn is_at_or_below(path: &str, parent: &str) -> bool {
    path == parent || path.starts_with(&below(parent))
}

/// What paths below `path` begin with.
fn below(path: &str) -> String {
    if path == "/" { path.into() } else { format!("{path}/") }
}

fn parent(path: &str) -> &str {
    match path.rfind('/') {
        None | Some(0) => "/",
        Some(slash) => &path[..slash],
    }
}

/// Checks a path as `docs/misc/xenstore.txt` has it, and that it and `value` fit into a message.
pub(super) fn check(path: &str, value: &str) -> Result<(), StoreError> {
    let longest = if path.starts_with('/') { 3072 } else { 2048 };
    if path.len() > longest || path.len() + 1 + value.len() > 4096 {
        return Err(StoreError::TooLong);
    }
    let permitted = |byte: u8| byte.is_ascii_alphanumeric() || b"-/_@".contains(&byte);
    let slashes = path.contains("//") || (path.len() > 1 && path.ends_with('/'));
    if path.is_empty() || slashes || !path.bytes().all(permitted) {
        return Err(StoreError::Refused("EINVAL".into()));
    }
    Ok(())
}
