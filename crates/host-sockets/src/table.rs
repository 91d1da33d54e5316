//! Values named by place and generation, so that a name is never given twice.

use alloc::vec::Vec;

use iface_net_stack::Socket;

/// Open sockets by their names.
#[derive(Debug)]
pub struct Table<T> {
    slots: Vec<Slot<T>>,
    free: Vec<u32>,
}

#[derive(Debug)]
struct Slot<T> {
    generation: u32,
    value: Option<T>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { slots: Vec::new(), free: Vec::new() }
    }
}

impl<T> Table<T> {
    /// Takes `value` in, and names it.
    pub fn insert(&mut self, value: T) -> Socket {
        let index = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot { generation: 0, value: None });
            self.slots.len() as u32 - 1
        });
        let slot = &mut self.slots[index as usize];
        slot.value = Some(value);
        Socket { index, generation: slot.generation }
    }

    /// What `socket` names.
    pub fn get(&self, socket: Socket) -> Option<&T> {
        let slot = self.slots.get(socket.index as usize)?;
        slot.value.as_ref().filter(|_| slot.generation == socket.generation)
    }

    /// What `socket` names, to be changed.
    pub fn get_mut(&mut self, socket: Socket) -> Option<&mut T> {
        let slot = self.slots.get_mut(socket.index as usize)?;
        slot.value.as_mut().filter(|_| slot.generation == socket.generation)
    }

    /// Gives out what `socket` names, which names nothing from then on.
    pub fn remove(&mut self, socket: Socket) -> Option<T> {
        self.get(socket)?;
        let slot = &mut self.slots[socket.index as usize];
        let value = slot.value.take();
        // A place whose generations are used up is left empty.
        if let Some(next) = slot.generation.checked_add(1) {
            slot.generation = next;
            self.free.push(socket.index);
        }
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_never_given_twice() {
        let mut table = Table::default();
        let first = table.insert("first");
        let second = table.insert("second");
        assert_eq!(table.remove(first), Some("first"));
        let third = table.insert("third");
        assert_eq!(third, Socket { index: first.index, generation: 1 });
        assert_eq!(table.get(first), None);
        assert_eq!(table.remove(first), None);
        assert_eq!((table.get(second), table.get(third)), (Some(&"second"), Some(&"third")));
        assert_eq!(table.get_mut(Socket { index: 9, generation: 0 }), None);
    }

    #[test]
    fn a_used_up_place_is_left_empty() {
        let mut table = Table::default();
        let socket = table.insert(1);
        table.slots[0].generation = u32::MAX;
        assert_eq!(table.remove(Socket { generation: u32::MAX, ..socket }), Some(1));
        assert_eq!(table.insert(2).index, 1);
    }
}
