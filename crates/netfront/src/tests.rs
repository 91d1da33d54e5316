//! The card against backends, honest ones and others.

mod connection;
mod frames;
mod host;
mod hostile;
mod model;
mod netback;
