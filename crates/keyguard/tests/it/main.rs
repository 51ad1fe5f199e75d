//! The guard as its callers see it: every row of the table, what passes, documents, and texts made to be slow.

#[path = "../common/business.rs"]
mod business;
#[path = "../common/mod.rs"]
mod common;

mod every_row;
mod ordinary_values;
