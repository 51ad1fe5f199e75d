//! Adapters of the Storage port. SPI is the reference, and does all but one thing; the direct adapter looks up a
//! current version by id, on tables proven to be local heaps.

mod direct;
pub mod directory;
pub mod reasons;
mod spi;
mod wall;

pub use spi::{SpiStorage, decoys};
pub use wall::{permits, permitted};
