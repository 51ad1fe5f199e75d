//! Rows of `vault.vault_access_log`, read back.

use std::time::SystemTime;

use postgres::GenericClient;
use uuid::Uuid;

/// One access, with every column as the test wants to compare it.
#[derive(Clone, Debug)]
pub struct LogRow {
    pub id: Uuid,
    pub secret_id: Option<Uuid>,
    pub accessed_at: SystemTime,
    pub session_user: Option<String>,
    pub action: String,
    pub outcome: String,
    pub sqlstate: Option<String>,
    pub tenant_id: Option<Uuid>,
    pub secret_key: Option<String>,
    pub effective_role: Option<String>,
    pub claims_subject: Option<String>,
    pub claims_tenant: Option<String>,
    pub application_name: Option<String>,
    pub client_addr: Option<String>,
    pub backend_pid: Option<i32>,
    pub xid: Option<String>,
    pub claims_trusted: Option<bool>,
    pub correlation_id: Option<String>,
    pub access_reason: Option<String>,
    pub lane: Option<String>,
    pub platform_account: Option<String>,
    pub origin: Option<String>,
}

impl LogRow {
    /// In the order of `accessed_at`; those of one microsecond as they were recorded.
    pub fn all(session: &mut impl GenericClient) -> Vec<Self> {
        session
            .query(
                r#"SELECT id, secret_id, accessed_at, "session_user"::text, action::text, outcome::text,
                          sqlstate::text, tenant_id, secret_key::text, effective_role::text,
                          claims_subject::text, claims_tenant::text, application_name::text,
                          host(client_addr), backend_pid, xid::text, claims_trusted, correlation_id,
                          access_reason, lane, platform_account, origin
                     FROM vault.vault_access_log
                    ORDER BY accessed_at, seq"#,
                &[],
            )
            .expect("the access log")
            .iter()
            .map(|row| Self {
                id: row.get(0),
                secret_id: row.get(1),
                accessed_at: row.get(2),
                session_user: row.get(3),
                action: row.get(4),
                outcome: row.get(5),
                sqlstate: row.get(6),
                tenant_id: row.get(7),
                secret_key: row.get(8),
                effective_role: row.get(9),
                claims_subject: row.get(10),
                claims_tenant: row.get(11),
                application_name: row.get(12),
                client_addr: row.get(13),
                backend_pid: row.get(14),
                xid: row.get(15),
                claims_trusted: row.get(16),
                correlation_id: row.get(17),
                access_reason: row.get(18),
                lane: row.get(19),
                platform_account: row.get(20),
                origin: row.get(21),
            })
            .collect()
    }

    /// `action/outcome/sqlstate`, for short comparisons.
    pub fn verdict(&self) -> String {
        let state = self.sqlstate.as_deref().unwrap_or("-");
        format!("{}/{}/{state}", self.action, self.outcome)
    }
}
