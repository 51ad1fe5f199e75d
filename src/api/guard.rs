//! The guard's functions beside its trigger: what the trigger asks of the vault's owner, rules, and the detectors by hand.

use std::ops::ControlFlow;

use pgrx::iter::{SetOfIterator, TableIterator};
use pgrx::{name, pg_extern};
use vault::{
    AddGuardRule, Audit, Event, GuardRefuse, GuardWarn, Outcome, RemoveGuardRule, VaultError,
};

use super::argument::{optional_text, reason, required, text};
use super::door::answer;
use crate::audit::AccessLog;
use crate::guard::{self, Found, Look, Why, rules};
use crate::pg::columns::{Regclass, names};
use crate::pg::discretion;
use crate::pg::json::Jsonb;
use crate::pg::plan::{Argument, statement};
use crate::pg::process;
use crate::pg::reply::{self, Varlena};
use crate::pg::text::legible;
use crate::{shield, tenancy};

statement!(
    latest ADD_GUARD_RULE,
    "../storage/queries/add_guard_rule.sql",
    [TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, INT4OID, TEXTOID]
);
statement!(
    latest REMOVE_GUARD_RULE,
    "../storage/queries/remove_guard_rule.sql",
    [INT8OID]
);

// ---- for the trigger ----

#[pg_extern(sql = false)]
fn refuse_plaintext(p_place: &[u8], p_detector: &[u8], p_why: &[u8]) {
    answer::<GuardRefuse, ()>(|call| {
        let (place, detector) = (legible(p_place), legible(p_detector));
        call.note_more(&format!("{place}: {detector}"));
        if let Some(tenant) = tenancy::tenant() {
            call.of_tenant(tenant);
        }
        let known = Why::ALL.iter().find(|(word, _)| word.as_bytes() == p_why);
        let why = known.map_or(Why::Mode, |(_, why)| *why);
        let (place, detector) = (place.into_owned(), detector.into_owned());
        Err(match why {
            Why::NoContext => VaultError::ContextRequired,
            Why::OtherTenant => VaultError::OtherTenant,
            Why::MayNotStore => VaultError::PlaintextUnstorable { place, detector },
            Why::Mode | Why::NotWhole | Why::NoRoom | Why::Fixed => VaultError::PlaintextRefused {
                place,
                detector,
                why: detail(why),
            },
        })
    });
}

fn detail(why: Why) -> &'static str {
    match why {
        Why::NotWhole => {
            "The guard stores what is a secret and nothing else; here it is a part of a longer text."
        }
        Why::NoRoom => "The column is too short for a reference to the vault, of 54 characters.",
        Why::Fixed => {
            "The guard can put a reference in place of a text, or of a string in JSON, and not of this."
        }
        _ => "The table is guarded against it: vault.guard_report() shows how.",
    }
}

#[pg_extern(sql = false)]
fn warn_of_plaintext(p_place: &[u8], p_detector: &[u8]) {
    answer::<GuardWarn, _>(|_| {
        record::<GuardWarn>(&format!("{}: {}", legible(p_place), legible(p_detector)))
    });
}

#[pg_extern(sql = false)]
fn load_guard_rules() {
    rules::load();
}

// ---- rules ----

#[pg_extern(sql = false)]
#[allow(clippy::too_many_arguments, reason = "the arguments of a SQL function")]
fn add_guard_rule(
    p_kind: Option<&[u8]>,
    p_reason: Option<&[u8]>,
    p_table: Option<Regclass>,
    p_column: Option<&[u8]>,
    p_json_path: Option<&[u8]>,
    p_detector: Option<&[u8]>,
    p_service: Option<&[u8]>,
    p_prefix: Option<&[u8]>,
    p_min_length: Option<i32>,
) -> i64 {
    answer::<AddGuardRule, _>(|call| {
        let kind = text(required(p_kind, "p_kind")?, "p_kind")?;
        let why = reason(required(p_reason, "p_reason")?, "p_reason")?;
        let column = optional_text(p_column, "p_column")?;
        let json_path = optional_text(p_json_path, "p_json_path")?;
        let detector = optional_text(p_detector, "p_detector")?;
        let service = optional_text(p_service, "p_service")?;
        let prefix = optional_text(p_prefix, "p_prefix")?;
        let table = match p_table.map(|table| names(table.0)) {
            None => None,
            Some(Some((schema, name))) => {
                Some((legible(&schema).into_owned(), legible(&name).into_owned()))
            }
            Some(None) => return Err(invalid("p_table", "There is no table of this number.")),
        };
        let rule = Rule {
            kind: &kind,
            table,
            column: column.as_deref(),
            json_path: json_path.as_deref(),
            detector: detector.as_deref(),
            service: service.as_deref(),
            prefix: prefix.as_deref(),
            min_length: p_min_length,
        };
        rule.check(&why)?;
        call.writes("change the guard's rules")?;
        let id = rule.add(&why)?;
        record::<AddGuardRule>(&format!("{id}: {}", rule.words()))?;
        Ok(id)
    })
}

/// What a rule is to say, not yet judged.
struct Rule<'a> {
    kind: &'a str,
    /// Schema and name.
    table: Option<(String, String)>,
    column: Option<&'a str>,
    json_path: Option<&'a str>,
    detector: Option<&'a str>,
    service: Option<&'a str>,
    prefix: Option<&'a str>,
    min_length: Option<i32>,
}

const PREFIX_MIN_CHARS: usize = 4;
const PREFIX_MAX_CHARS: usize = 64;
const PATH_MAX_CHARS: usize = 256;

impl Rule<'_> {
    /// - errors: 22023; nothing of what is refused is repeated, since it may be a key in the wrong place.
    fn check(&self, why: &str) -> Result<(), VaultError> {
        let given = [
            ("p_reason", Some(why)),
            ("p_json_path", self.json_path),
            ("p_service", self.service),
            ("p_prefix", self.prefix),
        ];
        for (argument, words) in given {
            if words.is_some_and(|words| guard::guard().first(words, None).is_some()) {
                return Err(invalid(
                    argument,
                    "It looks like a secret itself. Give what such have in common.",
                ));
            }
        }
        if self.column.is_some() && self.table.is_none() {
            return Err(invalid(
                "p_column",
                "A column is one of a table: give p_table, too.",
            ));
        }
        if self
            .json_path
            .is_some_and(|path| path.chars().count() > PATH_MAX_CHARS)
        {
            return Err(invalid("p_json_path", "A path has at most 256 characters."));
        }
        if let Some(id) = self.detector
            && !keyguard::detectors()
                .iter()
                .any(|known| known.id == id && !known.is_public)
        {
            return Err(invalid(
                "p_detector",
                "There is no such detector; docs/guard-detectors.md lists them.",
            ));
        }
        if self.prefix.is_some_and(|prefix| {
            let chars = prefix.chars().count();
            !(PREFIX_MIN_CHARS..=PREFIX_MAX_CHARS).contains(&chars)
                || !prefix.bytes().all(|byte| byte.is_ascii_graphic())
        }) {
            return Err(invalid(
                "p_prefix",
                "A prefix has 4 to 64 characters of ASCII, and no blank.",
            ));
        }
        match self.kind {
            "allow" => {
                if self.min_length.is_some() {
                    return Err(invalid("p_min_length", "A length is for rules that deny."));
                }
                let is_open = self.table.is_none()
                    && self.detector.is_none()
                    && self.service.is_none()
                    && self.prefix.is_none();
                if is_open {
                    return Err(invalid(
                        "p_kind",
                        "What is allowed must be said: by p_table, p_detector, p_service or p_prefix.",
                    ));
                }
            }
            "deny" => {
                if self.prefix.is_none() {
                    return Err(invalid(
                        "p_prefix",
                        "What is denied is known by its prefix.",
                    ));
                }
                if self.detector.is_some() {
                    return Err(invalid(
                        "p_detector",
                        "A rule that denies is a detector of its own.",
                    ));
                }
                if self
                    .min_length
                    .is_some_and(|length| !(0..=4096).contains(&length))
                {
                    return Err(invalid("p_min_length", "A length is 0 to 4096."));
                }
            }
            _ => return Err(invalid("p_kind", "A rule is one of allow, deny.")),
        }
        Ok(())
    }

    fn add(&self, why: &str) -> Result<i64, VaultError> {
        let optional = |words| match words {
            Some(words) => Argument::Text(words),
            None => Argument::Null,
        };
        let (schema, table) = match &self.table {
            Some((schema, table)) => (Some(schema.as_str()), Some(table.as_str())),
            None => (None, None),
        };
        let arguments = [
            Argument::Text(self.kind),
            optional(schema),
            optional(table),
            optional(self.column),
            optional(self.json_path),
            optional(self.detector),
            optional(self.service),
            optional(self.prefix),
            self.min_length.map_or(Argument::Null, Argument::Int),
            Argument::Text(why),
        ];
        ADD_GUARD_RULE
            .first(&arguments, |row| row.long(1))
            .flatten()
            .ok_or(VaultError::Internal("a rule was not added"))
    }

    /// For the record.
    fn words(&self) -> String {
        let table = self
            .table
            .as_ref()
            .map(|(schema, table)| format!("{schema}.{table}"));
        let parts = [
            Some(self.kind),
            table.as_deref(),
            self.column,
            self.json_path,
            self.detector,
            self.service,
            self.prefix,
        ];
        let mut words = parts.into_iter().flatten().collect::<Vec<_>>().join(" ");
        words.truncate(words.floor_char_boundary(400));
        words
    }
}

fn invalid(argument: &'static str, rule: &str) -> VaultError {
    VaultError::InvalidArgument {
        argument,
        rule: rule.to_owned(),
    }
}

#[pg_extern(sql = false)]
fn remove_guard_rule(p_id: Option<i64>) {
    answer::<RemoveGuardRule, _>(|call| {
        let id = required(p_id, "p_id")?;
        call.writes("change the guard's rules")?;
        call.note_more(&id.to_string());
        let was = REMOVE_GUARD_RULE
            .first(&[Argument::Long(id)], |row| row.utf8(1))
            .ok_or(VaultError::NoSuchRule)?;
        record::<RemoveGuardRule>(&format!("{id}: {}", was.unwrap_or_default()))
    });
}

fn record<A: vault::Action>(note: &str) -> Result<(), VaultError> {
    let event = Event {
        action: A::NAME,
        outcome: Outcome::Ok,
        tenant: tenancy::tenant(),
        credential: None,
        key: Some(note),
        sqlstate: None,
    };
    AccessLog.append(&[event]).map(drop)
}

// ---- by hand ----

/// A finding: detector, service, path, first character from 1, characters.
type Line = (String, String, Option<String>, i32, i32);

#[pg_extern(sql = false)]
#[allow(clippy::type_complexity, reason = "the columns of a SQL function")]
fn detect_secret(
    p_value: &[u8],
) -> TableIterator<
    'static,
    (
        name!(detector, Varlena),
        name!(service, Varlena),
        name!(path, Option<Varlena>),
        name!(start_pos, i32),
        name!(length, i32),
    ),
> {
    said(detected(|look, visit| {
        look.text(&legible(p_value), "", "", visit)
    }))
}

#[pg_extern(sql = false)]
#[allow(clippy::type_complexity, reason = "the columns of a SQL function")]
fn detect_secret_json(
    p_value: Jsonb,
) -> TableIterator<
    'static,
    (
        name!(detector, Varlena),
        name!(service, Varlena),
        name!(path, Option<Varlena>),
        name!(start_pos, i32),
        name!(length, i32),
    ),
> {
    said(detected(|look, visit| {
        look.document(&p_value.legible(), "", "", visit)
    }))
}

/// In the database's encoding.
#[allow(clippy::type_complexity, reason = "the columns of a SQL function")]
fn said(
    lines: Vec<Line>,
) -> TableIterator<
    'static,
    (
        name!(detector, Varlena),
        name!(service, Varlena),
        name!(path, Option<Varlena>),
        name!(start_pos, i32),
        name!(length, i32),
    ),
> {
    let said = lines.into_iter().map(|line| {
        let (detector, service, path, start, length) = line;
        (
            reply::text(&detector),
            reply::text(&service),
            path.map(|path| reply::text(&path)),
            start,
            length,
        )
    });
    TableIterator::new(said)
}

fn detected(look: impl FnOnce(Look<'_>, guard::Visit<'_>) -> ControlFlow<()>) -> Vec<Line> {
    let discretion = discretion::enter();
    shield::called();
    let rules = match rules::in_force() {
        Ok(rules) => rules,
        Err(error) => error.raise(),
    };
    let mut lines = Vec::new();
    let all = Look {
        rules: &rules,
        scope: None,
    };
    let mut chars = Chars::default();
    let _ = look(all, &mut |found: &Found<'_>| {
        process::stop_if_cancelled();
        if found.is_first {
            chars = Chars::default();
        }
        let start = chars.before(found.text, found.start);
        let length = chars.before(found.text, found.start + found.length) - start;
        lines.push((
            found.detector.to_owned(),
            found.service.to_owned(),
            (!found.path.is_empty()).then(|| found.path.to_owned()),
            start.saturating_add(1),
            length,
        ));
        ControlFlow::Continue(())
    });
    discretion.leave();
    lines
}

/// Counts the characters of one text from where it was asked last: a text of many findings is not counted through for each.
#[derive(Default)]
struct Chars {
    bytes: usize,
    chars: i32,
}

impl Chars {
    /// How many characters come before so many bytes.
    fn before(&mut self, text: &str, bytes: usize) -> i32 {
        if bytes < self.bytes {
            *self = Self::default();
        }
        let more = text.get(self.bytes..bytes).unwrap_or_default();
        let more = i32::try_from(more.chars().count()).unwrap_or(i32::MAX);
        self.bytes = bytes;
        self.chars = self.chars.saturating_add(more);
        self.chars
    }
}

// ---- what lies in a table ----

#[pg_extern(sql = false)]
fn guardable_columns(p_table: Regclass) -> SetOfIterator<'static, Varlena> {
    let columns = guard::guardable(p_table.0).into_iter();
    SetOfIterator::new(columns.map(|name| reply::text(&name)))
}

#[pg_extern(sql = false)]
#[allow(clippy::type_complexity, reason = "the columns of a SQL function")]
fn scan_table(
    p_table: Regclass,
    p_sample: Option<i32>,
    p_progress: &[u8],
) -> TableIterator<
    'static,
    (
        name!(column_name, Varlena),
        name!(json_path, Option<Varlena>),
        name!(detector, Varlena),
        name!(service, Varlena),
        name!(rows_found, i64),
        name!(rows_scanned, i64),
        name!(example_ctid, String),
    ),
> {
    let discretion = discretion::enter();
    let sample = p_sample.and_then(|rows| u32::try_from(rows).ok());
    let scanned = match guard::scan(p_table.0, sample, &legible(p_progress)) {
        Ok(scanned) => scanned,
        Err(error) => error.raise(),
    };
    discretion.leave();
    let rows = scanned.rows.cast_signed();
    TableIterator::new(scanned.found.into_iter().map(move |(place, sum)| {
        (
            reply::text(&place.column),
            (!place.path.is_empty()).then(|| reply::text(&place.path)),
            reply::text(&place.detector),
            reply::text(&place.service),
            sum.rows.cast_signed(),
            rows,
            sum.example,
        )
    }))
}
