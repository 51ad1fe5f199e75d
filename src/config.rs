//! Every setting, in alphabetical order. docs/configuration.md says the same to people; tidy compares the two.

use std::cell::Cell;
use std::ffi::{CStr, CString};
use std::time::Duration;

use pgrx::{GucContext, GucFlags, GucRegistry, GucSetting, PgSqlErrorCode, PostgresGucEnum};

use crate::pg::attempt::ServerError;
use crate::pg::guc::{self, Concealed, Origin, Watched};
use crate::pg::utility::{self, Target};

static DELETE_WINDOW: GucSetting<i32> = GucSetting::<i32>::new(7 * 24 * 3600);
static NOTIFY: GucSetting<bool> = GucSetting::<bool>::new(true);
static ROOT_KEY: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(None);
static ROOT_KEY_COMMAND: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(None);
static ROOT_KEY_COMMAND_TIMEOUT: GucSetting<i32> = GucSetting::<i32>::new(10_000);
static ROOT_KEY_FILE: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(None);
static ROTATION_OVERLAP: GucSetting<i32> = GucSetting::<i32>::new(24 * 3600);
static SHIELD: GucSetting<bool> = GucSetting::<bool>::new(true);
static SHIELD_FUNCTIONS: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(None);
static STORAGE_ADAPTER: GucSetting<StorageAdapter> =
    GucSetting::<StorageAdapter>::new(StorageAdapter::Auto);
static VERSION_RETENTION: GucSetting<i32> = GucSetting::<i32>::new(10);

/// Ten years: the longest that a duration can be set to.
const TEN_YEARS_S: i32 = 10 * 366 * 24 * 3600;

thread_local! {
    /// Values that were refused when the settings were defined: the setting, and who had given it.
    static REFUSED: Cell<[Option<Origin>; 3]> = const { Cell::new([None; 3]) };
}

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

/// - `Key`, `CommandLine`, `File`: who takes the values of the three settings that name the source of the root keys.
/// - `Further`: who hears which further functions the shield is to know.
pub fn define<Key: Concealed, CommandLine: Watched, File: Watched, Further: Watched>() {
    REFUSED.set(SOURCES.map(guc::refused_placeholder));
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
    // Purpose: a root key in postgresql.conf itself. The weaker way: the file is read and copied by more people and
    // programs than a key file. Default: empty. Set by: postgresql.conf alone, on a server that preloads the library.
    // Always reads as empty. If wrong: F0000 says what is the matter with it, never what it holds.
    guc::define_concealed::<Key>(guc::Definition {
        name: c"tenant_vault.root_key",
        short: c"A root key, or a whole key ring, in postgresql.conf itself; always shown as empty.",
        long: c"The weaker way: prefer root_key_file or root_key_command. Only where the library is preloaded.",
        setting: &ROOT_KEY,
        context: GucContext::Sighup,
        flags: GucFlags::SUPERUSER_ONLY
            | GucFlags::NO_SHOW_ALL
            | GucFlags::DISALLOW_IN_AUTO_FILE,
    });
    // Purpose: a program that writes the key ring to its standard output: the door to any KMS or HSM. Default: empty.
    // Set by: postgresql.conf or ALTER SYSTEM. Run as the server's user, without a shell. If wrong: F0000 names the
    // setting and the exit status, never what the program wrote.
    guc::define_watched::<CommandLine>(guc::Definition {
        name: c"tenant_vault.root_key_command",
        short: c"Command that writes the vault's key ring to its standard output.",
        long: c"Split into words as a shell would, run without one; the program by its absolute path. Run at start and at reload.",
        setting: &ROOT_KEY_COMMAND,
        context: GucContext::Sighup,
        flags: GucFlags::SUPERUSER_ONLY,
    });
    // Purpose: how long the command may take before it is killed, with all it started. Unit: ms. Default: 10 s. Set
    // by: postgresql.conf or ALTER SYSTEM. If wrong: too short, and calls end in F0000; too long, and a command that
    // hangs holds up the server's start and reload that long.
    GucRegistry::define_int_guc(
        c"tenant_vault.root_key_command_timeout",
        c"Time after which the command that gives the key ring is killed.",
        c"",
        &ROOT_KEY_COMMAND_TIMEOUT,
        10,
        600_000,
        GucContext::Sighup,
        GucFlags::SUPERUSER_ONLY | GucFlags::UNIT_MS,
    );
    // Purpose: path of the key ring file. Default: empty; without another source every function of the vault then
    // raises F0000. Set by: postgresql.conf or ALTER SYSTEM, so that no session can point the vault at a key of its
    // own. If wrong: F0000 names the setting and the mistake.
    guc::define_watched::<File>(guc::Definition {
        name: c"tenant_vault.root_key_file",
        short: c"Key ring file that holds the vault's root keys.",
        long: c"Must belong to the server's user or root and be readable by nobody else (mode 0600). Reload to have it read again.",
        setting: &ROOT_KEY_FILE,
        context: GucContext::Sighup,
        flags: GucFlags::SUPERUSER_ONLY,
    });
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
    // Purpose: keep literals and parameters of calls to the vault out of the server's log and pg_stat_activity. Default: on.
    // Set by: superuser. If wrong: off, secrets that stand in a statement are written down wherever PostgreSQL logs it.
    GucRegistry::define_bool_guc(
        c"tenant_vault.shield",
        c"Whether literals of calls to the vault are kept out of the server's log and pg_stat_activity.",
        c"Works from when the library is loaded: preload it, or the first call of a session is not covered.",
        &SHIELD,
        GucContext::Suset,
        GucFlags::default(),
    );
    // Purpose: functions of your own that take secrets and hand them to the vault. Default: none. Set by: superuser. If
    // wrong: too few, log_statement writes their arguments down before the shield can know; too many, statements that
    // name them are logged without their literals for no reason.
    guc::define_watched::<Further>(guc::Definition {
        name: c"tenant_vault.shield_functions",
        short: c"Further functions whose calls the shield treats like the vault's own, separated by commas.",
        long: c"Names count in every schema, in any case of letters.",
        setting: &SHIELD_FUNCTIONS,
        context: GucContext::Suset,
        flags: GucFlags::default(),
    });
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
    guc::reserve_prefix(c"tenant_vault");
    utility::judge_settings(judge);
}

/// The settings of which one names the source of the root keys.
pub const SOURCES: [&CStr; 3] = [
    c"tenant_vault.root_key",
    c"tenant_vault.root_key_command",
    c"tenant_vault.root_key_file",
];

pub fn root_key_command_timeout() -> Duration {
    Duration::from_millis(u64::try_from(ROOT_KEY_COMMAND_TIMEOUT.get()).unwrap_or(0))
}

pub fn storage_adapter() -> StorageAdapter {
    STORAGE_ADAPTER.get()
}

/// Which of [`SOURCES`] had a value from a session, a database or a role when this library was loaded.
pub fn refused_sources() -> impl Iterator<Item = (&'static CStr, Origin)> {
    let refused = SOURCES.into_iter().zip(REFUSED.get());
    refused.filter_map(|(name, origin)| Some((name, origin?)))
}

/// PostgreSQL refuses most of this by itself, saying half of why; and its log line repeats the command.
fn judge(target: Target, name: &CStr) -> Option<ServerError> {
    let name = SOURCES
        .into_iter()
        .find(|source| source.to_bytes().eq_ignore_ascii_case(name.to_bytes()))?;
    let setting = name.to_string_lossy();
    let (message, detail, hint) = match target {
        Target::System if name != SOURCES[0] => return None,
        Target::System => (
            format!("setting {setting} cannot be set by ALTER SYSTEM"),
            "A command is written to the server's log, and to the memory of whoever sent it.",
            format!(
                "Edit postgresql.conf and reload, or use {} instead.",
                SOURCES[2].to_string_lossy()
            ),
        ),
        Target::Database | Target::Role => (
            format!(
                "setting {setting} cannot be given to a {}",
                if target == Target::Role {
                    "role"
                } else {
                    "database"
                }
            ),
            "Every role can read such settings in pg_db_role_setting, and dumps carry them; they would let one \
             database choose the keys of the vault.",
            format!("Set {setting} in postgresql.conf, then run: SELECT pg_reload_conf();"),
        ),
        Target::Session => (
            format!("setting {setting} cannot be set by a session"),
            "It belongs to the whole server: no session may point the vault at a key of its own.",
            format!("Set {setting} in postgresql.conf, then run: SELECT pg_reload_conf();"),
        ),
    };
    Some(ServerError {
        sqlstate: PgSqlErrorCode::ERRCODE_CANT_CHANGE_RUNTIME_PARAM,
        message,
        detail: Some(detail.to_owned()),
        hint: Some(hint),
    })
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

pub fn shield() -> bool {
    SHIELD.get()
}

pub fn version_retention() -> i32 {
    VERSION_RETENTION.get()
}
