//! What is believed, and what is not: requests as services send them, and as attackers do.

mod attacks;
mod definitions;
mod published;
mod robustness;
mod vectors;
