//! What is brought in: its formats, and what opens them. `crates/legacy` knows those that are ours to read; pgcrypto opens
//! its own.
//!
//! **Invariant:** a value that was opened is wiped when it is dropped, and stands in no error.

use legacy::gcm_hex::Digest;
use legacy::{Plain, Refusal, gcm_hex, pgcrypto};
use pgrx::PgSqlErrorCode;
use vault::VaultError;
use zeroize::Zeroizing;

use crate::key_file;
use crate::pg::foreign::{self, FunctionId};
use crate::{config, storage};

/// What the values of a table are sealed with, and all it takes to open them.
pub enum Format {
    Plaintext,
    GcmHex {
        passphrase: Zeroizing<Vec<u8>>,
        digests: Vec<Digest>,
    },
    Pgcrypto {
        passphrase: Zeroizing<Vec<u8>>,
        decrypt: FunctionId,
    },
}

impl Format {
    /// - digest: of `gcm_hex` alone; `None`: each in turn.
    /// - errors: [`VaultError::InvalidArgument`] for a format that no table has; [`VaultError::FileUnusable`] where the
    ///   passphrase cannot be had; [`VaultError::ExtensionMissing`].
    pub fn of_a_table(word: &str, digest: Option<Digest>) -> Result<Self, VaultError> {
        if digest.is_some() && word != "gcm_hex" {
            return Err(VaultError::InvalidArgument {
                argument: "p_options",
                rule: "A digest belongs to the format gcm_hex.".to_owned(),
            });
        }
        let passphrase = || key_file::passphrase(&config::IMPORT_PASSPHRASE);
        match word {
            "plaintext" | "supabase_vault" => Ok(Self::Plaintext),
            "gcm_hex" => Ok(Self::GcmHex {
                passphrase: passphrase()?,
                digests: digest.map_or(Digest::ALL.to_vec(), |one| vec![one]),
            }),
            "pgcrypto" => Ok(Self::Pgcrypto {
                passphrase: passphrase()?,
                decrypt: storage::pgcrypto_decrypt().ok_or(VaultError::ExtensionMissing {
                    name: "pgcrypto",
                })?,
            }),
            _ => Err(VaultError::InvalidArgument {
                argument: "p_format",
                rule: "A table's format is pgcrypto, gcm_hex, supabase_vault or plaintext; a document's is env, kv2 or bundle."
                    .to_owned(),
            }),
        }
    }

    /// The value behind what stands in the table.
    ///
    /// - errors: whatever stops the call, such as a cancel, is thrown.
    pub fn open(&self, kept: &[u8]) -> Result<Plain, Refusal> {
        match self {
            Self::Plaintext => Ok(Plain::new(kept.to_vec())),
            Self::GcmHex {
                passphrase,
                digests,
            } => gcm_hex::open(kept, passphrase, digests),
            Self::Pgcrypto {
                passphrase,
                decrypt,
            } => {
                let message = pgcrypto::message(kept)?;
                match foreign::call(*decrypt, &message, passphrase) {
                    Ok(plain) => Ok(Plain::new(plain.to_vec())),
                    // All of pgcrypto's own.
                    Err(error)
                        if error.sqlstate
                            == PgSqlErrorCode::ERRCODE_EXTERNAL_ROUTINE_INVOCATION_EXCEPTION =>
                    {
                        Err(Refusal::DoesNotOpen)
                    }
                    Err(error) => error.throw(),
                }
            }
        }
    }
}
