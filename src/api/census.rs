//! Every value in turn: `vault.verify_secrets` and `vault.find_by_value`.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use pgrx::iter::TableIterator;
use pgrx::{Uuid, name, pg_extern};
use vault::{FindByValue, VaultError, VerifySecrets, VersionPlace, WholeVault};

use super::argument::secret_text;
use super::door::answer;
use crate::pg::attempt::ServerError;
use crate::pg::report;
use crate::{policy, session};

/// How often somebody who waits is told how far it is.
const NOTICE_EVERY: Duration = Duration::from_secs(5);

type VerifiedRow = (
    name!(tenant_id, Option<Uuid>),
    name!(credential_id, Option<Uuid>),
    name!(version, Option<i32>),
    name!(state, Option<String>),
    name!(cause, Option<String>),
    name!(needs, Option<String>),
    name!(versions, i64),
);

#[pg_extern(sql = false)]
#[expect(
    clippy::type_complexity,
    reason = "pgrx reads the columns from the signature"
)]
fn verify_secrets() -> TableIterator<
    'static,
    (
        name!(tenant_id, Option<Uuid>),
        name!(credential_id, Option<Uuid>),
        name!(version, Option<i32>),
        name!(state, Option<String>),
        name!(cause, Option<String>),
        name!(needs, Option<String>),
        name!(versions, i64),
    ),
> {
    answer::<VerifySecrets, _>(|_| {
        session::vault(|vault| vault.verify_secrets(policy::for_platform()))
    });
    TableIterator::new(Census {
        all: policy::for_administration(),
        after: None,
        opened: 0,
        failed: 0,
        ready: VecDeque::new(),
        is_over: false,
        told_at: Instant::now(),
    })
}

/// Judges a few rows at a time, as PostgreSQL asks for more, so that memory does not grow with the vault.
struct Census {
    all: WholeVault,
    after: Option<VersionPlace>,
    opened: i64,
    failed: i64,
    ready: VecDeque<VerifiedRow>,
    is_over: bool,
    told_at: Instant,
}

impl Iterator for Census {
    type Item = VerifiedRow;

    fn next(&mut self) -> Option<VerifiedRow> {
        while self.ready.is_empty() && !self.is_over {
            if let Err(error) = self.go_on() {
                ServerError::from(error).raise();
            }
        }
        self.ready.pop_front()
    }
}

impl Census {
    fn go_on(&mut self) -> Result<(), VaultError> {
        let some = session::vault(|vault| vault.verify_some(&self.all, self.after.as_ref()))?;
        self.opened += some.opened.cast_signed();
        self.failed += some.failed.len() as i64;
        for row in some.failed {
            let (tenant, id, version, state) = columns(&row.place);
            self.ready.push_back((
                Some(tenant),
                Some(id),
                Some(version),
                Some(state),
                Some(row.cause),
                Some(row.needs),
                1,
            ));
        }
        self.is_over = some.next.is_none();
        if self.is_over {
            let cause = Some("opens".to_owned());
            self.ready
                .push_back((None, None, None, None, cause, None, self.opened));
        } else if self.told_at.elapsed() > NOTICE_EVERY {
            self.told_at = Instant::now();
            let (looked_at, failed) = (self.opened + self.failed, self.failed);
            report::notice(&format!(
                "{looked_at} versions looked at, {failed} of them do not open"
            ));
        }
        self.after = some.next;
        Ok(())
    }
}

#[pg_extern(sql = false)]
fn find_by_value(
    p_value: Option<&[u8]>,
) -> TableIterator<
    'static,
    (
        name!(tenant_id, Uuid),
        name!(credential_id, Uuid),
        name!(version, i32),
        name!(state, String),
        name!(name, Option<String>),
    ),
> {
    let found = answer::<FindByValue, _>(|_| {
        let value = secret_text(p_value, "p_value")?;
        let all = policy::for_administration();
        session::vault(|vault| vault.find_by_value(policy::for_platform(), &all, &value))
    });
    TableIterator::new(found.into_iter().map(|place| {
        let (tenant, id, version, state) = columns(&place);
        (tenant, id, version, state, place.name)
    }))
}

fn columns(place: &VersionPlace) -> (Uuid, Uuid, i32, String) {
    (
        Uuid::from_bytes(*place.tenant.as_bytes()),
        Uuid::from_bytes(*place.credential.as_bytes()),
        place.version.cast_signed(),
        place.state.clone(),
    )
}
