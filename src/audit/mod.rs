//! The access log: who is asking, the sink that outlives ROLLBACK, the one of a standby, and the chain that ties records
//! together.

mod address;
mod caller;
mod chain;
mod checkpoint;
mod durable;
mod import;
mod line;
mod prune;
mod said;
mod standby;
mod verify;

pub use caller::Caller;
pub use checkpoint::checkpoint;
pub use durable::{AccessLog, Entry};
pub use import::import;
pub use prune::{older_than, prune};
pub use said::Said;
pub use standby::check as check_standby;
pub use verify::{Verdict, keys, verify, verify_recent};

/// The number of the last record.
pub fn head_seq() -> u64 {
    durable::Log::open().head().seq
}
