//! Which tenants there are, and who belongs to them: `vault.enrol_tenant`, `vault.add_tenant_member`,
//! `vault.remove_tenant_member`.

use pgrx::{Uuid, pg_extern};
use vault::{AddTenantMember, EnrolTenant, RemoveTenantMember, Standing, TenantId, VaultError};

use super::argument::{required, tenant_id, text};
use super::door::{Call, answer};
use crate::{policy, session, tenancy};

const MEMBER_MAX_CHARS: usize = 200;

#[pg_extern(sql = false)]
fn enrol_tenant(p_tenant_id: Option<Uuid>) {
    answer::<EnrolTenant, _>(|call| {
        let tenant = tenant_id(p_tenant_id, "p_tenant_id")?;
        call.of_tenant(tenant);
        call.writes("enrol a tenant")?;
        let permit = policy::for_tenant::<EnrolTenant>(tenant)?;
        session::vault(|vault| vault.enrol_tenant(permit))
    });
}

#[pg_extern(sql = false)]
fn add_tenant_member(
    p_tenant_id: Option<Uuid>,
    p_member: Option<&[u8]>,
    p_role: Option<&[u8]>,
    p_kind: Option<&[u8]>,
) {
    answer::<AddTenantMember, _>(|call| {
        let (tenant, kind, member) = named(call, p_tenant_id, p_member, p_kind)?;
        let role = text(required(p_role, "p_role")?, "p_role")?;
        let standing = Standing::parse(&role)
            .ok_or_else(|| invalid("p_role", "It is one of owner, admin, member, reader."))?;
        call.writes("add a member")?;
        // Who takes a standing away must be allowed to give it.
        let before = tenancy::member(tenant, kind, &member);
        let highest = before.map_or(standing, |before| before.max(standing));
        let permit = policy::for_member::<AddTenantMember>(tenant, highest)?;
        if !tenancy::is_enrolled(tenant) {
            return Err(VaultError::NotEnrolled { tenant });
        }
        tenancy::add(tenant, kind, &member, standing);
        let note = format!("{member} ({kind}): {}", standing.word());
        session::vault(|vault| vault.tenant_action(permit, &note))
    });
}

#[pg_extern(sql = false)]
fn remove_tenant_member(
    p_tenant_id: Option<Uuid>,
    p_member: Option<&[u8]>,
    p_kind: Option<&[u8]>,
) -> bool {
    answer::<RemoveTenantMember, _>(|call| {
        let (tenant, kind, member) = named(call, p_tenant_id, p_member, p_kind)?;
        call.writes("remove a member")?;
        let before = tenancy::member(tenant, kind, &member).unwrap_or(Standing::Reader);
        let permit = policy::for_member::<RemoveTenantMember>(tenant, before)?;
        let was_there = tenancy::remove(tenant, kind, &member);
        session::vault(|vault| vault.tenant_action(permit, &format!("{kind} {member}")))?;
        Ok(was_there)
    })
}

fn named(
    call: &Call,
    tenant: Option<Uuid>,
    member: Option<&[u8]>,
    kind: Option<&[u8]>,
) -> Result<(TenantId, &'static str, String), VaultError> {
    let tenant = tenant_id(tenant, "p_tenant_id")?;
    call.of_tenant(tenant);
    let member = text(required(member, "p_member")?, "p_member")?;
    let chars = member.chars().count();
    if !(1..=MEMBER_MAX_CHARS).contains(&chars) || member.chars().any(char::is_control) {
        return Err(invalid(
            "p_member",
            &format!(
                "A member has 1 to {MEMBER_MAX_CHARS} characters and no control characters; this one has {chars}."
            ),
        ));
    }
    let kind = match &*text(required(kind, "p_kind")?, "p_kind")? {
        "jwt_subject" => "jwt_subject",
        "database_role" => "database_role",
        _ => return Err(invalid("p_kind", "It is jwt_subject or database_role.")),
    };
    Ok((tenant, kind, member.into_owned()))
}

fn invalid(argument: &'static str, rule: &str) -> VaultError {
    VaultError::InvalidArgument {
        argument,
        rule: rule.to_owned(),
    }
}
