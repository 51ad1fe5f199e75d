//! Rules for the settings: src/config.rs defines them in alphabetical order, docs/configuration.md lists the same ones.

use std::collections::BTreeSet;

use super::source::leading_word;
use super::{File, Finding, Tree};

const CODE: &str = "src/config.rs";
const MANUAL: &str = "docs/configuration.md";
const PREFIX: &str = "tenant_vault.";

pub fn settings_are_documented(tree: &Tree) -> Vec<Finding> {
    let Some(code) = tree.file(CODE) else {
        return Vec::new();
    };
    let defined = named(code);
    let Some(manual) = tree.file(MANUAL) else {
        return defined
            .iter()
            .map(|(at, name)| code.finding(*at, format!("{name}: there is no {MANUAL}")))
            .collect();
    };
    let documented = named(manual);
    let missing_from =
        |names: &[(usize, String)], other: &[(usize, String)], file: &File, rule: &str| {
            let there: BTreeSet<&String> = other.iter().map(|(_, name)| name).collect();
            let absent = names.iter().filter(|(_, name)| !there.contains(name));
            absent
                .map(|(at, name)| file.finding(*at, format!("{name}: {rule}")))
                .collect::<Vec<_>>()
        };
    let mut findings = missing_from(&defined, &documented, code, "not in docs/configuration.md");
    findings.extend(missing_from(
        &documented,
        &defined,
        manual,
        "src/config.rs has no such setting",
    ));
    findings
}

pub fn settings_are_sorted(tree: &Tree) -> Vec<Finding> {
    let Some(code) = tree.file(CODE) else {
        return Vec::new();
    };
    let defined = named(code);
    let unsorted = defined.windows(2).filter(|pair| pair[0].1 > pair[1].1);
    unsorted
        .map(|pair| {
            code.finding(
                pair[1].0,
                format!("{} comes after {}", pair[1].1, pair[0].1),
            )
        })
        .collect()
}

/// Settings in the order in which the file first names them; in Rust only those that are a whole literal.
fn named(file: &File) -> Vec<(usize, String)> {
    // Files of the extension carry its name, too.
    const ENDINGS: &[&str] = &["control", "so", "sql"];
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    for (at, _) in file.text.match_indices(PREFIX) {
        let name = leading_word(&file.text[at + PREFIX.len()..]);
        let after = &file.text[at + PREFIX.len() + name.len()..];
        let whole = !file.path.ends_with(".rs")
            || (file.text[..at].ends_with('"') && after.starts_with('"'));
        if whole && !name.is_empty() && !ENDINGS.contains(&name) && seen.insert(name) {
            found.push((at, format!("{PREFIX}{name}")));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::testing::bites;
    use super::*;

    const TWO: (&str, &str) = (
        "src/config.rs",
        "d(c\"tenant_vault.alpha\");\nd(c\"tenant_vault.beta\");\n// tenant_vault.other\n",
    );

    #[test]
    fn code_and_manual_name_the_same_settings() {
        let manual = (
            "docs/configuration.md",
            "`tenant_vault.beta`, `tenant_vault.alpha = on`, tenant_vault.so",
        );
        assert!(bites(settings_are_documented, &[TWO, manual]).is_empty());
    }

    #[test]
    fn a_setting_without_manual_is_found_and_the_reverse() {
        let manual = (
            "docs/configuration.md",
            "`tenant_vault.alpha`\n`tenant_vault.gamma`",
        );
        assert_eq!(
            bites(settings_are_documented, &[TWO, manual]),
            ["src/config.rs:2", "docs/configuration.md:2"]
        );
        assert_eq!(bites(settings_are_documented, &[TWO]).len(), 2);
    }

    #[test]
    fn settings_out_of_order_are_found() {
        assert!(bites(settings_are_sorted, &[TWO]).is_empty());
        let swapped = (
            "src/config.rs",
            "d(c\"tenant_vault.beta\");\nd(c\"tenant_vault.alpha\");",
        );
        assert_eq!(bites(settings_are_sorted, &[swapped]), ["src/config.rs:2"]);
    }
}
