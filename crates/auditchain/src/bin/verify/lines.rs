//! Files of lines, read one at a time.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

/// Far longer than any line that the vault exports.
const LINE_MAX_BYTES: u64 = 1 << 20;

pub struct Lines {
    path: PathBuf,
    file: BufReader<File>,
    line: Vec<u8>,
    number: u64,
}

impl Lines {
    pub fn open(path: &Path) -> Result<Self, String> {
        let file = File::open(path).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(Self {
            path: path.to_owned(),
            file: BufReader::with_capacity(1 << 16, file),
            line: Vec::new(),
            number: 0,
        })
    }

    /// The next line, without its end; `None` after the last one.
    pub fn next(&mut self) -> Result<Option<&[u8]>, String> {
        self.line.clear();
        self.number += 1;
        let mut limited = (&mut self.file).take(LINE_MAX_BYTES);
        let read = limited.read_until(b'\n', &mut self.line);
        if let Err(error) = read {
            return Err(self.says(&error.to_string()));
        }
        if self.line.last() == Some(&b'\n') {
            self.line.pop();
        } else if self.line.len() as u64 == LINE_MAX_BYTES {
            return Err(self.says("the line is too long"));
        } else if self.line.is_empty() {
            return Ok(None);
        }
        Ok(Some(&self.line))
    }

    /// What is wrong with the line that was read last.
    pub fn says(&self, what: &str) -> String {
        format!("{} line {}: {what}", self.path.display(), self.number)
    }
}
