//! What was asked and not yet answered.

/// Up to `N` things, each with an id that a request carries and its response brings back.
///
/// Ids are below `N`, and below the most things that ever were remembered at a time: the one freed last is given first, and one
/// that never was given only where no other is free.
#[derive(Debug)]
pub struct InFlight<T, const N: usize> {
    slots: [Slot<T>; N],
    /// The first of the free slots; `N` where there is none.
    free: u16,
    taken: u16,
}

#[derive(Debug)]
enum Slot<T> {
    /// The next of the free slots.
    Free(u16),
    Taken(T),
}

impl<T, const N: usize> InFlight<T, N> {
    const FITS: () = assert!(N < u16::MAX as usize, "an id has 16 bits");

    /// Nothing.
    pub fn new() -> Self {
        const { Self::FITS };
        Self { slots: core::array::from_fn(|slot| Slot::Free(slot as u16 + 1)), free: 0, taken: 0 }
    }

    /// Remembers `thing`, by the id returned; `None` where `N` are remembered already, and it is dropped.
    pub fn insert(&mut self, thing: T) -> Option<u16> {
        let id = self.free;
        let slot = self.slots.get_mut(usize::from(id))?;
        if let Slot::Free(next) = *slot {
            self.free = next;
            self.taken += 1;
            *slot = Slot::Taken(thing);
            return Some(id);
        }
        None
    }

    /// The thing that `id` was given for, once; `None` where it was not given, or its thing was taken. Any `id` does.
    pub fn take(&mut self, id: u16) -> Option<T> {
        let slot = self.slots.get_mut(usize::from(id))?;
        if let Slot::Free(_) = slot {
            return None;
        }
        let taken = core::mem::replace(slot, Slot::Free(self.free));
        self.free = id;
        self.taken -= 1;
        match taken {
            Slot::Taken(thing) => Some(thing),
            Slot::Free(_) => None,
        }
    }

    /// The thing that `id` was given for, where it was not taken.
    pub fn get(&self, id: u16) -> Option<&T> {
        match self.slots.get(usize::from(id))? {
            Slot::Taken(thing) => Some(thing),
            Slot::Free(_) => None,
        }
    }

    /// How many things are remembered.
    pub fn len(&self) -> usize {
        self.taken.into()
    }

    /// Whether nothing is remembered.
    pub fn is_empty(&self) -> bool {
        self.taken == 0
    }

    /// Whether [`insert`](Self::insert) would give `None`.
    pub fn is_full(&self) -> bool {
        self.len() == N
    }

    /// All that is remembered with its ids, in their order.
    pub fn iter(&self) -> impl Iterator<Item = (u16, &T)> {
        (0..N as u16).filter_map(|id| Some((id, self.get(id)?)))
    }

    /// Takes all that is remembered, in the order of ids. What the iterator did not come to stays.
    pub fn drain(&mut self) -> impl Iterator<Item = (u16, T)> {
        (0..N as u16).filter_map(|id| Some((id, self.take(id)?)))
    }
}

impl<T, const N: usize> Default for InFlight<T, N> {
    fn default() -> Self {
        Self::new()
    }
}
