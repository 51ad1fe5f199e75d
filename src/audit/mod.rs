//! The access log: who is asking, and the sink that outlives ROLLBACK.

mod address;
mod caller;
mod chain;
mod checkpoint;
mod durable;

pub use durable::AccessLog;
