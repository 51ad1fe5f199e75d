//! Verifies an exported access log, without the database: `cargo run -p auditchain --bin verify`.
//!
//! Reads the log once, and a second time if it is broken; keeps one record of it in memory.
#![forbid(unsafe_code)]

mod arguments;
mod keys;
mod lines;

use std::iter::Peekable;
use std::path::Path;
use std::process::ExitCode;

use arguments::{Arguments, Begin, USAGE};
use auditchain::export::{self, LineError};
use auditchain::{Broken, Fingerprint, KeyOf, Keys, Point, Row, Summary, Verifier};
use keys::Found;
use lines::Lines;

const BROKEN: u8 = 1;
const UNTOLD: u8 = 2;

fn main() -> ExitCode {
    let given: Vec<_> = std::env::args_os().skip(1).collect();
    if given.is_empty() || given.iter().any(|argument| argument == "--help") {
        print!("{USAGE}");
        return ExitCode::from(if given.is_empty() { UNTOLD } else { 0 });
    }
    match Arguments::parse(given).and_then(|arguments| run(&arguments)) {
        Ok(code) => code,
        Err(what) => {
            eprintln!("verify: {what}");
            ExitCode::from(UNTOLD)
        }
    }
}

fn run(arguments: &Arguments) -> Result<ExitCode, String> {
    let found = Found::read(&arguments.keys)?;
    if let Some(path) = &arguments.write_chain_keys {
        println!("{} chain keys written", found.write(path)?);
        return Ok(ExitCode::SUCCESS);
    }
    let log = arguments.log.as_deref().expect("checked with the others");
    let verification = Verification {
        arguments,
        log,
        keys: (!arguments.without_keys).then(|| found.keys()),
    };
    match verification.run() {
        Ok(summary) => {
            verification.report(&summary);
            Ok(ExitCode::SUCCESS)
        }
        Err(Stopped::Broken(broken)) => {
            println!("broken at {} ({}): {broken}", broken.at(), broken.kind());
            Ok(ExitCode::from(BROKEN))
        }
        Err(Stopped::Unreadable(what)) => Err(what),
    }
}

struct Verification<'a> {
    arguments: &'a Arguments,
    log: &'a Path,
    /// `None` where the user wants to go without.
    keys: Option<Keys>,
}

enum Stopped {
    Broken(Broken),
    Unreadable(String),
}

impl From<Broken> for Stopped {
    fn from(broken: Broken) -> Self {
        Self::Broken(broken)
    }
}

impl From<String> for Stopped {
    fn from(what: String) -> Self {
        Self::Unreadable(what)
    }
}

impl Verification<'_> {
    fn run(&self) -> Result<Summary, Stopped> {
        let mut verifier = Verifier::new(self.begin()?);
        match self.first_pass(&mut verifier) {
            Ok(()) => {}
            Err(Stopped::Broken(broken)) => return Err(self.second_pass(&verifier, broken)),
            Err(unreadable) => return Err(unreadable),
        }
        Ok(verifier.finish(self.arguments.head.as_ref())?)
    }

    fn begin(&self) -> Result<Point, Stopped> {
        match &self.arguments.begin {
            Begin::FirstRecord => Ok(Point::START),
            Begin::After(point) => Ok(*point),
            Begin::Stubs(path) => {
                let mut lines = Lines::open(path)?;
                let mut begin = Point::START;
                while let Some(stub) = next(&mut lines, export::stub)? {
                    stub.content.check(self.key(Some(stub.chain_key)))?;
                    begin = stub.content.follow(begin)?;
                }
                Ok(begin)
            }
            Begin::Range => {
                let first = next(&mut Lines::open(self.log)?, export::record)?;
                let point = first.and_then(|row| {
                    let seq = u64::try_from(row.seq).ok()?;
                    let link = row.link;
                    Some(Point { seq, link })
                });
                point.ok_or_else(|| self.no_record())
            }
        }
    }

    fn first_pass(&self, verifier: &mut Verifier) -> Result<(), Stopped> {
        let mut checkpoints = self.checkpoints()?.peekable();
        let mut records = 0;
        self.each_record(|row| {
            verifier.push(&row, self.key(row.key))?;
            records += 1;
            let up_to = u64::try_from(row.seq).unwrap_or(0);
            meet(verifier, &mut checkpoints, up_to)
        })?;
        if records == 0 && checkpoints.peek().is_none() && self.arguments.head.is_none() {
            return Err(self.no_record());
        }
        meet(verifier, &mut checkpoints, u64::MAX)
    }

    fn second_pass(&self, verifier: &Verifier, broken: Broken) -> Stopped {
        let Some(mut diagnosis) = verifier.diagnosis() else {
            return Stopped::Broken(broken);
        };
        let mut lines = match Lines::open(self.log) {
            Ok(lines) => lines,
            Err(what) => return Stopped::Unreadable(what),
        };
        loop {
            match next(&mut lines, export::record) {
                Ok(Some(row)) if diagnosis.push(&row, self.key(row.key)) => {}
                // One break was found: what else may be behind it does not matter now.
                Err(Stopped::Broken(_)) => {}
                _ => break,
            }
        }
        Stopped::Broken(diagnosis.finish())
    }

    /// Passes on each record of the log, but for the one that a range begins with.
    fn each_record(&self, mut take: impl FnMut(Row) -> Result<(), Stopped>) -> Result<(), Stopped> {
        let mut lines = Lines::open(self.log)?;
        if matches!(self.arguments.begin, Begin::Range) {
            next(&mut lines, export::record)?;
        }
        while let Some(row) = next(&mut lines, export::record)? {
            take(row)?;
        }
        Ok(())
    }

    /// Those of the file and those of the command line, in order of their numbers.
    fn checkpoints(&self) -> Result<impl Iterator<Item = Result<Point, Stopped>>, Stopped> {
        let mut attested = self.attested()?.peekable();
        let mut published = self.arguments.published.iter().copied().peekable();
        Ok(std::iter::from_fn(move || {
            match (attested.peek(), published.peek()) {
                (Some(Ok(attested)), Some(published)) if published.seq < attested.seq => {}
                (None, _) => {}
                _ => return attested.next(),
            }
            published.next().map(Ok)
        }))
    }

    fn attested(&self) -> Result<impl Iterator<Item = Result<Point, Stopped>>, Stopped> {
        let path = self.arguments.checkpoints.as_deref();
        let mut lines = path.map(Lines::open).transpose()?;
        let mut last = 0;
        let mut read = move || {
            let Some(lines) = lines.as_mut() else {
                return Ok(None);
            };
            let Some(checkpoint) = next(lines, export::checkpoint)? else {
                return Ok(None);
            };
            checkpoint
                .content
                .check(self.key(Some(checkpoint.chain_key)))?;
            let point = checkpoint.content.point;
            if std::mem::replace(&mut last, point.seq) > point.seq {
                return Err(lines.says("the checkpoints are not in order of seq").into());
            }
            Ok(Some(point))
        };
        Ok(std::iter::from_fn(move || read().transpose()))
    }

    fn key(&self, fingerprint: Option<Fingerprint>) -> KeyOf<'_> {
        match (&self.keys, fingerprint) {
            (Some(keys), fingerprint) => keys.of(fingerprint),
            (None, None) => KeyOf::Unkeyed,
            (None, Some(_)) => KeyOf::Untested,
        }
    }

    fn no_record(&self) -> Stopped {
        Stopped::Unreadable(format!("{}: holds no record", self.log.display()))
    }

    fn report(&self, summary: &Summary) {
        let last = summary.last.seq;
        let first = last - summary.records + 1;
        println!(
            "intact: records {first} to {last}, {} unkeyed, {} checkpoints",
            summary.unkeyed, summary.checkpoints
        );
        if summary.untested > 0 {
            println!(
                "note: without keys, a change of the {} records under a key cannot be seen",
                summary.untested
            );
        }
        if let Some(since) = summary.unkeyed_since {
            println!(
                "note: records {since} to {last} are unkeyed and nothing under a key follows: anybody could have made them"
            );
        }
        if self
            .arguments
            .published
            .iter()
            .all(|point| point.seq < last)
        {
            println!(
                "note: no --checkpoint from elsewhere lies at {last} or later: whether more records followed cannot be seen"
            );
        }
    }
}

/// Compares the log with the checkpoints up to this number.
fn meet(
    verifier: &mut Verifier,
    checkpoints: &mut Peekable<impl Iterator<Item = Result<Point, Stopped>>>,
    up_to: u64,
) -> Result<(), Stopped> {
    while let Some(checkpoint) = checkpoints.next_if(|checkpoint| {
        checkpoint
            .as_ref()
            .map_or(true, |checkpoint| checkpoint.seq <= up_to)
    }) {
        verifier.meet(&checkpoint?)?;
    }
    Ok(())
}

fn next<T>(
    lines: &mut Lines,
    read: impl Fn(&[u8]) -> Result<T, LineError>,
) -> Result<Option<T>, Stopped> {
    let Some(line) = lines.next()? else {
        return Ok(None);
    };
    match read(line) {
        Ok(read) => Ok(Some(read)),
        Err(LineError::Broken(broken)) => Err(Stopped::Broken(broken)),
        Err(error @ LineError::Unreadable { .. }) => {
            Err(Stopped::Unreadable(lines.says(&error.to_string())))
        }
    }
}
