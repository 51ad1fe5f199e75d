//! Every setting, in alphabetical order. docs/configuration.md says the same to people; tidy compares the two.

use std::ffi::CString;

use pgrx::{GucContext, GucFlags, GucRegistry, GucSetting, PostgresGucEnum};

use crate::pg;

static DELETE_WINDOW: GucSetting<i32> = GucSetting::<i32>::new(7 * 24 * 3600);
static NOTIFY: GucSetting<bool> = GucSetting::<bool>::new(true);
static ROOT_KEY_FILE: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(None);
static ROTATION_OVERLAP: GucSetting<i32> = GucSetting::<i32>::new(24 * 3600);
static STORAGE_ADAPTER: GucSetting<StorageAdapter> =
    GucSetting::<StorageAdapter>::new(StorageAdapter::Auto);
static VERSION_RETENTION: GucSetting<i32> = GucSetting::<i32>::new(10);

/// Ten years: the longest that a duration can be set to.
const TEN_YEARS_S: i32 = 10 * 366 * 24 * 3600;

/// How a current version is looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PostgresGucEnum)]
pub enum StorageAdapter {
    /// A direct index scan where the table is proven to be a local heap, else SPI.
    #[name = c"auto"]
    Auto,
    /// Kept SPI plans always.
    #[name = c"spi"]
    Spi,
}

pub fn define() {
    // Purpose: how long what was deleted can be restored. Unit: seconds. Default: 7 days. Set by: superuser. If wrong: too
    // short, a deletion by mistake is final; too long, sealed bytes of deleted secrets stay. 0 destroys at once.
    GucRegistry::define_int_guc(
        c"tenant_vault.delete_window",
        c"How long a deleted credential or tenant secret can be restored.",
        c"0 destroys it at once. What is past its window goes when vault.prune() runs.",
        &DELETE_WINDOW,
        0,
        TEN_YEARS_S,
        GucContext::Suset,
        GucFlags::UNIT_S,
    );
    // Purpose: NOTIFY vault_credential_changed for each change of a credential. Default: on. Set by: superuser. If wrong:
    // on, commits of such changes follow one another, and such a transaction cannot be prepared; off, clients' caches
    // hear nothing.
    GucRegistry::define_bool_guc(
        c"tenant_vault.notify",
        c"Whether changes of credentials are announced on channel vault_credential_changed.",
        c"Announced are id, tenant, version and action, never a value. Transactions that announce commit one after another.",
        &NOTIFY,
        GucContext::Suset,
        GucFlags::default(),
    );
    // Purpose: path of the key ring file, read by each backend at its first call and after each reload.
    // Default: empty; every function of the vault then raises F0000. Set by: postgresql.conf or ALTER SYSTEM, so
    // that no session can point the vault at a key of its own. If wrong: F0000 names the setting and the mistake.
    GucRegistry::define_string_guc(
        c"tenant_vault.root_key_file",
        c"Key ring file that holds the vault's root keys.",
        c"Must belong to the server's user or root and be readable by nobody else (mode 0600). Reload to have it read again.",
        &ROOT_KEY_FILE,
        GucContext::Sighup,
        GucFlags::SUPERUSER_ONLY,
    );
    // Purpose: how long the version that a rotation replaced can still be retrieved, where the call does not say. Unit:
    // seconds. Default: 24 h. Set by: superuser. If wrong: too short, clients that still hold the number fail; too long, a
    // replaced secret is served on.
    GucRegistry::define_int_guc(
        c"tenant_vault.rotation_overlap",
        c"How long a replaced version can still be retrieved by its number.",
        c"Used where p_overlap is not given. 0 closes the former version at once.",
        &ROTATION_OVERLAP,
        0,
        TEN_YEARS_S,
        GucContext::Suset,
        GucFlags::UNIT_S,
    );
    // Purpose: choose the adapter that looks up current versions. Default: auto. Set by: superuser. If wrong: spi
    // costs some microseconds a call; auto never uses the direct scan on a table it was not made for.
    GucRegistry::define_enum_guc(
        c"tenant_vault.storage_adapter",
        c"How the vault looks up a current version: auto (direct index scan where safe) or spi.",
        c"",
        &STORAGE_ADAPTER,
        GucContext::Suset,
        GucFlags::default(),
    );
    // Purpose: how many previous versions of a credential are kept to roll back to. Default: 10. Set by: superuser. If
    // wrong: too few, there is nothing to go back to; too many, sealed bytes of old secrets stay. Versions whose overlap
    // has not ended are kept whatever their number.
    GucRegistry::define_int_guc(
        c"tenant_vault.version_retention",
        c"How many previous versions of a credential are kept.",
        c"The others are destroyed by the next rotation of the credential, or by vault.prune(), once their overlap has ended.",
        &VERSION_RETENTION,
        0,
        1_000_000,
        GucContext::Suset,
        GucFlags::default(),
    );
    pg::guc::reserve_prefix(c"tenant_vault");
}

/// `None` when unset or empty.
pub fn root_key_file() -> Option<String> {
    let path = ROOT_KEY_FILE.get()?.into_string().ok()?;
    (!path.is_empty()).then_some(path)
}

pub fn storage_adapter() -> StorageAdapter {
    STORAGE_ADAPTER.get()
}

pub fn delete_window_s() -> i32 {
    DELETE_WINDOW.get()
}

pub fn notify() -> bool {
    NOTIFY.get()
}

pub fn rotation_overlap_s() -> i32 {
    ROTATION_OVERLAP.get()
}

pub fn version_retention() -> i32 {
    VERSION_RETENTION.get()
}
