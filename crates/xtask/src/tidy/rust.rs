//! Rules for Rust: the unsafe fence, who mints proofs, who opens secrets, the length of lib.rs.

use super::source::{leading_word, rust_code, words};
use super::{File, Finding, Tree};

const EVERYWHERE: &[&str] = &[""];
const LIB_MAX_LINES: usize = 79;

/// Where `expose()` may be called, that is: where secrets and keys are in the clear. Grown only by a review.
const MAY_EXPOSE: &[&str] = &[
    "crates/auditchain/src/bin/verify/keys.rs",
    "crates/envelope/",
    "crates/vault/src/service/access_log.rs",
    "crates/vault/src/service/mod.rs",
    "crates/vault/tests/",
    "src/api/",
    "src/audit/chain.rs",
    "src/root_key/",
    "tests/",
    "pgrx-tests/",
];

pub fn unsafe_stays_behind_the_fence(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree
        .below(EVERYWHERE, ".rs")
        .filter(|file| !file.path.starts_with("src/pg/"))
    {
        let code = rust_code(&file.text);
        findings
            .extend(words(&code, "unsafe").map(|at| file.finding(at, "unsafe outside src/pg/")));
    }
    findings
}

/// Who mints which proof, and at how many places. A new place is a review's decision: it changes this table.
const MINTS: &[(&str, &str, usize)] = &[
    ("src/policy.rs", "Permit", 2),
    ("src/policy.rs", "WholeVault", 1),
    ("src/audit/", "Receipt", 1),
];

/// `Permit::assertion` belongs to policy, `Receipt::assertion` to the sinks. The crate that defines both may use them
/// in its tests.
pub fn proofs_are_minted_where_they_are_earned(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut left: Vec<usize> = MINTS.iter().map(|(_, _, count)| *count).collect();
    for file in tree.below(EVERYWHERE, ".rs") {
        let code = rust_code(&file.text);
        let tests = code.find("#[cfg(test)]").unwrap_or(code.len());
        for at in words(&code, "assertion") {
            if file.path.starts_with("crates/vault/") {
                let tested = at > tests || file.path.starts_with("crates/vault/tests/");
                if !tested && !defines(&code, at) {
                    findings.push(file.finding(at, "the vault must not mint its own proofs"));
                }
                continue;
            }
            let mint = MINTS.iter().position(|(place, proof, _)| {
                file.path.starts_with(place) && *proof == owner(&code, at)
            });
            match mint {
                None => findings.push(file.finding(
                    at,
                    "assertion() outside src/policy.rs (Permit, WholeVault) or src/audit/ (Receipt)",
                )),
                Some(mint) if left[mint] == 0 => {
                    findings.push(file.finding(at, "one more assertion() than tidy's table counts"))
                }
                Some(mint) => left[mint] -= 1,
            }
        }
    }
    findings
}

pub fn secrets_are_exposed_where_it_is_known(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    let known = |file: &&File| MAY_EXPOSE.iter().any(|place| file.path.starts_with(place));
    for file in tree.below(EVERYWHERE, ".rs").filter(|file| !known(file)) {
        let code = rust_code(&file.text);
        let tests = if file.path.starts_with("crates/") {
            code.find("#[cfg(test)]")
        } else {
            None
        };
        let calls = words(&code, "expose").filter(|at| *at < tests.unwrap_or(code.len()));
        findings.extend(
            calls.map(|at| file.finding(at, "expose() in a place that no review has listed")),
        );
    }
    findings
}

pub fn lib_is_a_table_of_contents(tree: &Tree) -> Vec<Finding> {
    let lib = tree.file("src/lib.rs").into_iter();
    let too_long = lib.filter(|file| file.text.lines().count() > LIB_MAX_LINES);
    too_long
        .map(|file| {
            file.finding(
                file.text.len(),
                "lib.rs has 80 lines or more: it reads like a table of contents",
            )
        })
        .collect()
}

fn defines(code: &str, at: usize) -> bool {
    code[..at].trim_end().ends_with("fn")
}

/// The type before `::assertion`, its generic arguments left out.
fn owner(code: &str, at: usize) -> &str {
    let before = code[..at].trim_end();
    let Some(path) = before.strip_suffix("::") else {
        return "";
    };
    let statement = &path[path
        .rfind([';', '{', '}', '(', ',', '=', '|'])
        .map_or(0, |cut| cut + 1)..];
    let path = statement
        .split('<')
        .next()
        .unwrap_or_default()
        .trim_end()
        .trim_end_matches("::");
    let last = path
        .rfind(|c: char| !super::source::in_word(c))
        .map_or(0, |cut| cut + 1);
    leading_word(&path[last..])
}

#[cfg(test)]
mod tests {
    use super::super::testing::bites;
    use super::*;

    #[test]
    fn unsafe_is_found_outside_the_fence_and_only_in_code() {
        let code = "// unsafe\nfn f() { unsafe { g() } }\n#[unsafe(no_mangle)]\n";
        assert_eq!(
            bites(unsafe_stays_behind_the_fence, &[("src/api/a.rs", code)]),
            ["src/api/a.rs:2", "src/api/a.rs:3"]
        );
        assert_eq!(
            bites(
                unsafe_stays_behind_the_fence,
                &[("crates/envelope/src/a.rs", code)]
            )
            .len(),
            2
        );
        assert!(bites(unsafe_stays_behind_the_fence, &[("src/pg/a.rs", code)]).is_empty());
        let talk = "#![forbid(unsafe_code)]\nconst A: &str = \"unsafe\";";
        assert!(bites(unsafe_stays_behind_the_fence, &[("src/a.rs", talk)]).is_empty());
    }

    #[test]
    fn permits_come_from_policy_and_receipts_from_sinks() {
        let rule = proofs_are_minted_where_they_are_earned;
        for (permit, receipt) in [
            (
                "let p = Permit::assertion(tenant);",
                "Ok(Receipt::assertion())",
            ),
            (
                "Ok(vault::Permit::<Retrieve>::assertion(t))",
                "Ok(vault::Receipt::assertion())",
            ),
            ("f(Permit::<A>::assertion)", "map(Receipt::assertion)"),
        ] {
            assert!(
                bites(
                    rule,
                    &[("src/policy.rs", permit), ("src/audit/heap.rs", receipt)]
                )
                .is_empty(),
                "{permit}"
            );
            assert_eq!(
                bites(
                    rule,
                    &[("src/policy.rs", receipt), ("src/audit/heap.rs", permit)]
                )
                .len(),
                2,
                "{permit}"
            );
            assert_eq!(
                bites(
                    rule,
                    &[("src/api/store.rs", permit), ("src/api/get.rs", receipt)]
                )
                .len(),
                2,
                "{permit}"
            );
            assert_eq!(
                bites(
                    rule,
                    &[("pgrx-tests/a.rs", permit), ("tests/it/a.rs", receipt)]
                )
                .len(),
                2,
                "{permit}"
            );
        }
    }

    #[test]
    fn one_more_mint_than_counted_is_found() {
        let (place, _, count) = MINTS[0];
        let code = "Permit::assertion(a);\n".repeat(count + 1);
        assert_eq!(
            bites(proofs_are_minted_where_they_are_earned, &[(place, &code)]),
            [format!("{place}:{}", count + 1)]
        );
    }

    #[test]
    fn the_defining_crate_mints_only_in_tests() {
        let code = "impl Receipt {\n    pub fn assertion() -> Self {}\n}\n#[cfg(test)]\nmod tests { fn f() { Receipt::assertion(); } }";
        let rule = proofs_are_minted_where_they_are_earned;
        assert!(bites(rule, &[("crates/vault/src/permit.rs", code)]).is_empty());
        assert!(bites(rule, &[("crates/vault/tests/a.rs", "Receipt::assertion()")]).is_empty());
        let shipped = "fn f() { Receipt::assertion() }";
        assert_eq!(
            bites(rule, &[("crates/vault/src/service/mod.rs", shipped)]),
            ["crates/vault/src/service/mod.rs:1"]
        );
        assert_eq!(
            bites(
                rule,
                &[("src/policy.rs", "use Permit as P; P::assertion(t)")]
            ),
            ["src/policy.rs:1"]
        );
    }

    #[test]
    fn expose_is_found_outside_the_list() {
        let code = "f(secret.expose())";
        assert_eq!(
            bites(
                secrets_are_exposed_where_it_is_known,
                &[("src/storage/spi.rs", code)]
            ),
            ["src/storage/spi.rs:1"]
        );
        assert_eq!(
            bites(
                secrets_are_exposed_where_it_is_known,
                &[("src/x.rs", "map(Secret::expose)")]
            ),
            ["src/x.rs:1"]
        );
        assert!(
            bites(
                secrets_are_exposed_where_it_is_known,
                &[("src/api/store.rs", code)]
            )
            .is_empty()
        );
        let tested = "#[cfg(test)]\nmod tests { fn f() { s.expose(); } }";
        assert!(
            bites(
                secrets_are_exposed_where_it_is_known,
                &[("crates/vault/src/a.rs", tested)]
            )
            .is_empty()
        );
        assert_eq!(
            bites(
                secrets_are_exposed_where_it_is_known,
                &[("src/a.rs", tested)]
            )
            .len(),
            1
        );
    }

    #[test]
    fn lib_may_have_79_lines() {
        let lines = |count| "mod a;\n".repeat(count);
        assert!(bites(lib_is_a_table_of_contents, &[("src/lib.rs", &lines(79))]).is_empty());
        assert_eq!(
            bites(lib_is_a_table_of_contents, &[("src/lib.rs", &lines(80))]).len(),
            1
        );
        assert!(
            bites(
                lib_is_a_table_of_contents,
                &[("crates/vault/src/lib.rs", &lines(80))]
            )
            .is_empty()
        );
    }
}
