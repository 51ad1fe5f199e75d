//! Who belongs to which tenant: vault.tenant_members.

use std::cell::RefCell;

use vault::{Standing, TenantId};

use crate::pg::identity::{self, Roles};
use crate::pg::plan::Argument::{Long, Null, Text, Uuid};
use crate::pg::plan::statement;
use crate::pg::relation::Generation;
use crate::storage;

statement!(
    latest STANDING,
    "../storage/queries/standing.sql",
    [UUIDOID, TEXTOID, INT8OID]
);
statement!(latest IS_ENROLLED, "../storage/queries/tag_of_tenant.sql", [UUIDOID]);
statement!(
    latest ADD_MEMBER,
    "../storage/queries/add_tenant_member.sql",
    [UUIDOID, TEXTOID, TEXTOID, TEXTOID]
);
statement!(
    latest MEMBER,
    "../storage/queries/member.sql",
    [UUIDOID, TEXTOID, TEXTOID]
);
statement!(
    latest REMOVE_MEMBER,
    "../storage/queries/remove_tenant_member.sql",
    [UUIDOID, TEXTOID, TEXTOID]
);

/// The last answer, and of what it is one.
struct Known {
    read_at: (Generation, Roles),
    tenant: TenantId,
    subject: Option<String>,
    role: u32,
    standing: Option<Standing>,
}

thread_local! {
    static KNOWN: RefCell<Option<Known>> = const { RefCell::new(None) };
}

/// What the role in force, or the subject, is in the tenant: the higher of the two. `None`: neither is a member.
///
/// - subject: as somebody trusted says it.
pub fn standing(tenant: TenantId, subject: Option<&str>) -> Option<Standing> {
    let now = (storage::take_notice(), identity::roles());
    let role = identity::effective_role_oid();
    KNOWN.with_borrow_mut(|known| {
        let is_it = |known: &&Known| {
            known.read_at == now
                && known.tenant == tenant
                && known.role == role
                && known.subject.as_deref() == subject
        };
        if let Some(known) = known.as_ref().filter(is_it) {
            return known.standing;
        }
        let arguments = [
            Uuid(*tenant.as_bytes()),
            subject.map_or(Null, Text),
            Long(role.into()),
        ];
        let words = STANDING.all(&arguments, |row| Standing::parse(&row.text(1)?));
        let standing = words.into_iter().flatten().max();
        *known = Some(Known {
            read_at: now,
            tenant,
            subject: subject.map(str::to_owned),
            role,
            standing,
        });
        standing
    })
}

pub fn is_enrolled(tenant: TenantId) -> bool {
    IS_ENROLLED
        .first(&[Uuid(*tenant.as_bytes())], |_| ())
        .is_some()
}

/// What is said of this very member.
pub fn member(tenant: TenantId, kind: &str, member: &str) -> Option<Standing> {
    let arguments = [Uuid(*tenant.as_bytes()), Text(kind), Text(member)];
    let word = MEMBER.first(&arguments, |row| row.text(1)).flatten();
    word.and_then(|word| Standing::parse(&word))
}

/// Whoever is one already gets the other standing.
pub fn add(tenant: TenantId, kind: &str, member: &str, standing: Standing) {
    ADD_MEMBER.count(&[
        Uuid(*tenant.as_bytes()),
        Text(kind),
        Text(member),
        Text(standing.word()),
    ]);
}

/// False: there was none.
pub fn remove(tenant: TenantId, kind: &str, member: &str) -> bool {
    REMOVE_MEMBER.count(&[Uuid(*tenant.as_bytes()), Text(kind), Text(member)]) == 1
}
