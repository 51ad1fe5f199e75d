//! The access log: who is asking, the sink that outlives ROLLBACK, and the one of a standby.

mod address;
mod caller;
mod chain;
mod checkpoint;
mod durable;
mod import;
mod line;
mod said;
mod standby;

pub use durable::AccessLog;
pub use import::import;
