mod behaviour;
mod hostile_bytes;
mod hostile_front;
mod memory;
mod random;
mod schedules;
pub(crate) mod watch;
