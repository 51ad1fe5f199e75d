//! The unsafe fence: each file wraps one PostgreSQL idea behind a safe signature. Nothing here knows a word of ours.

pub mod attempt;
pub mod clock;
pub mod discretion;
pub mod foreign;
pub mod frozen;
pub mod guc;
pub mod identity;
pub mod json;
pub mod log_line;
pub mod lookup;
pub mod notify;
pub mod plan;
pub mod process;
pub mod program;
mod raw;
pub mod refusal;
pub mod relation;
pub mod reply;
pub mod report;
pub mod server;
pub mod shared;
pub mod statement;
pub mod text;
pub mod transaction;
pub mod utility;
