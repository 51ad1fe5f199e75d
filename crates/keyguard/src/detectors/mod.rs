//! The table of formats: a row a detector. What it says is known from the vendors' own pages, or seen by scanners.

mod table;

use table::TABLE;

/// One row: what is looked for, whose it is, and where that is known from.
#[derive(Clone, Copy, Debug)]
pub struct Detector {
    /// `service_kind`: the name by which a refusal, a rule and the manual speak of it.
    pub id: &'static str,
    pub service: &'static str,
    /// Its shapes, separated by ` | `, in the notation of `shape.rs`; empty where code finds it.
    pub shapes: &'static str,
    /// A page of the vendor's, a standard, or `observed`.
    pub source: &'static str,
    /// Looks like a secret and is made to be public: it is passed over, whatever else it looks like.
    pub is_public: bool,
}

/// All rows, public ones included.
pub fn detectors() -> &'static [Detector] {
    TABLE
}

impl Detector {
    /// The shapes one by one.
    pub fn each_shape(&self) -> impl Iterator<Item = &'static str> {
        self.shapes.split(" | ").filter(|shape| !shape.is_empty())
    }
}

/// The row that code finds.
pub(crate) fn row(id: &str) -> &'static Detector {
    TABLE
        .iter()
        .find(|detector| detector.id == id)
        .expect("the tests look for the rows that code finds")
}

const fn secret(
    id: &'static str,
    service: &'static str,
    shapes: &'static str,
    source: &'static str,
) -> Detector {
    Detector {
        id,
        service,
        shapes,
        source,
        is_public: false,
    }
}

const fn public(
    id: &'static str,
    service: &'static str,
    shapes: &'static str,
    source: &'static str,
) -> Detector {
    Detector {
        id,
        service,
        shapes,
        source,
        is_public: true,
    }
}

const fn found_by_code(id: &'static str, service: &'static str, source: &'static str) -> Detector {
    Detector {
        id,
        service,
        shapes: "",
        source,
        is_public: false,
    }
}
