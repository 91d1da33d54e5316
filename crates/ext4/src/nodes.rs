//! Numbers of nodes, and what is known of them.

use alloc::{collections::BTreeMap, rc::Rc, vec, vec::Vec};

use iface_filesystem::{Kind, Metadata, Node};

/// The root's number; every other node is higher than its directory.
pub(crate) const ROOT: Node = Node(0);

/// What is known of a node.
struct Known {
    directory: Node,
    name: Rc<[u8]>,
    metadata: Metadata,
}

/// The nodes that were asked for. A name is a node: the reader finds files by their paths.
pub(crate) struct Nodes {
    known: Vec<Known>,
    numbers: BTreeMap<(Node, Rc<[u8]>), Node>,
}

impl Nodes {
    /// The root alone.
    pub(crate) fn new(root: Metadata) -> Self {
        let root = Known { directory: ROOT, name: Rc::from([]), metadata: root };
        Self { known: vec![root], numbers: BTreeMap::new() }
    }

    fn known(&self, node: Node) -> Option<&Known> {
        usize::try_from(node.0).ok().and_then(|number| self.known.get(number))
    }

    /// Facts about a node; `None` where there is no such node.
    pub(crate) fn metadata(&self, node: Node) -> Option<Metadata> {
        self.known(node).map(|known| known.metadata)
    }

    /// What kind of node it is; `None` where there is no such node.
    pub(crate) fn kind(&self, node: Node) -> Option<Kind> {
        self.metadata(node).map(|metadata| metadata.kind)
    }

    /// The node that a name has already.
    pub(crate) fn find(&self, directory: Node, name: &[u8]) -> Option<Node> {
        self.numbers.get(&(directory, Rc::from(name))).copied()
    }

    /// The node of a name: the one that it has, or a new one with these facts.
    pub(crate) fn number(&mut self, directory: Node, name: &[u8], metadata: Metadata) -> Node {
        let name: Rc<[u8]> = Rc::from(name);
        let next = Node(self.known.len() as u64);
        let number = *self.numbers.entry((directory, Rc::clone(&name))).or_insert(next);
        if number == next {
            self.known.push(Known { directory, name, metadata });
        }
        number
    }

    /// The absolute path of a node, and of `name` in it.
    pub(crate) fn path(&self, mut node: Node, name: &[u8]) -> Vec<u8> {
        let mut names = vec![name];
        while let Some(known) = self.known(node).filter(|_| node != ROOT) {
            names.push(&known.name);
            node = known.directory;
        }
        let mut path = Vec::new();
        for name in names.iter().rev().filter(|name| !name.is_empty()) {
            path.push(b'/');
            path.extend_from_slice(name);
        }
        if path.is_empty() {
            path.push(b'/');
        }
        path
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FACTS: Metadata = Metadata { kind: Kind::Directory, size: 0, modified: 0, mode: 0o755 };

    #[test]
    fn a_name_is_one_node_with_one_path() {
        let mut nodes = Nodes::new(FACTS);
        let a = nodes.number(ROOT, b"a", FACTS);
        let b = nodes.number(a, b"b", FACTS);
        assert_eq!(
            (nodes.number(a, b"b", FACTS), nodes.find(a, b"b"), nodes.find(ROOT, b"b")),
            (b, Some(b), None)
        );
        assert_eq!(nodes.path(ROOT, b""), b"/");
        assert_eq!(nodes.path(b, b""), b"/a/b");
        assert_eq!(nodes.path(b, b"c"), b"/a/b/c");
        assert_eq!((nodes.kind(b), nodes.kind(Node(3))), (Some(Kind::Directory), None));
    }
}
