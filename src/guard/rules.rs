//! What an administrator says of the guard's findings, vault.guard_rules: which of them are no secrets, and which further
//! texts are. Kept until a rule changes.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

use crate::pg::attempt::ServerError;
use crate::pg::clock::{self, Timestamp};
use crate::pg::function::Function;
use crate::pg::plan::statement;
use crate::pg::relation::{self, Generation};
use crate::storage;

statement!(latest GUARD_RULES, "../storage/queries/guard_rules.sql", []);

/// Where a text stands; `None` for one that stands nowhere.
pub type Scope<'a> = Option<(&'a [u32], &'a str)>;

/// A finding, as rules judge it.
pub struct Judged<'a> {
    pub detector: &'a str,
    pub service: &'a str,
    /// From the finding's first byte on.
    pub text: &'a str,
}

#[derive(Default)]
pub struct Rules {
    allow: Vec<Rule>,
    deny: Vec<Rule>,
}

/// One row. What it leaves open holds for all.
struct Rule {
    table: Option<u32>,
    column: Option<String>,
    json_path: Option<String>,
    detector: Option<String>,
    service: Option<String>,
    prefix: Option<String>,
    min_length: usize,
    /// By which a finding of it is called.
    name: String,
}

thread_local! {
    static KEPT: RefCell<Option<(Generation, Rc<Rules>)>> = const { RefCell::new(None) };
    /// The statement in which the changes of others were last noticed.
    static NOTICED: Cell<Option<Timestamp>> = const { Cell::new(None) };
}

/// The rules as they are committed when the client's statement begins. Whoever the current role is: they are read by a
/// function of the vault's owner.
pub fn in_force() -> Result<Rc<Rules>, ServerError> {
    let statement = clock::statement_start();
    if NOTICED.replace(Some(statement)) != Some(statement) {
        storage::take_notice();
    }
    if let Some(rules) = kept() {
        return Ok(rules);
    }
    Function::of_texts(c"vault", c"load_guard_rules", 0)?.call(&[]);
    Ok(kept().unwrap_or_default())
}

fn kept() -> Option<Rc<Rules>> {
    KEPT.with_borrow(|kept| {
        let (read_at, rules) = kept.as_ref()?;
        (*read_at == relation::generation()).then(|| Rc::clone(rules))
    })
}

/// Reads them; to be called with the rights of the vault's owner.
pub fn load() {
    let read_at = storage::take_notice();
    let mut rules = Rules::default();
    let rows = GUARD_RULES.all(&[], |row| {
        let is_allowed = row.text(2).as_deref() == Some("allow");
        let rule = Rule {
            name: format!("rule_{}", row.long(1).unwrap_or_default()),
            // One that is gone has a number that no table has.
            table: row.long(3).map(|oid| u32::try_from(oid).unwrap_or(0)),
            column: row.utf8(4),
            json_path: row.utf8(5),
            detector: row.utf8(6),
            service: row.utf8(7),
            prefix: row.utf8(8),
            min_length: row
                .int(9)
                .and_then(|length| usize::try_from(length).ok())
                .unwrap_or(0),
        };
        (is_allowed, rule)
    });
    for (is_allowed, rule) in rows {
        if is_allowed {
            rules.allow.push(rule);
        } else {
            rules.deny.push(rule);
        }
    }
    KEPT.set(Some((read_at, Rc::new(rules))));
}

impl Rules {
    /// Whether a finding at this place is said to be none.
    pub fn allow(&self, finding: &Judged<'_>, scope: Scope<'_>, path: &str) -> bool {
        self.allow.iter().any(|rule| {
            rule.holds(scope)
                && rule.holds_at(path)
                && rule
                    .detector
                    .as_deref()
                    .is_none_or(|id| id == finding.detector)
                && rule
                    .service
                    .as_deref()
                    .is_none_or(|name| name.eq_ignore_ascii_case(finding.service))
                && rule
                    .prefix
                    .as_deref()
                    .is_none_or(|prefix| finding.text.starts_with(prefix))
        })
    }

    pub fn has_own_prefixes(&self) -> bool {
        !self.deny.is_empty()
    }

    /// Texts that begin as a rule says, in words of their own: where each begins, how long it is, and the rule's name and
    /// service.
    ///
    /// - path: asked for where a rule says one and the text has its prefix.
    pub fn denied<'r, 'p>(
        &'r self,
        text: &str,
        scope: Scope<'_>,
        path: &mut dyn FnMut() -> Cow<'p, str>,
    ) -> Vec<(usize, usize, &'r str, &'r str)> {
        let mut found = Vec::new();
        for rule in &self.deny {
            let Some(prefix) = rule.prefix.as_deref() else {
                continue;
            };
            if !rule.holds(scope) {
                continue;
            }
            let mut from = 0;
            while let Some(at) = text.get(from..).and_then(|rest| rest.find(prefix)) {
                if from == 0 && rule.json_path.is_some() && !rule.holds_at(&path()) {
                    break;
                }
                let at = from + at;
                from = at + prefix.len();
                if !begins_word(text.as_bytes(), at) {
                    continue;
                }
                // What goes on in the same token is no other one.
                from += token_bytes(&text.as_bytes()[from..]);
                if from - at >= rule.min_length {
                    let service = rule.service.as_deref().unwrap_or("own");
                    found.push((at, from - at, rule.name.as_str(), service));
                }
            }
        }
        found
    }
}

impl Rule {
    fn holds(&self, scope: Scope<'_>) -> bool {
        match (scope, self.table, &self.column) {
            (_, None, None) => true,
            (None, _, _) => false,
            (Some((family, column)), table, named) => {
                table.is_none_or(|table| family.contains(&table))
                    && named.as_deref().is_none_or(|named| named == column)
            }
        }
    }

    fn holds_at(&self, path: &str) -> bool {
        self.json_path
            .as_deref()
            .is_none_or(|rule| rule == path || rule == any_index(path))
    }
}

/// A path with `[*]` for each number of an element.
pub fn any_index(path: &str) -> String {
    let mut general = String::with_capacity(path.len());
    let mut rest = path;
    while let Some(at) = rest.find('[') {
        let (before, from) = rest.split_at(at + 1);
        general.push_str(before);
        let digits = from.bytes().take_while(u8::is_ascii_digit).count();
        if digits > 0 && from.as_bytes().get(digits) == Some(&b']') {
            general.push('*');
            rest = &from[digits..];
        } else {
            rest = from;
        }
    }
    general.push_str(rest);
    general
}

/// As the guard's own formats: not within a word, but behind an escaped byte of a URL.
fn begins_word(text: &[u8], at: usize) -> bool {
    let is_of_a_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    match text[..at] {
        [] => true,
        [.., b'%', a, b] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit() => true,
        [.., byte] => !is_of_a_word(byte),
    }
}

fn token_bytes(text: &[u8]) -> usize {
    let is_of_a_token = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-.~+/=".contains(byte);
    text.iter().take_while(|byte| is_of_a_token(byte)).count()
}

#[cfg(test)]
mod tests {
    use super::{Rule, Rules, any_index};

    fn deny(prefix: &str, min_length: usize) -> Rules {
        let rule = Rule {
            table: None,
            column: None,
            json_path: None,
            detector: None,
            service: None,
            prefix: Some(prefix.to_owned()),
            min_length,
            name: "rule_1".to_owned(),
        };
        Rules {
            allow: Vec::new(),
            deny: vec![rule],
        }
    }

    #[test]
    fn elements_lose_their_numbers() {
        assert_eq!(any_index("$.a[0].b[12]"), "$.a[*].b[*]");
        assert_eq!(any_index("$.\"x[y]\"[3]"), "$.\"x[y]\"[*]");
        assert_eq!(any_index("$"), "$");
    }

    #[test]
    fn a_prefix_begins_a_word_and_is_followed_by_enough() {
        let rules = deny("acme_", 10);
        let found = |text: &str| rules.denied(text, None, &mut || "".into()).len();
        assert_eq!(found("acme_12345"), 1);
        assert_eq!(found("the key acme_12345, and acme_67890"), 2);
        assert_eq!(found("k=%20acme_12345"), 1);
        assert_eq!(found("acme_1234"), 0);
        assert_eq!(found("pacme_12345"), 0);
        // One token, however often it says so.
        assert_eq!(found("acme_12=acme_345"), 1);
    }

    #[test]
    fn a_token_of_many_prefixes_is_run_through_once() {
        let text = "acme_=".repeat(1 << 20);
        assert_eq!(
            deny("acme_", 10)
                .denied(&text, None, &mut || "".into())
                .len(),
            1
        );
    }
}
