//! Moving in: `vault.import_items` and `vault.import_document`, through which `vault.import_legacy` hands over what it has
//! read with its caller's rights.

use legacy::age::{self, Identity};
use legacy::gcm_hex::Digest;
use legacy::{Entry, Plain, Refusal, bundle, env, kv2};
use pgrx::iter::TableIterator;
use pgrx::{Array, Uuid, name, pg_extern};
use serde::Deserialize;
use vault::{
    Action, AppId, AppKey, CredentialName, Description, Fate, Import, ImportDryRun, ImportKey,
    Incoming, Manner, Permit, ScrubImported, SecretKey, Target, TenantId, VaultError, check_secret,
};

use super::argument::{required, text};
use super::door::{Call, answer};
use crate::import::Format;
use crate::pg::json::Jsonb;
use crate::pg::process;
use crate::{config, key_file, policy, session};

const SOURCE_MAX_BYTES: usize = 200;
const ITEM_MAX_BYTES: usize = 200;

type Answer = (
    name!(item, String),
    name!(tenant_id, Option<Uuid>),
    name!(name, Option<String>),
    name!(result, String),
    name!(detail, Option<String>),
    name!(secret_id, Option<Uuid>),
);

#[pg_extern(sql = false)]
#[expect(
    clippy::type_complexity,
    clippy::too_many_arguments,
    reason = "pgrx reads columns and arguments from the signature"
)]
fn import_items(
    p_format: Option<&[u8]>,
    p_source: Option<&[u8]>,
    p_into: Option<&[u8]>,
    p_items: Option<Array<'_, &[u8]>>,
    p_tenants: Option<Array<'_, Uuid>>,
    p_apps: Option<Array<'_, Uuid>>,
    p_names: Option<Array<'_, &[u8]>>,
    p_descriptions: Option<Array<'_, &[u8]>>,
    p_values: Option<Array<'_, &[u8]>>,
    p_limit: Option<i32>,
    p_purpose: Option<&[u8]>,
    p_options: Option<Jsonb>,
) -> TableIterator<
    'static,
    (
        name!(item, String),
        name!(tenant_id, Option<Uuid>),
        name!(name, Option<String>),
        name!(result, String),
        name!(detail, Option<String>),
        name!(secret_id, Option<Uuid>),
    ),
> {
    let ask = Ask {
        format: p_format,
        source: p_source,
        into: p_into,
        limit: p_limit,
        options: p_options,
    };
    let rows = |job: &Job| {
        let format = text(required(p_format, "p_format")?, "p_format")?;
        let format = Format::of_a_table(&format, job.options.digest)?;
        let items = required(p_items.as_ref(), "p_items")?;
        let tenants = required(p_tenants.as_ref(), "p_tenants")?;
        let apps = required(p_apps.as_ref(), "p_apps")?;
        let names = required(p_names.as_ref(), "p_names")?;
        let descriptions = required(p_descriptions.as_ref(), "p_descriptions")?;
        let values = required(p_values.as_ref(), "p_values")?;
        let count = items.len();
        let lengths = [
            tenants.len(),
            apps.len(),
            names.len(),
            descriptions.len(),
            values.len(),
        ];
        if lengths.iter().any(|length| *length != count) {
            return Err(VaultError::InvalidArgument {
                argument: "p_items",
                rule: "The arrays have one length.".to_owned(),
            });
        }
        let mut rows = Vec::with_capacity(count);
        for at in 0..count {
            let item = required(items.get(at).flatten(), "p_items")?;
            rows.push(Row {
                item: text(item, "p_items")?.into_owned(),
                into: None,
                tenant: tenants.get(at).flatten(),
                app: apps.get(at).flatten(),
                name: names
                    .get(at)
                    .flatten()
                    .map(|name| Ok::<_, VaultError>(text(name, "p_names")?.into_owned()))
                    .transpose()?,
                description: descriptions
                    .get(at)
                    .flatten()
                    .map(|words| Ok::<_, VaultError>(text(words, "p_descriptions")?.into_owned()))
                    .transpose()?,
                value: Value::Kept(values.get(at).flatten().unwrap_or_default()),
            });
        }
        Ok((Some(format), rows))
    };
    TableIterator::new(run(p_purpose, ask, rows))
}

#[pg_extern(sql = false)]
#[expect(
    clippy::type_complexity,
    clippy::too_many_arguments,
    reason = "pgrx reads columns and arguments from the signature"
)]
fn import_document(
    p_format: Option<&[u8]>,
    p_source: Option<&[u8]>,
    p_document: Option<&[u8]>,
    p_into: Option<&[u8]>,
    p_tenant_id: Option<Uuid>,
    p_limit: Option<i32>,
    p_purpose: Option<&[u8]>,
    p_options: Option<Jsonb>,
) -> TableIterator<
    'static,
    (
        name!(item, String),
        name!(tenant_id, Option<Uuid>),
        name!(name, Option<String>),
        name!(result, String),
        name!(detail, Option<String>),
        name!(secret_id, Option<Uuid>),
    ),
> {
    let ask = Ask {
        format: p_format,
        source: p_source,
        into: p_into,
        limit: p_limit,
        options: p_options,
    };
    let rows = move |_: &Job| {
        let document = text(required(p_document, "p_document")?, "p_document")?;
        let format = text(required(p_format, "p_format")?, "p_format")?;
        if format == "bundle" {
            return Ok((None, unpacked(&document, p_tenant_id)?));
        }
        let entries = match &*format {
            "env" => env::read(&document),
            "kv2" => kv2::read(&document).map_err(|refusal| VaultError::InvalidArgument {
                argument: "p_document",
                rule: format!("A document of this format is wanted, but {refusal}."),
            })?,
            _ => {
                return Err(VaultError::InvalidArgument {
                    argument: "p_format",
                    rule: "A document's format is env, kv2 or bundle.".to_owned(),
                });
            }
        };
        let row = |Entry { name, value }: Entry| Row {
            item: name.clone(),
            into: None,
            tenant: p_tenant_id,
            app: None,
            name: Some(name),
            description: None,
            value: Value::Read(value),
        };
        Ok((None, entries.into_iter().map(row).collect()))
    };
    TableIterator::new(run(p_purpose, ask, rows))
}

/// The values of another vault's bundle, each as what it was there.
///
/// - tenant: whose all of them are to be; `None`: as it was there.
fn unpacked(document: &str, tenant: Option<Uuid>) -> Result<Vec<Row<'static>>, VaultError> {
    let identities = |wants_passphrase| -> Result<_, Failure> {
        Ok(match wants_passphrase {
            true => vec![Identity::Passphrase(key_file::passphrase(
                &config::IMPORT_PASSPHRASE,
            )?)],
            false => {
                let text = key_file::passphrase(&config::IMPORT_IDENTITY)?;
                Identity::parse_file(&text).map_err(|refusal| VaultError::FileUnusable {
                    problem: format!(
                        "the file named by {} cannot be used: {refusal}",
                        config::IMPORT_IDENTITY.name()
                    ),
                    hint: "age-keygen writes such a file.".to_owned(),
                })?
            }
        })
    };
    let entries =
        age::open(document.as_bytes(), identities).and_then(|plain| Ok(bundle::read(&plain)?));
    let entries = entries.map_err(|failure| match failure {
        Failure::OfTheCall(error) => error,
        Failure::OfTheItem(why) => VaultError::InvalidArgument {
            argument: "p_document",
            rule: format!("A bundle of another vault is wanted, but {why}."),
        },
    })?;
    let uuid = |text: &str| {
        let parsed = uuid::Uuid::try_parse(text).ok();
        parsed.map(|uuid| Uuid::from_bytes(*uuid.as_bytes()))
    };
    let row = |(what, value): (bundle::Exported<'static>, Plain)| {
        let into = match what.kind {
            bundle::Kind::Credential => Some(Into::Credential),
            bundle::Kind::TenantSecret => Some(Into::TenantSecret),
            bundle::Kind::AppSecret => Some(Into::AppSecret),
            bundle::Kind::Unknown => None,
        };
        let platform = uuid::Uuid::nil().to_string();
        // Of the platform's there is no tenant to name; what is no uuid at all becomes the nil uuid, which is refused.
        let of_the_bundle = match what.tenant_id == platform {
            true => None,
            false => Some(uuid(&what.tenant_id).unwrap_or(Uuid::from_bytes([0; 16]))),
        };
        Row {
            item: what.id,
            tenant: tenant.or(of_the_bundle),
            app: what.app_id.as_deref().and_then(uuid),
            name: Some(what.name.into_owned()),
            description: Some(what.description.into_owned()),
            value: Value::Read(match into {
                Some(_) => Ok(value),
                None => Err(Refusal::Malformed(
                    "it is of a kind that this version cannot import".to_owned(),
                )),
            }),
            into,
        }
    };
    Ok(entries.into_iter().map(row).collect())
}

/// What both functions are asked.
struct Ask<'a> {
    format: Option<&'a [u8]>,
    source: Option<&'a [u8]>,
    into: Option<&'a [u8]>,
    limit: Option<i32>,
    options: Option<Jsonb>,
}

/// The same, understood.
struct Job {
    source: String,
    into: Into,
    limit: Option<usize>,
    options: Options,
    manner: Manner,
}

#[derive(Clone, Copy)]
enum Into {
    Credential,
    TenantSecret,
    AppSecret,
}

struct Options {
    app: Option<Uuid>,
    digest: Option<Digest>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Said {
    app_id: Option<uuid::Uuid>,
    compare: Option<bool>,
    digest: Option<String>,
    overwrite: Option<bool>,
}

/// One item as it was handed over.
struct Row<'a> {
    item: String,
    /// `None`: what the job says.
    into: Option<Into>,
    tenant: Option<Uuid>,
    app: Option<Uuid>,
    /// `None`: the item's.
    name: Option<String>,
    description: Option<String>,
    value: Value<'a>,
}

enum Value<'a> {
    /// As it stands in a table.
    Kept(&'a [u8]),
    Read(Result<Plain, Refusal>),
}

type Rows<'a> = Result<(Option<Format>, Vec<Row<'a>>), VaultError>;

/// The purpose decides what the call is called in the log, and whether it writes.
fn run<'a>(
    purpose: Option<&[u8]>,
    ask: Ask<'_>,
    rows: impl FnOnce(&Job) -> Rows<'a>,
) -> Vec<Answer> {
    match purpose {
        Some(b"import") => answer::<Import, _>(|call| all::<Import>(call, ask, true, rows)),
        Some(b"scrub") => {
            answer::<ScrubImported, _>(|call| all::<ScrubImported>(call, ask, false, rows))
        }
        Some(b"dry_run") => {
            answer::<ImportDryRun, _>(|call| all::<ImportDryRun>(call, ask, false, rows))
        }
        _ => answer::<ImportDryRun, _>(|_| {
            Err(VaultError::InvalidArgument {
                argument: "p_purpose",
                rule: "A purpose is import, dry_run or scrub.".to_owned(),
            })
        }),
    }
}

fn all<'a, A: Action>(
    call: &Call,
    ask: Ask<'_>,
    writes: bool,
    rows: impl FnOnce(&Job) -> Rows<'a>,
) -> Result<Vec<Answer>, VaultError> {
    let job = ask.understood(writes)?;
    call.note_more(&job.source);
    if writes {
        call.writes("import anything")?;
    }
    let (format, rows) = rows(&job)?;
    let mut answers = Vec::with_capacity(rows.len());
    let (mut fresh, mut recorded, count) = (0, false, rows.len());
    for row in rows {
        if job.limit.is_some_and(|limit| fresh >= limit) {
            break;
        }
        process::stop_if_cancelled();
        let answer = one::<A>(&job, format.as_ref(), row)?;
        fresh += usize::from(answer.is_fresh);
        recorded |= answer.is_recorded;
        answers.push(answer.row);
    }
    if !(writes && recorded) {
        let words = format!("{}: {count} items, {fresh} new", job.source);
        let permit = policy::for_platform::<A>();
        session::vault(|vault| vault.looked_at_imports(permit, &words))?;
    }
    Ok(answers)
}

impl Ask<'_> {
    fn understood(self, writes: bool) -> Result<Job, VaultError> {
        let refused = |argument, rule: &str| VaultError::InvalidArgument {
            argument,
            rule: rule.to_owned(),
        };
        required(self.format, "p_format")?;
        let source = text(required(self.source, "p_source")?, "p_source")?;
        if !(1..=SOURCE_MAX_BYTES).contains(&source.len()) || source.chars().any(char::is_control) {
            return Err(refused(
                "p_source",
                "A source has 1 to 200 bytes and no control characters.",
            ));
        }
        let into = match required(self.into, "p_into")? {
            b"credential" => Into::Credential,
            b"tenant_secret" => Into::TenantSecret,
            b"app_secret" => Into::AppSecret,
            _ => {
                return Err(refused(
                    "p_into",
                    "Items become a credential, tenant_secret or app_secret.",
                ));
            }
        };
        let limit = match self.limit {
            None => None,
            Some(limit) => Some(
                usize::try_from(limit)
                    .ok()
                    .filter(|limit| *limit > 0)
                    .ok_or_else(|| refused("p_limit", "A limit is at least 1."))?,
            ),
        };
        let options = required(self.options, "p_options")?;
        let options = options
            .to_utf8()
            .ok_or_else(|| refused("p_options", "Text must have a UTF-8 form."))?;
        // serde_json's own words would quote what is there.
        let said: Said = serde_json::from_slice(&options).map_err(|_| {
            refused(
                "p_options",
                "Options are an object of app_id (a uuid), compare (true or false), digest (sha512 or sha256) and overwrite \
                 (true or false).",
            )
        })?;
        let digest = said.digest.as_deref().map(|word| {
            Digest::named(word).ok_or_else(|| refused("p_options", "A digest is sha512 or sha256."))
        });
        Ok(Job {
            source: source.into_owned(),
            into,
            limit,
            options: Options {
                app: said.app_id.map(|app| Uuid::from_bytes(*app.as_bytes())),
                digest: digest.transpose()?,
            },
            manner: Manner {
                writes,
                overwrites: said.overwrite.unwrap_or(false),
                compares: said.compare.unwrap_or(true),
            },
        })
    }
}

struct Judged {
    row: Answer,
    is_fresh: bool,
    is_recorded: bool,
}

/// An item whose fault is its own fails alone.
fn one<A: Action>(job: &Job, format: Option<&Format>, row: Row<'_>) -> Result<Judged, VaultError> {
    let name = row.name.clone().unwrap_or_else(|| row.item.clone());
    let mut tenant = row.tenant.filter(|id| *id.as_bytes() != [0; 16]);
    let (result, detail, id, fate) = match taken::<A>(job, format, &row, &name, &mut tenant) {
        Ok(fate) => {
            let (result, detail, id) = words(fate, job.manner.writes);
            (result, detail.map(str::to_owned), id, Some(fate))
        }
        Err(Failure::OfTheItem(why)) => ("failed", Some(why), None, None),
        Err(Failure::OfTheCall(error)) => return Err(error),
    };
    Ok(Judged {
        is_fresh: fate.is_some_and(|fate| fate.is_new()),
        is_recorded: fate.is_some_and(|fate| fate.is_new() || matches!(fate, Fate::Changed(_))),
        row: (row.item, tenant, Some(name), result.to_owned(), detail, id),
    })
}

enum Failure {
    OfTheItem(String),
    OfTheCall(VaultError),
}

impl From<VaultError> for Failure {
    fn from(error: VaultError) -> Self {
        match error {
            VaultError::InvalidArgument { rule, .. } => Self::OfTheItem(rule),
            error if error.is_of_the_item() => Self::OfTheItem(error.to_string()),
            error => Self::OfTheCall(error),
        }
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::OfTheItem(refusal.to_string())
    }
}

/// - tenant: whose it is, once that is known.
fn taken<A: Action>(
    job: &Job,
    format: Option<&Format>,
    row: &Row<'_>,
    name: &str,
    tenant: &mut Option<Uuid>,
) -> Result<Fate, Failure> {
    if !(1..=ITEM_MAX_BYTES).contains(&row.item.len()) || row.item.chars().any(char::is_control) {
        return Err(Failure::OfTheItem(format!(
            "An item is called by 1 to {ITEM_MAX_BYTES} bytes without control characters."
        )));
    }
    let (permit, target) = aim::<A>(job, row, name)?;
    *tenant = Some(Uuid::from_bytes(*permit.scope().tenant().as_bytes()));
    let opened;
    let value = match (&row.value, format) {
        (Value::Read(read), _) => read.as_ref().map_err(Clone::clone)?,
        (Value::Kept(kept), Some(format)) => {
            opened = format.open(kept)?;
            &opened
        }
        (Value::Kept(_), None) => {
            return Err(VaultError::Internal("a value without a format").into());
        }
    };
    check_secret(value.bytes(), "p_values")?;
    let is_text = std::str::from_utf8(value.bytes()).is_ok() && !value.bytes().contains(&0);
    if !is_text && !matches!(target, Target::Credential(..)) {
        return Err(Failure::OfTheItem(
            "Secrets of tenants and of apps are text; a credential can be binary.".to_owned(),
        ));
    }
    let incoming = Incoming {
        key: ImportKey {
            source: &job.source,
            item: &row.item,
        },
        target,
        secret: value.bytes(),
    };
    Ok(session::vault(|vault| {
        vault.import(&permit, &incoming, job.manner)
    })?)
}

/// Whose the item is to be, and as what.
fn aim<'a, A: Action>(
    job: &Job,
    row: &'a Row<'_>,
    name: &'a str,
) -> Result<(Permit<A>, Target<'a>), VaultError> {
    let tenant = row
        .tenant
        .map(|tenant| TenantId::parse(*tenant.as_bytes(), "p_tenants"))
        .transpose()?;
    let refused = |argument, rule: &str| VaultError::InvalidArgument {
        argument,
        rule: rule.to_owned(),
    };
    match row.into.unwrap_or(job.into) {
        Into::Credential => {
            let description = row.description.as_deref().unwrap_or_default();
            let target = Target::Credential(
                CredentialName::parse(name, "p_names")?,
                Description::parse(description, "p_descriptions")?,
            );
            Ok((for_tenant(tenant)?, target))
        }
        Into::TenantSecret => {
            let target = Target::TenantSecret(SecretKey::parse(name, "p_names")?);
            let permit = for_tenant::<A>(tenant)?;
            if permit.scope().tenant() == TenantId::PLATFORM {
                return Err(refused(
                    "p_tenants",
                    "A tenant secret needs its tenant: a column, or p_tenant_id.",
                ));
            }
            Ok((permit, target))
        }
        Into::AppSecret => {
            let key = AppKey::parse(name, "p_names")?;
            let app = row.app.or(job.options.app).ok_or_else(|| {
                refused(
                    "p_apps",
                    "An app secret needs its app: a column, or app_id among the options.",
                )
            })?;
            let app = AppId::parse(*app.as_bytes(), "p_apps")?;
            let permit = policy::for_new_app::<A>(app)?;
            let permit = match tenant {
                Some(tenant) if tenant != permit.scope().tenant() => {
                    // An app that nobody knows yet is whose the import says, and no context: it is held as that one's when
                    // the secret comes in.
                    let is_unknown = permit.scope().tenant() == TenantId::PLATFORM
                        && policy::for_app::<A>(app)?.is_none();
                    if !is_unknown {
                        return Err(refused("p_tenants", "The app is not of this tenant."));
                    }
                    policy::for_tenant(tenant)?
                }
                _ => permit,
            };
            Ok((permit, Target::AppSecret(app, key)))
        }
    }
}

fn for_tenant<A: Action>(tenant: Option<TenantId>) -> Result<Permit<A>, VaultError> {
    match tenant {
        Some(tenant) => policy::for_tenant(tenant),
        None => policy::for_new(),
    }
}

fn words(fate: Fate, writes: bool) -> (&'static str, Option<&'static str>, Option<Uuid>) {
    let (word, detail, id) = match fate {
        Fate::Imported(id) if writes => ("imported", None, id),
        Fate::Imported(id) => ("would_import", None, id),
        Fate::Updated(id) if writes => ("updated", None, Some(id)),
        Fate::Updated(id) => ("would_update", None, Some(id)),
        Fate::Unchanged(id) => ("unchanged", None, Some(id)),
        Fate::Known(id) => ("already_imported", Some("not compared"), Some(id)),
        Fate::Changed(id) => (
            "changed_since",
            Some(
                "the vault's value and the source's are not the same; the option overwrite takes the source's",
            ),
            Some(id),
        ),
        Fate::Deleted(id) => (
            "failed",
            Some(
                "it was imported, and deleted from the vault since: restore or destroy that credential first",
            ),
            Some(id),
        ),
        Fate::KeyTaken => (
            "failed",
            Some(
                "a secret of this key is there that did not come from this source; the option overwrite replaces it",
            ),
            None,
        ),
    };
    (word, detail, id.map(|id| Uuid::from_bytes(*id.as_bytes())))
}
