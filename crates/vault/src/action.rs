//! What a caller may ask for. Each action is a type, so that a permit for one cannot be spent on another.

use crate::Standing;

/// An action and the word the access log uses for it.
pub trait Action {
    const NAME: &'static str;
    /// Whether it hands a secret out.
    const RELEASES: bool;
    /// Whether a call of it counts against the rate limits: it releases secrets, guesses at them, or seals new ones.
    const LIMITED: bool;
    /// What a tenant's own user must be for it; `None`: EXECUTE on the function decides alone.
    const NEEDS: Option<Standing>;
}

macro_rules! actions {
    (@ $wanted:ident) => { false };
    (@ releases releases $($rest:ident)*) => { true };
    (@ limited limited $($rest:ident)*) => { true };
    (@ manages manages $($rest:ident)*) => { true };
    (@ lists lists $($rest:ident)*) => { true };
    (@ $wanted:ident $other:ident $($rest:ident)*) => { actions!(@ $wanted $($rest)*) };
    ($($(#[$doc:meta])* $name:ident = $word:literal $($is:ident)*),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name;
        impl Action for $name {
            const NAME: &'static str = $word;
            const RELEASES: bool = actions!(@ releases $($is)*);
            const LIMITED: bool = actions!(@ limited $($is)*);
            const NEEDS: Option<Standing> = if actions!(@ manages $($is)*) {
                Some(Standing::Admin)
            } else if actions!(@ lists $($is)*) {
                Some(Standing::Member)
            } else {
                None
            };
        }
    )+
    /// The action of this word, as a word that lives on.
    pub fn action_named(word: &str) -> Option<&'static str> {
        [$($word),+].into_iter().find(|name| *name == word)
    }
    };
}

actions! {
    Store = "store" limited manages,
    Retrieve = "retrieve" releases limited,
    /// A key is used and stays inside. What it signs is worth what the key is, so it counts as a release: who must give a
    /// reason to read gives one to sign.
    Hmac = "hmac" releases limited,
    /// No rate limit: it would drop what is genuine.
    VerifyWebhook = "verify_webhook",
    /// Who refers to a credential.
    ListReferences = "list_references" lists,
    /// A row of an integration gets its schema's safe default.
    RepairIntegration = "repair_integration",
    Rotate = "rotate" limited manages,
    Delete = "delete" manages,
    /// Back from a deletion.
    Restore = "restore" manages,
    Destroy = "destroy",
    Stage = "stage" limited manages,
    Promote = "promote" manages,
    Rollback = "rollback" manages,
    ListVersions = "list_versions" lists,
    SetLifecycle = "set_lifecycle",
    /// By the calendar or because a rotation left too many versions.
    Prune = "prune",
    /// Insert or replace a tenant's secret by its key.
    TenantStore = "tenant_store" limited manages,
    TenantRetrieve = "tenant_retrieve" releases limited,
    /// The keys of a tenant's secrets, never the values.
    TenantList = "tenant_list" lists,
    TenantDelete = "tenant_delete" manages,
    /// Insert or replace an app's secret by its key.
    AppStore = "app_store" limited manages,
    AppRetrieve = "app_retrieve" releases limited,
    /// Another key, another value, or both.
    AppUpdate = "app_update" limited manages,
    /// Keys and hints of an app's secrets, never the values.
    AppList = "app_list" lists,
    AppDelete = "app_delete" manages,
    /// A secret is destroyed because its app is deleted.
    AppDestroy = "app_destroy",
    /// The app's row takes another id or tenant, or its table is emptied: recorded where it is refused.
    AppMove = "app_move",
    /// Fields and settings of a tenant's account at a service.
    IntegrationStore = "integration_store" limited manages,
    IntegrationRetrieve = "integration_retrieve" releases limited,
    IntegrationDelete = "integration_delete" manages,
    /// How it stands with a tenant's integrations, never a secret.
    IntegrationList = "integration_list" lists,
    VerificationRequest = "verification_request" manages,
    /// A worker takes a request, and with it the credentials that are to be verified.
    VerificationClaim = "verification_claim" releases limited,
    VerificationRecord = "verification_record",
    /// For which tenant a transaction acts; recorded where it is refused.
    SetContext = "set_context",
    EnrolTenant = "enrol_tenant",
    AddTenantMember = "add_tenant_member",
    RemoveTenantMember = "remove_tenant_member",
    VerifySecrets = "verify_secrets",
    FindByValue = "find_by_value" limited,
    LockTenant = "lock_tenant",
    UnlockTenant = "unlock_tenant",
    SetMinKeyVersion = "set_min_key_version",
    /// Destroys the tenant's keys.
    ShredTenant = "shred_tenant",
    VerifyErasure = "verify_erasure",
    /// Which root key wraps from now on.
    ActivateRootKey = "activate_root_key",
    /// The beginning of a whole rotation of the root key.
    RotateRootKey = "rotate_root_key",
    RewrapTenantKeys = "rewrap_tenant_keys",
    RetireRootKey = "retire_root_key",
    RotateTenantKey = "rotate_tenant_key",
    RewrapCredentials = "rewrap_credentials",
    GenerateRootKey = "generate_root_key",
    SetRateLimit = "set_rate_limit",
    /// Where it is done, the record says `store` or `tenant_store`.
    StoreDecoy = "store_decoy",
    VerifyAccessLog = "verify_access_log",
    /// Whose signed tokens are believed.
    TrustJwtIssuer = "trust_jwt_issuer",
    TrustJwtSecret = "trust_jwt_secret",
    DistrustJwtIssuer = "distrust_jwt_issuer",
    /// A signed token says for whom the transaction goes on.
    Authenticate = "authenticate",
    /// A head of the log's chain, made to be kept elsewhere.
    CheckpointAccessLog = "checkpoint_access_log",
    PruneAccessLog = "prune_access_log",
    ExportAccessLog = "export_access_log",
    /// What a standby has recorded comes into the log.
    ImportStandbyLog = "import_standby_log",
    /// A row of a guarded table would have held a key in plaintext, and was refused.
    GuardRefuse = "guard_refuse",
    /// The same where the guard only warns.
    GuardWarn = "guard_warn",
    AddGuardRule = "add_guard_rule",
    RemoveGuardRule = "remove_guard_rule",
    /// A value leaves for another vault.
    Export = "export" releases,
    /// A value of somebody else's making comes into the vault.
    Import = "import",
    /// The same, tried.
    ImportDryRun = "import_dry_run",
    /// Values that lie elsewhere are compared with those that came from there, to be taken away there.
    ScrubImported = "scrub_imported",
    /// The alert beside the record of a call that asked for a decoy's value.
    DecoyRead = "decoy_read",
    /// The same of any other call about a decoy.
    DecoyTouched = "decoy_touched",
}
