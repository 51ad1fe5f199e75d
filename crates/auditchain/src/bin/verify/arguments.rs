//! What the command line asks for.

use std::ffi::OsString;
use std::path::PathBuf;

use auditchain::{Link, Point};

pub const USAGE: &str = "\
verifies an exported access log, without the database

usage: verify --log FILE KEYS [--checkpoints FILE] [--checkpoint SEQ:LINK]...
              [--stubs FILE | --after SEQ:LINK | --range] [--head SEQ:LINK]
       verify KEYS --write-chain-keys FILE

KEYS, any of
  --root-keys FILE     a key ring, as the server reads it; may stand more than once
  --kept-keys FILE     rows of vault.access_log_keys, for root keys that the ring has lost
  --chain-keys FILE    chain keys, as --write-chain-keys makes them: they open no secret
or
  --without-keys       numbers, unkeyed links and checkpoints only

  --log FILE           what vault.export_access_log() gave, a record a line
  --checkpoints FILE   rows of vault.access_log_checkpoints, in order of seq
  --checkpoint SEQ:LINK  a checkpoint that was kept elsewhere; may stand more than once
  --stubs FILE         rows of vault.access_log_stubs, in order: what was pruned
  --after SEQ:LINK     the log begins behind this record
  --range              the log is a part: its first record is taken as given
  --head SEQ:LINK      where the log ends, according to vault.access_log_head
  --write-chain-keys FILE  writes the chain keys of KEYS, for somebody who may verify and nothing else

exit status: 0 intact, 1 broken, 2 it could not be told
docs/access-log.md says how to make the files
";

#[derive(Debug, Default)]
pub struct Arguments {
    pub log: Option<PathBuf>,
    pub keys: KeyFiles,
    pub without_keys: bool,
    pub checkpoints: Option<PathBuf>,
    /// In order of their numbers.
    pub published: Vec<Point>,
    pub begin: Begin,
    pub head: Option<Point>,
    pub write_chain_keys: Option<PathBuf>,
}

#[derive(Debug, Default)]
pub struct KeyFiles {
    pub root_keys: Vec<PathBuf>,
    pub kept_keys: Option<PathBuf>,
    pub chain_keys: Option<PathBuf>,
}

#[derive(Debug, Default)]
pub enum Begin {
    #[default]
    FirstRecord,
    Stubs(PathBuf),
    After(Point),
    Range,
}

impl Arguments {
    /// - errors: what is wrong, for people.
    pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Self, String> {
        let mut parsed = Self::default();
        let mut arguments = arguments.into_iter();
        while let Some(argument) = arguments.next() {
            let name = argument.to_str().unwrap_or_default().to_owned();
            let mut value = || {
                arguments
                    .next()
                    .ok_or_else(|| format!("{name} needs a value"))
            };
            match name.as_str() {
                "--log" => once(&name, &mut parsed.log, value()?.into())?,
                "--root-keys" => parsed.keys.root_keys.push(value()?.into()),
                "--kept-keys" => once(&name, &mut parsed.keys.kept_keys, value()?.into())?,
                "--chain-keys" => once(&name, &mut parsed.keys.chain_keys, value()?.into())?,
                "--without-keys" => parsed.without_keys = true,
                "--checkpoints" => once(&name, &mut parsed.checkpoints, value()?.into())?,
                "--checkpoint" => parsed.published.push(point(&name, value()?)?),
                "--stubs" => parsed.begin(Begin::Stubs(value()?.into()))?,
                "--after" => {
                    let point = point(&name, value()?)?;
                    parsed.begin(Begin::After(point))?;
                }
                "--range" => parsed.begin(Begin::Range)?,
                "--head" => once(&name, &mut parsed.head, point(&name, value()?)?)?,
                "--write-chain-keys" => {
                    once(&name, &mut parsed.write_chain_keys, value()?.into())?;
                }
                _ => return Err(format!("no such option: {}", argument.to_string_lossy())),
            }
        }
        parsed.published.sort_by_key(|point| point.seq);
        parsed.check()?;
        Ok(parsed)
    }

    fn begin(&mut self, begin: Begin) -> Result<(), String> {
        match self.begin {
            Begin::FirstRecord => {
                self.begin = begin;
                Ok(())
            }
            _ => Err("only one of --stubs, --after and --range can stand".to_owned()),
        }
    }

    fn check(&self) -> Result<(), String> {
        let has_keys = !self.keys.root_keys.is_empty() || self.keys.chain_keys.is_some();
        if self.keys.kept_keys.is_some() && self.keys.root_keys.is_empty() {
            return Err("--kept-keys needs --root-keys, under which they are wrapped".to_owned());
        }
        if has_keys && self.without_keys {
            return Err("--without-keys cannot stand beside keys".to_owned());
        }
        if self.write_chain_keys.is_some() {
            return if has_keys {
                Ok(())
            } else {
                Err("--write-chain-keys needs keys".to_owned())
            };
        }
        if self.log.is_none() {
            return Err("--log is missing".to_owned());
        }
        if !has_keys && !self.without_keys {
            return Err("keys are missing; without any, say --without-keys".to_owned());
        }
        Ok(())
    }
}

fn once<T>(name: &str, place: &mut Option<T>, value: T) -> Result<(), String> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(format!("{name} can stand once only")),
    }
}

/// A number, a colon and 64 hex digits.
fn point(name: &str, value: OsString) -> Result<Point, String> {
    let expected = || format!("{name} must be a number, a colon and 64 hex digits");
    let value = value.into_string().map_err(|_| expected())?;
    let (seq, link) = value.split_once(':').ok_or_else(expected)?;
    let link = crate::keys::from_hex(link).ok_or_else(expected)?;
    Ok(Point {
        seq: seq.parse().map_err(|_| expected())?,
        link: Link::from_bytes(link),
    })
}
