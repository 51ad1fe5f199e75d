//! The access log: who is asking, and the sink that outlives ROLLBACK.

mod caller;
mod durable;
mod said;

pub use durable::AccessLog;
