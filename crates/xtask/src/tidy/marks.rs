//! Rules for every text file: no unfinished work, no path of the machine it was written on.

use super::source::{in_word, rust_code, words};
use super::{Finding, Tree};

/// In pieces, or this file would find itself.
const MARKS: &[&str] = &[concat!("TO", "DO"), concat!("FIX", "ME")];
const MACROS: &[&str] = &[concat!("to", "do"), concat!("un", "implemented")];
const HOMES: &[&str] = &[
    concat!("/ro", "ot/"),
    concat!("/ho", "me/"),
    concat!("/Us", "ers/"),
];

pub fn nothing_is_left_undone(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in &tree.files {
        for mark in MARKS {
            findings
                .extend(words(&file.text, mark).map(|at| file.finding(at, format!("{mark} mark"))));
        }
        if file.path.ends_with(".rs") {
            let code = rust_code(&file.text);
            for name in MACROS {
                let calls =
                    words(&code, name).filter(|at| code[at + name.len()..].starts_with('!'));
                findings.extend(calls.map(|at| file.finding(at, format!("{name}!()"))));
            }
        }
    }
    findings
}

pub fn no_path_of_a_machine(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    // A checkout directly below the root folder would match too much: `/src` is in every path of ours.
    let checkout = if tree.root.matches('/').count() > 1 {
        Some(tree.root.as_str())
    } else {
        None
    };
    for file in &tree.files {
        for place in HOMES.iter().copied().chain(checkout) {
            for (at, _) in file.text.match_indices(place) {
                let before = file.text[..at].chars().next_back();
                let after = file.text[at + place.len()..].chars().next();
                let part_of_a_longer_path =
                    before.is_some_and(|c| in_word(c) || "./}-".contains(c));
                let longer_name =
                    !place.ends_with('/') && after.is_some_and(|c| in_word(c) || c == '-');
                if !part_of_a_longer_path && !longer_name {
                    findings.push(file.finding(at, "path of one machine"));
                }
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::testing::bites;
    use super::*;

    #[test]
    fn marks_are_found_in_any_file_and_macros_in_rust() {
        let mark = format!("fine\n# {}: later", MARKS[0]);
        assert_eq!(
            bites(nothing_is_left_undone, &[("Makefile", &mark)]),
            ["Makefile:2"]
        );
        let mark = format!("-- {} it", MARKS[1]);
        assert_eq!(
            bites(nothing_is_left_undone, &[("sql/a.sql", &mark)]),
            ["sql/a.sql:1"]
        );
        for name in MACROS {
            let call = format!("fn f() {{\n    {name}!(\"later\")\n}}");
            assert_eq!(
                bites(nothing_is_left_undone, &[("src/a.rs", &call)]),
                ["src/a.rs:2"]
            );
            assert!(bites(nothing_is_left_undone, &[("docs/a.md", &call)]).is_empty());
        }
        assert!(
            bites(
                nothing_is_left_undone,
                &[("src/a.rs", "let todos = 1; // all done")]
            )
            .is_empty()
        );
    }

    #[test]
    fn homes_and_the_checkout_are_found() {
        for home in HOMES {
            let line = format!("\ncd {home}someone/src");
            assert_eq!(
                bites(no_path_of_a_machine, &[("README.md", &line)]),
                ["README.md:2"]
            );
        }
        assert_eq!(
            bites(
                no_path_of_a_machine,
                &[("a.sh", "cd /srv/checkout/vault/src")]
            ),
            ["a.sh:1"]
        );
        for innocent in [
            "$cluster/root/x",
            "https://example.com/home/page",
            "/srv/checkout/vault-2",
            "/usr/lib/root",
        ] {
            assert!(
                bites(no_path_of_a_machine, &[("a.sh", innocent)]).is_empty(),
                "{innocent}"
            );
        }
    }
}
