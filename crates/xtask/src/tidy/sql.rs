//! Rules for the install scripts: each object is made plainly and carries its whole contract in its own file.

use super::source::{sql_code, words};
use super::{File, Finding, Tree};

const INSTALL: &[&str] = &["sql/install/"];

/// A planted object must make the install fail; with OR REPLACE or IF NOT EXISTS it would win.
pub fn install_scripts_create_plainly(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.below(INSTALL, ".sql") {
        let code = uppercase(&sql_code(&file.text));
        // A body made by EXECUTE or in a DO block counts like any other text.
        let bodies = uppercase(&file.text);
        for text in [&code, &bodies] {
            for at in words(text, "CREATE") {
                let statement = text[at..].split(';').next().unwrap_or_default();
                let words: Vec<&str> = statement.split_whitespace().take(8).collect();
                if words[1..].starts_with(&["OR", "REPLACE"]) {
                    findings.push(
                        file.finding(at, "CREATE OR REPLACE in an install script: say CREATE"),
                    );
                }
                if words
                    .windows(3)
                    .any(|three| three == ["IF", "NOT", "EXISTS"])
                {
                    findings.push(file.finding(
                        at,
                        "CREATE ... IF NOT EXISTS in an install script: say CREATE",
                    ));
                }
            }
        }
    }
    findings.sort();
    findings.dedup();
    findings
}

/// A reviewer sees comment, owner, search_path and REVOKE beside the object they belong to.
pub fn objects_carry_their_contract(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.below(INSTALL, ".sql") {
        let statements = Statements::of(file);
        let objects: Vec<Object> = statements.0.iter().filter_map(Object::created).collect();
        for (nth, object) in objects.iter().enumerate() {
            // Overloads share a name: the second needs a second comment.
            let rank = 1 + objects[..nth]
                .iter()
                .filter(|other| other.same_name(object))
                .count();
            let mut demand = |what: &str, found: usize| {
                if found < rank {
                    let rule = format!(
                        "{} {} has no {what} in its file",
                        object.kind,
                        object.name.to_lowercase()
                    );
                    findings.push(file.finding(object.at, rule));
                }
            };
            let (kind, name) = (object.kind, object.name.as_str());
            demand(
                "COMMENT",
                statements.count(&["COMMENT", "ON", kind, name], &[]),
            );
            demand(
                "OWNER TO",
                statements.count(&["ALTER", kind, name], &["OWNER", "TO"]),
            );
            if kind == "FUNCTION" {
                demand(
                    "REVOKE",
                    statements.count(&["REVOKE", "ALL", "ON", kind, name], &["FROM", "PUBLIC"]),
                );
                if object.looks_names_up() && !object.pins_search_path() {
                    let rule = format!("{kind} {} does not pin search_path", name.to_lowercase());
                    findings.push(file.finding(object.at, rule));
                }
            }
        }
    }
    findings
}

/// A script that ddl.rs does not name is never run.
pub fn install_order_names_every_script(tree: &Tree) -> Vec<Finding> {
    let order = tree
        .file("src/ddl.rs")
        .map_or("", |file| file.text.as_str());
    let unnamed = |file: &&File| !order.contains(&format!("{}\"", file.path));
    tree.below(INSTALL, ".sql")
        .filter(unnamed)
        .map(|file| file.finding(0, "src/ddl.rs does not name this file"))
        .collect()
}

fn uppercase(text: &str) -> String {
    text.to_ascii_uppercase()
}

/// A file's statements: where they begin, and their words in upper case with one space between.
struct Statements(Vec<(usize, String)>);

impl Statements {
    fn of(file: &File) -> Self {
        let code = uppercase(&sql_code(&file.text));
        let mut at = 0;
        let mut statements = Vec::new();
        for text in code.split_inclusive(';') {
            let begins = at + text.len() - text.trim_start().len();
            let words: Vec<&str> = text.trim_end_matches(';').split_whitespace().collect();
            statements.push((begins, words.join(" ")));
            at += text.len();
        }
        Self(statements)
    }

    /// How many begin with these words, the last of which may have an argument list behind it, and later have those.
    fn count(&self, head: &[&str], later: &[&str]) -> usize {
        let (head, later) = (head.join(" "), later.join(" "));
        self.0
            .iter()
            .filter(|(_, statement)| {
                let tail = statement.strip_prefix(&head);
                tail.is_some_and(|tail| {
                    (tail.is_empty() || tail.starts_with([' ', '('])) && tail.contains(&later)
                })
            })
            .count()
    }
}

struct Object<'a> {
    at: usize,
    kind: &'static str,
    name: String,
    statement: &'a str,
}

impl<'a> Object<'a> {
    fn created((at, statement): &'a (usize, String)) -> Option<Self> {
        const ATTRIBUTES: &[&str] = &[
            "OR",
            "REPLACE",
            "UNLOGGED",
            "TEMP",
            "TEMPORARY",
            "RECURSIVE",
            "IF",
            "NOT",
            "EXISTS",
        ];
        const KINDS: &[&str] = &["FUNCTION", "TABLE", "VIEW", "TYPE", "DOMAIN", "PROCEDURE"];
        let mut words = statement
            .split([' ', '('])
            .filter(|word| !ATTRIBUTES.contains(word));
        if words.next() != Some("CREATE") {
            return None;
        }
        let kind = words.next()?;
        let kind = KINDS.iter().find(|known| **known == kind)?;
        Some(Self {
            at: *at,
            kind,
            name: words.next()?.to_string(),
            statement,
        })
    }

    fn same_name(&self, other: &Object) -> bool {
        self.kind == other.kind && self.name == other.name
    }

    /// Our C functions without the definer's rights read backend memory only.
    fn looks_names_up(&self) -> bool {
        !self.statement.contains("LANGUAGE C ") || self.statement.contains("SECURITY DEFINER")
    }

    fn pins_search_path(&self) -> bool {
        self.statement
            .contains("SET SEARCH_PATH = PG_CATALOG, VAULT, PG_TEMP")
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::bites;
    use super::*;

    const WHOLE: &str = "\
-- CREATE OR REPLACE is not our habit.
CREATE FUNCTION vault.f(p_id uuid)
    RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, vault, pg_temp
    AS $$ BEGIN RETURN 'CREATE TABLE x'; END $$;
ALTER FUNCTION vault.f(uuid) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.f(uuid) FROM PUBLIC;
COMMENT ON FUNCTION vault.f(uuid) IS 'What it does; and why.';
";

    #[test]
    fn a_whole_contract_passes() {
        assert!(
            bites(
                objects_carry_their_contract,
                &[("sql/install/f.sql", WHOLE)]
            )
            .is_empty()
        );
    }

    #[test]
    fn each_missing_part_of_the_contract_is_found() {
        for part in ["ALTER", "REVOKE", "COMMENT ON", "    SET search_path"] {
            let broken: String = WHOLE
                .lines()
                .filter(|line| !line.starts_with(part))
                .map(|line| format!("{line}\n"))
                .collect();
            assert_ne!(broken, WHOLE);
            let found = bites(
                objects_carry_their_contract,
                &[("sql/install/f.sql", &broken)],
            );
            assert_eq!(found, ["sql/install/f.sql:2"], "without {part}");
        }
    }

    #[test]
    fn only_c_functions_without_the_definers_rights_may_leave_search_path_open() {
        let open = WHOLE.replace("    SET search_path = pg_catalog, vault, pg_temp\n", "");
        for (language, findings) in [
            ("c SECURITY DEFINER", 1),
            ("sql SECURITY INVOKER", 1),
            ("c SECURITY INVOKER", 0),
        ] {
            let text = open.replace("plpgsql SECURITY DEFINER", language);
            assert_eq!(
                bites(
                    objects_carry_their_contract,
                    &[("sql/install/f.sql", &text)]
                )
                .len(),
                findings,
                "{language}"
            );
        }
    }

    #[test]
    fn a_comment_on_another_object_does_not_count() {
        let other = WHOLE.replace(
            "COMMENT ON FUNCTION vault.f(",
            "COMMENT ON FUNCTION vault.f2(",
        );
        assert_eq!(
            bites(
                objects_carry_their_contract,
                &[("sql/install/f.sql", &other)]
            )
            .len(),
            1
        );
    }

    #[test]
    fn an_overload_needs_a_contract_of_its_own() {
        let twice = format!("{WHOLE}{}", WHOLE.replace("COMMENT", "-- COMMENT"));
        assert_eq!(
            bites(
                objects_carry_their_contract,
                &[("sql/install/f.sql", &twice)]
            ),
            ["sql/install/f.sql:11"]
        );
    }

    #[test]
    fn tables_views_and_types_need_comment_and_owner() {
        for made in [
            "TABLE vault.t (a int)",
            "VIEW vault.t AS SELECT 1",
            "TYPE vault.t AS ENUM ()",
        ] {
            let text = format!("CREATE {made};");
            assert_eq!(
                bites(
                    objects_carry_their_contract,
                    &[("sql/install/t.sql", &text)]
                )
                .len(),
                2,
                "{made}"
            );
        }
    }

    #[test]
    fn scripts_outside_sql_install_are_free() {
        let text = "CREATE OR REPLACE FUNCTION vault.f() RETURNS int AS '';";
        assert!(
            bites(
                install_scripts_create_plainly,
                &[("sql/tenant_vault--1--2.sql", text)]
            )
            .is_empty()
        );
        assert!(
            bites(
                objects_carry_their_contract,
                &[("sql/tenant_vault--1--2.sql", text)]
            )
            .is_empty()
        );
    }

    #[test]
    fn create_or_replace_and_if_not_exists_are_found_also_in_bodies() {
        for text in [
            "CREATE OR REPLACE FUNCTION vault.f() RETURNS int;",
            "create  or\treplace view v AS SELECT 1;",
            "CREATE TABLE IF NOT EXISTS vault.t ();",
            "CREATE UNIQUE INDEX IF NOT EXISTS i ON t (a);",
            "DO $$ BEGIN CREATE SCHEMA IF NOT EXISTS vault; END $$;",
        ] {
            assert_eq!(
                bites(
                    install_scripts_create_plainly,
                    &[("sql/install/a.sql", text)]
                ),
                ["sql/install/a.sql:1"],
                "{text}"
            );
        }
        let allowed = "DO $$ BEGIN IF NOT EXISTS (SELECT) THEN CREATE ROLE r; END IF; END $$; CREATE TABLE t (a int);";
        assert!(
            bites(
                install_scripts_create_plainly,
                &[("sql/install/a.sql", allowed)]
            )
            .is_empty()
        );
    }

    #[test]
    fn a_script_that_ddl_does_not_name_is_found() {
        let ddl = (
            "src/ddl.rs",
            "extension_sql_file!(\"../sql/install/a.sql\", name = \"a\");",
        );
        let scripts = [("sql/install/a.sql", ""), ("sql/install/b.sql", ""), ddl];
        assert_eq!(
            bites(install_order_names_every_script, &scripts),
            ["sql/install/b.sql:1"]
        );
        assert_eq!(
            bites(install_order_names_every_script, &scripts[..1]),
            ["sql/install/a.sql:1"]
        );
    }
}
