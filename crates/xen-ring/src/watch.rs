//! Who is told of each access to shared memory: in an image nobody. In tests it is the other domain, which acts in between.

/// `place` was read, once.
pub(crate) fn read<T>(_place: &T, _value: u32) {}

/// `place` was written.
pub(crate) fn wrote<T>(_place: &T, _value: u32) {}

/// A full fence was passed.
pub(crate) fn fenced() {}
