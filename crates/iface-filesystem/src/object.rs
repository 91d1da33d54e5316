//! File systems of several types, used as one.

use crate::{Capacity, DirectoryEntry, FileError, FileSystem, Kind, Metadata, Node};

/// Each operation once as a method of the object, and passed on in both directions.
macro_rules! operations {
    ($(fn $name:ident(&self $(, $argument:ident: $type:ty)*) $(-> $result:ty)?;)*) => {
        /// The operations of a [`FileSystem`] behind a pointer, for who has file systems of several types: every file
        /// system is one, and a `&'static dyn AnyFileSystem` is a file system.
        pub trait AnyFileSystem: 'static {
            $(
                #[doc = concat!("As [`FileSystem::", stringify!($name), "`].")]
                fn $name(&self $(, $argument: $type)*) $(-> $result)?;
            )*
        }

        impl<F: FileSystem> AnyFileSystem for F {
            $(
                fn $name(&self $(, $argument: $type)*) $(-> $result)? {
                    FileSystem::$name(self $(, $argument)*)
                }
            )*
        }

        impl FileSystem for &'static dyn AnyFileSystem {
            $(
                fn $name(&self $(, $argument: $type)*) $(-> $result)? {
                    AnyFileSystem::$name(*self $(, $argument)*)
                }
            )*
        }
    };
}

operations! {
    fn root(&self) -> Node;
    fn child(&self, directory: Node, name: &[u8]) -> Result<Node, FileError>;
    fn metadata(&self, node: Node) -> Result<Metadata, FileError>;
    fn read(&self, node: Node, offset: u64, buffer: &mut [u8]) -> Result<usize, FileError>;
    fn bytes(&self, node: Node) -> Option<&'static [u8]>;
    fn entry(&self, directory: Node, index: usize) -> Result<Option<DirectoryEntry>, FileError>;
    fn lookup(&self, path: &[u8]) -> Result<Node, FileError>;
    fn is_writable(&self) -> bool;
    fn create(&self, directory: Node, name: &[u8], kind: Kind, mode: u16) -> Result<Node, FileError>;
    fn write(&self, node: Node, offset: u64, bytes: &[u8]) -> Result<(), FileError>;
    fn resize(&self, node: Node, size: u64) -> Result<(), FileError>;
    fn link(&self, node: Node, to: (Node, &[u8])) -> Result<(), FileError>;
    fn links(&self, node: Node) -> Option<u32>;
    fn remove(&self, directory: Node, name: &[u8]) -> Result<(), FileError>;
    fn rename(&self, from: (Node, &[u8]), to: (Node, &[u8])) -> Result<(), FileError>;
    fn forget(&self, node: Node);
    fn set_mode(&self, node: Node, mode: u16) -> Result<(), FileError>;
    fn set_modified(&self, node: Node, seconds: u64) -> Result<(), FileError>;
    fn synchronize(&self) -> Result<(), FileError>;
    fn capacity(&self) -> Option<Capacity>;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{conformance, fake::Tree};

    #[test]
    fn a_file_system_behind_a_pointer_is_one() {
        let tree: &'static &'static Tree = alloc::boxed::Box::leak(alloc::boxed::Box::new(Tree::new(&[
            ("d", Kind::Directory, ""),
            ("d/f", Kind::File, "text"),
        ])));
        let files: &'static dyn AnyFileSystem = tree;
        assert_eq!(conformance::consistent(files), 3);
        conformance::read_only(files);
    }
}
