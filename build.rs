//! Lists the names of everything that sql/install creates in schema vault, by which src/denied.rs knows our objects when
//! it can look nothing up.

use std::collections::BTreeSet;
use std::path::Path;
use std::{env, fs};

const KINDS: [&str; 4] = ["FUNCTION", "PROCEDURE", "TABLE", "VIEW"];

fn main() {
    let install = Path::new("sql/install");
    println!("cargo::rerun-if-changed={}", install.display());
    let mut names = BTreeSet::new();
    collect(install, &mut names);
    let list: Vec<String> = names.iter().map(|name| format!("{name:?}")).collect();
    let code = format!("&[{}]", list.join(", "));
    let folder = env::var_os("OUT_DIR").expect("cargo names a folder");
    fs::write(Path::new(&folder).join("names.rs"), code).expect("the folder is writable");
}

fn collect(folder: &Path, names: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).expect("a folder of install scripts") {
        let path = entry.expect("its content").path();
        if path.is_dir() {
            collect(&path, names);
        } else if path.extension().is_some_and(|kind| kind == "sql") {
            let text = fs::read_to_string(&path).expect("an install script");
            names.extend(text.lines().filter_map(created));
        }
    }
}

/// `CREATE <kind> vault.<name> ...`
fn created(line: &str) -> Option<String> {
    let (kind, rest) = line.strip_prefix("CREATE ")?.split_once(" vault.")?;
    let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    KINDS
        .contains(&kind)
        .then(|| rest[..end.unwrap_or(rest.len())].to_owned())
}
