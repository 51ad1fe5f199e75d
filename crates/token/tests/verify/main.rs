//! What is believed, and what is not: tokens and key sets as issuers make them, and as attackers do.

mod attacks;
mod forge;
mod key_sets;
mod robustness;
mod selection;
