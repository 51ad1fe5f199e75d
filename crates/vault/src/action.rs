//! What a caller may ask for. Each action is a type, so that a permit for one cannot be spent on another.

/// An action and the word the access log uses for it.
pub trait Action {
    const NAME: &'static str;
    /// Whether it hands a secret out.
    const RELEASES: bool = false;
}

macro_rules! actions {
    ($($(#[$doc:meta])* $name:ident = $word:literal $(=> $releases:ident)?),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name;
        impl Action for $name {
            const NAME: &'static str = $word;
            $(const $releases: bool = true;)?
        }
    )+
    /// The action of this word, as a word that lives on.
    pub fn action_named(word: &str) -> Option<&'static str> {
        [$($word),+].into_iter().find(|name| *name == word)
    }
    };
}

actions! {
    Store = "store",
    Retrieve = "retrieve" => RELEASES,
    Rotate = "rotate",
    Delete = "delete",
    /// Back from a deletion.
    Restore = "restore",
    Destroy = "destroy",
    Stage = "stage",
    Promote = "promote",
    Rollback = "rollback",
    ListVersions = "list_versions",
    SetLifecycle = "set_lifecycle",
    /// By the calendar or because a rotation left too many versions.
    Prune = "prune",
    /// Insert or replace a tenant's secret by its key.
    TenantStore = "tenant_store",
    TenantRetrieve = "tenant_retrieve" => RELEASES,
    /// The keys of a tenant's secrets, never the values.
    TenantList = "tenant_list",
    TenantDelete = "tenant_delete",
    VerifySecrets = "verify_secrets",
    FindByValue = "find_by_value",
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
    VerifyAccessLog = "verify_access_log",
    /// A head of the log's chain, made to be kept elsewhere.
    CheckpointAccessLog = "checkpoint_access_log",
    PruneAccessLog = "prune_access_log",
    ExportAccessLog = "export_access_log",
    /// What a standby has recorded comes into the log.
    ImportStandbyLog = "import_standby_log",
}
