//! The access log: who is asking, and the sink that outlives ROLLBACK.

mod caller;
mod durable;

pub use durable::AccessLog;
