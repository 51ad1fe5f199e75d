//! Every setting, in alphabetical order. docs/configuration.md says the same to people; tidy compares the two.

use std::cell::Cell;
use std::ffi::{CStr, CString, OsStr};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::time::Duration;

use pgrx::{GucContext, GucFlags, GucRegistry, GucSetting, PgSqlErrorCode, PostgresGucEnum};

use crate::pg::attempt::ServerError;
use crate::pg::guc::{self, Checked, Concealed, Origin, Watched};
use crate::pg::utility::{self, Target};

static ACCESS_REASON: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(None);
static CHECKPOINT_INTERVAL: GucSetting<i32> = GucSetting::<i32>::new(3600);
static CHECKPOINT_RECORDS: GucSetting<i32> = GucSetting::<i32>::new(10_000);
static CORRELATION_ID: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(None);
static DELETE_WINDOW: GucSetting<i32> = GucSetting::<i32>::new(7 * 24 * 3600);
static EXPORT_PASSPHRASE_FILE: GucSetting<Option<CString>> =
    GucSetting::<Option<CString>>::new(None);
static IMPORT_IDENTITY_FILE: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(None);
static IMPORT_PASSPHRASE_FILE: GucSetting<Option<CString>> =
    GucSetting::<Option<CString>>::new(None);
static LANE: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(None);
static NOTIFY: GucSetting<bool> = GucSetting::<bool>::new(true);
static PLATFORM_ACCOUNT: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(None);
static RATE_LIMIT: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(None);
static REQUIRE_TENANT_CONTEXT: GucSetting<bool> = GucSetting::<bool>::new(false);
static ROOT_KEY: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(None);
static ROOT_KEY_COMMAND: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(None);
static ROOT_KEY_COMMAND_TIMEOUT: GucSetting<i32> = GucSetting::<i32>::new(10_000);
static ROOT_KEY_FILE: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(None);
static ROTATION_OVERLAP: GucSetting<i32> = GucSetting::<i32>::new(24 * 3600);
static SHIELD: GucSetting<bool> = GucSetting::<bool>::new(true);
static SHIELD_FUNCTIONS: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(None);
static STANDBY_AUDIT: GucSetting<StandbyAudit> =
    GucSetting::<StandbyAudit>::new(StandbyAudit::Refuse);
static STANDBY_AUDIT_DIRECTORY: GucSetting<Option<CString>> =
    GucSetting::<Option<CString>>::new(Some(c"tenant_vault_audit"));
static STORAGE_ADAPTER: GucSetting<StorageAdapter> =
    GucSetting::<StorageAdapter>::new(StorageAdapter::Auto);
static TENANT_CLAIM: GucSetting<Option<CString>> =
    GucSetting::<Option<CString>>::new(Some(c"tenant_id, app_metadata.tenant_id"));
static TRUSTED_GATEWAYS: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(None);
static VERSION_RETENTION: GucSetting<i32> = GucSetting::<i32>::new(10);

/// Ten years: the longest that a duration can be set to.
const TEN_YEARS_S: i32 = 10 * 366 * 24 * 3600;

thread_local! {
    /// Values that were refused when the settings were defined: the setting, and who had given it.
    static REFUSED: Cell<[Option<Origin>; 3]> = const { Cell::new([None; 3]) };
}

/// What a hot standby does with a call that would release a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PostgresGucEnum)]
pub enum StandbyAudit {
    /// Refuses it: a standby can write nothing into the database, its access log included.
    #[name = c"refuse"]
    Refuse,
    /// Records it in a file, to be imported on the primary.
    #[name = c"file"]
    File,
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
/// - `RateLimit`: who takes the rate.
/// - `Further`: who hears which further functions the shield is to know.
pub fn define<
    Key: Concealed,
    CommandLine: Watched,
    File: Watched,
    RateLimit: Checked,
    Further: Watched,
>() {
    REFUSED.set(SOURCES.map(guc::refused_placeholder));
    // Purpose: why the caller wants a secret, for the access log. Default: empty. Set by: anybody, for itself. If wrong:
    // the log says it beside who said it; where vault.require_reason demands one, a call without is refused.
    GucRegistry::define_string_guc(
        c"tenant_vault.access_reason",
        c"Why the caller reads, in its own words, for the access log.",
        c"Cut after 200 characters; what is not ASCII becomes a question mark. No place for a secret.",
        &ACCESS_REASON,
        GucContext::Userset,
        GucFlags::default(),
    );
    // Purpose: time after which the next record of the access log also makes a checkpoint. Unit: seconds. Default: 1 h.
    // Set by: superuser. If wrong: too long, more records at the log's end can be cut off unnoticed; too short, the
    // server's log fills with checkpoints. 0: never by the clock.
    GucRegistry::define_int_guc(
        c"tenant_vault.checkpoint_interval",
        c"Time after which the access log gets another checkpoint.",
        c"Made by the next call that is recorded, written to the server's log as well. 0 switches it off.",
        &CHECKPOINT_INTERVAL,
        0,
        TEN_YEARS_S,
        GucContext::Suset,
        GucFlags::UNIT_S,
    );
    // Purpose: number of records after which the access log gets another checkpoint. Default: 10,000. Set by: superuser.
    // If wrong: as above. 0: never by number.
    GucRegistry::define_int_guc(
        c"tenant_vault.checkpoint_records",
        c"Number of records after which the access log gets another checkpoint.",
        c"Written to the server's log as well. 0 switches it off.",
        &CHECKPOINT_RECORDS,
        0,
        1_000_000_000,
        GucContext::Suset,
        GucFlags::default(),
    );
    // Purpose: ties a call to a request of the caller's own, in the access log. Default: empty; then the header
    // x-request-id counts, if a gateway hands one on. Set by: anybody, for itself. If wrong: the log repeats it.
    GucRegistry::define_string_guc(
        c"tenant_vault.correlation_id",
        c"The caller's own id of the request that it serves, for the access log.",
        c"Cut after 200 characters. Where it is empty, x-request-id of request.headers counts.",
        &CORRELATION_ID,
        GucContext::Userset,
        GucFlags::default(),
    );
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
    // Purpose: path of the file that holds the passphrase under which vault.export_bundle seals where it is given no
    // recipient. Default: empty; then such a call is refused with F0000. Set by: postgresql.conf or ALTER SYSTEM. If wrong:
    // who finds the file, or guesses the passphrase, reads the bundle; a recipient's public key has no such weakness.
    GucRegistry::define_string_guc(
        c"tenant_vault.export_passphrase_file",
        c"File that holds the passphrase under which vault.export_bundle seals.",
        c"Must belong to the server's user or root and be readable by nobody else (mode 0600). Read by each call; one newline at its end does not count.",
        &EXPORT_PASSPHRASE_FILE,
        GucContext::Sighup,
        GucFlags::SUPERUSER_ONLY,
    );
    // Purpose: path of the file that holds the age identity to whose public key another vault has sealed its bundle. Default:
    // empty; then such bundles are refused with F0000. Set by: postgresql.conf or ALTER SYSTEM. If wrong: the bundle does not
    // open. Take it out again when the import is over.
    GucRegistry::define_string_guc(
        c"tenant_vault.import_identity_file",
        c"File that holds the age identity to which a bundle was sealed.",
        c"What age-keygen writes. Must belong to the server's user or root and be readable by nobody else (mode 0600). Read by each call.",
        &IMPORT_IDENTITY_FILE,
        GucContext::Sighup,
        GucFlags::SUPERUSER_ONLY,
    );
    // Purpose: path of the file that holds the passphrase under which others have sealed what vault.import_legacy brings in.
    // Default: empty; then formats that need one are refused with F0000. Set by: postgresql.conf or ALTER SYSTEM. If wrong:
    // nothing opens, and each item says so. Take it out again when the import is over.
    GucRegistry::define_string_guc(
        c"tenant_vault.import_passphrase_file",
        c"File that holds the passphrase of what vault.import_legacy is to open.",
        c"Must belong to the server's user or root and be readable by nobody else (mode 0600). Read by each call; one newline at its end does not count.",
        &IMPORT_PASSPHRASE_FILE,
        GucContext::Sighup,
        GucFlags::SUPERUSER_ONLY,
    );
    // Purpose: the way the request came in (api, browser), for the access log. Default: empty. Set by: anybody, for
    // itself. If wrong: the log repeats it.
    GucRegistry::define_string_guc(
        c"tenant_vault.lane",
        c"The way the request came in, as the caller says, for the access log.",
        c"Cut after 100 characters.",
        &LANE,
        GucContext::Userset,
        GucFlags::default(),
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
    // Purpose: on whose behalf at the platform the caller acts, for the access log. Default: empty. Set by: anybody, for
    // itself. If wrong: the log repeats it.
    GucRegistry::define_string_guc(
        c"tenant_vault.platform_account",
        c"On whose behalf at the platform the caller acts, as it says, for the access log.",
        c"Cut after 100 characters.",
        &PLATFORM_ACCOUNT,
        GucContext::Userset,
        GucFlags::default(),
    );
    // Purpose: how often each role, and each tenant, is served: calls that release secrets, guess at them or seal new
    // ones. Default: empty, as often as they like. Set by: postgresql.conf or ALTER SYSTEM. If wrong: too low, an
    // application is refused with 53400; too high, who has stolen a role's session empties the vault in a minute.
    guc::define_checked::<RateLimit>(guc::Definition {
        name: c"tenant_vault.rate_limit",
        short: c"How often each role and each tenant is served, such as 100/s; empty: no limit.",
        long: c"Calls and a unit: 100/s, 6000/min, 1000/h; with another burst than that number: 100/s burst 20.",
        setting: &RATE_LIMIT,
        context: GucContext::Sighup,
        flags: GucFlags::default(),
    });
    // Purpose: refuses every call about a tenant's rows, or new ones, in a transaction that acts for no tenant; calls of
    // the profile cross_tenant excepted. Default: off, so that only tenants' own users need one. Set by: superuser. If
    // wrong: on, the platform's own credentials are for cross_tenant alone; off, a service may forget the tenant.
    GucRegistry::define_bool_guc(
        c"tenant_vault.require_tenant_context",
        c"Whether a service, too, must say for which tenant its transaction acts.",
        c"By vault.set_tenant_context. Off: only holders of tenant_user must.",
        &REQUIRE_TENANT_CONTEXT,
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
    // Purpose: whether secrets can be read on a hot standby. Default: refuse. Set by: postgresql.conf or ALTER SYSTEM of
    // that server. If wrong: file, and the records of what was read there are in its files until somebody imports them.
    GucRegistry::define_enum_guc(
        c"tenant_vault.standby_audit",
        c"What a hot standby does with calls: refuse, or record them in a file.",
        c"The files are imported on the primary by vault.import_standby_log.",
        &STANDBY_AUDIT,
        GucContext::Sighup,
        GucFlags::default(),
    );
    // Purpose: folder of a standby's audit files. Default: tenant_vault_audit in the data directory. Set by:
    // postgresql.conf or ALTER SYSTEM of that server. If wrong: 53000, and nothing is released. In the data directory,
    // the files go with it, also where pg_rewind or a new base backup replaces it.
    GucRegistry::define_string_guc(
        c"tenant_vault.standby_audit_directory",
        c"Folder in which a standby records calls, where standby_audit is file.",
        c"Must belong to the server's user or root and be writable by nobody else; made if only its last part is missing.",
        &STANDBY_AUDIT_DIRECTORY,
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
    // Purpose: where in a request's claims its tenant stands. Default: tenant_id, else app_metadata.tenant_id. Set by:
    // postgresql.conf or ALTER SYSTEM. If wrong: a claim that users write themselves, such as anything under
    // user_metadata, would let them choose their tenant; those are refused.
    guc::define_checked::<TenantClaim>(guc::Definition {
        name: c"tenant_vault.tenant_claim",
        short: c"Where in the claims of a trusted gateway or token the tenant stands: paths such as app_metadata.tenant_id.",
        long: c"Separated by commas; the first that is there counts. A uuid, or a list of those.",
        setting: &TENANT_CLAIM,
        context: GucContext::Sighup,
        flags: GucFlags::default(),
    });
    // Purpose: login roles that vouch for what they pass on of their own callers: claims, headers, the settings above.
    // Default: empty, so that nobody is. Set by: postgresql.conf or ALTER SYSTEM. If wrong: any client of that role
    // chooses its tenant by its claims, and the log calls trusted what it made up; or requests have no tenant.
    GucRegistry::define_string_guc(
        c"tenant_vault.trusted_gateways",
        c"Login roles, separated by commas, whose word about their own callers is believed: claims, tenant, user.",
        c"Names as in pg_roles, without quotes. The role that was authenticated counts.",
        &TRUSTED_GATEWAYS,
        GucContext::Sighup,
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

/// A setting that names a file with a secret in it.
pub struct FileSetting {
    name: &'static CStr,
    setting: &'static GucSetting<Option<CString>>,
}

/// Under which bundles are sealed.
pub static EXPORT_PASSPHRASE: FileSetting = FileSetting {
    name: c"tenant_vault.export_passphrase_file",
    setting: &EXPORT_PASSPHRASE_FILE,
};

/// To whose public key bundles were sealed.
pub static IMPORT_IDENTITY: FileSetting = FileSetting {
    name: c"tenant_vault.import_identity_file",
    setting: &IMPORT_IDENTITY_FILE,
};

/// Under which others have sealed what is brought in.
pub static IMPORT_PASSPHRASE: FileSetting = FileSetting {
    name: c"tenant_vault.import_passphrase_file",
    setting: &IMPORT_PASSPHRASE_FILE,
};

impl FileSetting {
    pub fn name(&self) -> &'static str {
        self.name.to_str().unwrap_or_default()
    }

    /// `None`: empty.
    pub fn path(&self) -> Option<PathBuf> {
        guc::text(self.setting, |path| PathBuf::from(OsStr::from_bytes(path)))
    }
}

pub fn root_key_command_timeout() -> Duration {
    Duration::from_millis(u64::try_from(ROOT_KEY_COMMAND_TIMEOUT.get()).unwrap_or(0))
}

pub fn standby_audit() -> StandbyAudit {
    STANDBY_AUDIT.get()
}

/// `None`: empty.
pub fn standby_audit_directory() -> Option<PathBuf> {
    guc::text(&STANDBY_AUDIT_DIRECTORY, |path| {
        PathBuf::from(OsStr::from_bytes(path))
    })
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

pub fn checkpoint_interval_s() -> i32 {
    CHECKPOINT_INTERVAL.get()
}

pub fn checkpoint_records() -> u32 {
    CHECKPOINT_RECORDS.get().cast_unsigned()
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

pub fn require_tenant_context() -> bool {
    REQUIRE_TENANT_CONTEXT.get()
}

pub fn shield() -> bool {
    SHIELD.get()
}

pub fn version_retention() -> i32 {
    VERSION_RETENTION.get()
}

// What callers say of themselves, in the server's encoding; `None` where it is empty.

pub fn access_reason<T>(read: impl FnOnce(&[u8]) -> T) -> Option<T> {
    guc::text(&ACCESS_REASON, read)
}

pub fn correlation_id<T>(read: impl FnOnce(&[u8]) -> T) -> Option<T> {
    guc::text(&CORRELATION_ID, read)
}

pub fn lane<T>(read: impl FnOnce(&[u8]) -> T) -> Option<T> {
    guc::text(&LANE, read)
}

pub fn platform_account<T>(read: impl FnOnce(&[u8]) -> T) -> Option<T> {
    guc::text(&PLATFORM_ACCOUNT, read)
}

/// Where the tenant stands in claims; empty: nowhere.
pub fn tenant_claim<T>(read: impl FnOnce(&[u8]) -> T) -> T {
    let mut read = Some(read);
    let found = guc::text(&TENANT_CLAIM, |paths| read.take().map(|read| read(paths)));
    found
        .flatten()
        .or_else(|| read.take().map(|read| read(b"")))
        .expect("it is read once")
}

/// Judges `tenant_vault.tenant_claim`.
struct TenantClaim;

impl Checked for TenantClaim {
    fn problem(value: &CStr) -> Option<&'static str> {
        let paths = value.to_bytes();
        let is_of_the_user = paths
            .split(|byte| *byte == b',')
            .any(|path| path.trim_ascii().starts_with(b"user_metadata"));
        is_of_the_user
            .then_some("Users write user_metadata themselves: they would choose their tenant.")
    }

    fn assigned(_: Option<&CStr>) {}
}

/// Whether a role is one of those that vouch for what they pass on.
pub fn is_trusted_gateway(role: &[u8]) -> bool {
    let is_among = |names: &[u8]| {
        names
            .split(|byte| *byte == b',')
            .any(|name| name.trim_ascii() == role)
    };
    // A role that was dropped meanwhile has no name.
    !role.is_empty() && guc::text(&TRUSTED_GATEWAYS, is_among).unwrap_or(false)
}
