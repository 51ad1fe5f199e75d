//! The guard as its callers see it: every row of the table, what passes, documents, and texts made to be slow.

#[path = "../common/business.rs"]
mod business;
#[path = "../common/mod.rs"]
mod common;
#[path = "../common/held_out.rs"]
mod held_out;
#[path = "../common/look_alikes.rs"]
mod look_alikes;

mod another_catalogue;
mod anything;
mod documents;
mod every_row;
mod manual;
mod names;
mod ordinary_values;
