//! The access log: who is asking, the sink that outlives ROLLBACK, and the chain that ties its records together.

mod address;
mod caller;
mod chain;
mod checkpoint;
mod durable;
mod prune;
mod verify;

pub use caller::{Caller, claimed};
pub use checkpoint::checkpoint;
pub use durable::{AccessLog, Entry};
pub use prune::{older_than, prune};
pub use verify::{Verdict, keys, verify};
