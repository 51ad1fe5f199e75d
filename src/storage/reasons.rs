//! Must this caller say why? The rules are rows (vault.access_policies, vault.access_grants), remembered until one of them,
//! or any role, changes.

use std::cell::RefCell;

use crate::pg::identity::{self, Role, Roles};
use crate::pg::plan::statement;
use crate::pg::relation::{self, Generation};

statement!(latest IS_REASON_REQUIRED, "queries/is_reason_required.sql", []);
statement!(latest REASONS_BY_ROLE, "queries/reasons_by_role.sql", []);

struct Rules {
    read_at: (Generation, Roles),
    /// Whether any profile demands a reason.
    any: bool,
    /// Every role that holds a profile, and whether one of its profiles does.
    holders: Vec<(Role, bool)>,
}

thread_local! {
    static RULES: RefCell<Option<Rules>> = const { RefCell::new(None) };
}

/// Whether a secret is released to the effective role only for a reason: a profile that it holds, by itself or as a
/// member, demands one. Who holds no profile comes through somebody else's definer function, or is a superuser: then
/// one profile that demands a reason is enough.
pub fn is_demanded() -> bool {
    let now = (relation::generation(), identity::roles());
    let judged = RULES.with_borrow(|rules| {
        let rules = rules.as_ref().filter(|rules| rules.read_at == now)?;
        Some(rules.demand())
    });
    judged.unwrap_or_else(|| {
        let rules = Rules::read(now);
        let demanded = rules.demand();
        RULES.set(Some(rules));
        demanded
    })
}

impl Rules {
    fn read(read_at: (Generation, Roles)) -> Self {
        let any = IS_REASON_REQUIRED.first(&[], |row| row.bool(1)).flatten();
        // What cannot be read counts as demanded.
        let any = any.unwrap_or(true);
        let holders = match any {
            false => Vec::new(),
            true => REASONS_BY_ROLE
                .all(&[], |row| {
                    Some((Role::from_long(row.long(1)?)?, row.bool(2)?))
                })
                .into_iter()
                .flatten()
                .collect(),
        };
        Self {
            read_at,
            any,
            holders,
        }
    }

    fn demand(&self) -> bool {
        if !self.any {
            return false;
        }
        let mut held = self
            .holders
            .iter()
            .filter(|(role, _)| identity::effective_role_is(*role))
            .map(|(_, demands)| *demands)
            .peekable();
        held.peek().is_none() || held.any(|demands| demands)
    }
}
