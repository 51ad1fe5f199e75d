//! What a standby has recorded in its file, appended to the log of the primary.
//!
//! Two passes over the lines: one that checks them and collects ids, of which the log then says which it has, in one
//! scan; and one that appends the others, so that no more than a batch of records is held at a time.

use std::collections::HashSet;

use auditchain::Keys;
use vault::VaultError;

use super::caller::Caller;
use super::durable::{AccessLog, Entry};
use super::line::Recorded;
use crate::pg::plan::{Argument, statement};
use crate::pg::{process, relation};

statement!(much RECORDED_ALREADY, "../storage/queries/recorded_already.sql", [UUIDARRAYOID]);

/// So many records are held at a time, and flushed together.
const BATCH: usize = 1000;

/// What became of each line.
#[derive(Debug, Default)]
pub struct Imported {
    pub imported: usize,
    pub already_there: usize,
    /// By number, from 1, and why.
    pub rejected: Vec<(usize, String)>,
    /// The standbys named by what was imported, in order.
    pub origins: Vec<String>,
}

/// Records that are there already are left out, so that to import twice adds nothing. Imports come one after the other.
///
/// - `keys`: of the chain, under which a standby makes its lines too.
pub fn import(text: &[u8], keys: &Keys) -> Result<Imported, VaultError> {
    relation::take_turns(relation::table(c"vault", c"vault_access_log"));
    let mut done = Imported::default();
    let mut good = Vec::new();
    for (at, line) in text.split(|byte| *byte == b'\n').enumerate() {
        let line = line.trim_ascii();
        if line.is_empty() {
            continue;
        }
        process::stop_if_cancelled();
        match Recorded::read(line, keys) {
            Ok(read) => good.push((line, read.id())),
            Err(why) => done.rejected.push((at + 1, why)),
        }
    }
    let ids: Vec<[u8; 16]> = good.iter().map(|(_, id)| *id).collect();
    let mut known: HashSet<[u8; 16]> = RECORDED_ALREADY
        .all(&[Argument::UuidMany(&ids)], |row| row.uuid(1))
        .into_iter()
        .flatten()
        .collect();

    let new: Vec<&[u8]> = good
        .into_iter()
        .filter(|(_, id)| known.insert(*id))
        .map(|(line, _)| line)
        .collect();
    done.already_there = ids.len() - new.len();
    // Their records are not this call's own.
    let around = AccessLog::begin_call();
    let appended = new
        .chunks(BATCH)
        .try_for_each(|lines| done.append(lines, keys));
    AccessLog::end_call(around);
    appended.map(|()| done)
}

impl Imported {
    fn append(&mut self, lines: &[&[u8]], keys: &Keys) -> Result<(), VaultError> {
        process::stop_if_cancelled();
        let read: Result<Vec<Recorded>, String> = lines
            .iter()
            .map(|line| Recorded::read(line, keys))
            .collect();
        let read =
            read.map_err(|_| VaultError::Internal("a line changed while it was imported"))?;
        let callers: Vec<Caller<'_>> = read.iter().map(Recorded::caller).collect();
        let entries: Vec<Entry<'_>> = read
            .iter()
            .zip(&callers)
            .map(|(read, caller)| read.entry(caller))
            .collect();
        let _receipt = AccessLog.append_entries(&entries)?;
        self.imported += read.len();
        for read in &read {
            if !self.origins.iter().any(|origin| origin == read.origin()) {
                self.origins.push(read.origin().to_owned());
            }
        }
        Ok(())
    }
}
