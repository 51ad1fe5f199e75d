//! Every setting, in alphabetical order. docs/configuration.md says the same to people; tidy compares the two.

use std::ffi::CString;

use pgrx::{GucContext, GucFlags, GucRegistry, GucSetting, PostgresGucEnum};

use crate::pg;

static ROOT_KEY_FILE: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(None);
static STORAGE_ADAPTER: GucSetting<StorageAdapter> =
    GucSetting::<StorageAdapter>::new(StorageAdapter::Auto);

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
