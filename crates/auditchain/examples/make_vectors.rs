//! Writes `testdata/v1` from fixed keys and records, byte for byte the same on every run.
//!
//! `cargo run -p auditchain --example make_vectors`. Afterwards `git status` must be clean: what is frozen stays.

#[path = "../tests/vectors/cases.rs"]
mod cases;

use std::path::Path;

fn main() -> std::io::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/v1");
    std::fs::create_dir_all(&folder)?;
    let vectors = cases::all();
    for vector in &vectors {
        let path = folder.join(format!("{}.json", vector.name));
        std::fs::write(path, cases::to_json(vector))?;
    }
    println!("{} vectors", vectors.len());
    Ok(())
}
