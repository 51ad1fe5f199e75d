//! `cargo xtask tidy`: house rules that no compiler knows, printed as `file:line: rule`.
//!
//! **Invariant:** rules see a [`Tree`] in memory, never the disk, so that each has tests that watch it bite.

mod marks;
mod rust;
mod settings;
mod source;
mod sql;

use std::path::Path;
use std::process::ExitCode;
use std::{fmt, fs, io};

/// One file: its path below the root, with `/` between the parts, and its text.
pub struct File {
    pub path: String,
    pub text: String,
}

/// The repository's text files, sorted by path.
pub struct Tree {
    /// Where it stands on this machine; no file may say so.
    pub root: String,
    pub files: Vec<File>,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    pub path: String,
    pub line: usize,
    pub rule: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.rule)
    }
}

type Rule = fn(&Tree) -> Vec<Finding>;

const RULES: &[Rule] = &[
    rust::unsafe_stays_behind_the_fence,
    rust::proofs_are_minted_where_they_are_earned,
    rust::secrets_are_exposed_where_it_is_known,
    rust::lib_is_a_table_of_contents,
    sql::install_scripts_create_plainly,
    sql::objects_carry_their_contract,
    sql::install_order_names_every_script,
    settings::settings_are_documented,
    settings::settings_are_sorted,
    marks::nothing_is_left_undone,
    marks::no_path_of_a_machine,
];

pub fn run(root: &Path) -> ExitCode {
    let tree = match Tree::read(root) {
        Ok(tree) => tree,
        Err(error) => {
            eprintln!("tidy: cannot read {}: {error}", root.display());
            return ExitCode::FAILURE;
        }
    };
    let mut findings: Vec<Finding> = RULES.iter().flat_map(|rule| rule(&tree)).collect();
    findings.sort();
    for finding in &findings {
        println!("{finding}");
    }
    println!(
        "tidy: {} rules, {} files, {} findings",
        RULES.len(),
        tree.files.len(),
        findings.len()
    );
    if findings.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

impl Tree {
    fn read(root: &Path) -> io::Result<Tree> {
        let root = root.canonicalize()?;
        let mut files = Vec::new();
        collect(&root, "", &mut files)?;
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Tree {
            root: root.display().to_string(),
            files,
        })
    }

    pub fn file(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|file| file.path == path)
    }

    /// Files below one of the folders with this ending, in order.
    pub fn below<'a>(
        &'a self,
        folders: &'a [&'a str],
        ending: &'a str,
    ) -> impl Iterator<Item = &'a File> {
        self.files.iter().filter(move |file| {
            file.path.ends_with(ending)
                && folders.iter().any(|folder| file.path.starts_with(folder))
        })
    }
}

impl File {
    pub fn finding(&self, offset: usize, rule: impl Into<String>) -> Finding {
        Finding {
            path: self.path.clone(),
            line: source::line_at(&self.text, offset),
            rule: rule.into(),
        }
    }
}

/// Build output and what tools keep is not ours to judge. Files that are not UTF-8 are not text.
fn collect(folder: &Path, prefix: &str, files: &mut Vec<File>) -> io::Result<()> {
    const NOT_OURS: &[&str] = &[".git", "target", "node_modules", "__pycache__"];
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{prefix}{name}");
        let kind = entry.file_type()?;
        if kind.is_dir() && !NOT_OURS.contains(&name.as_str()) {
            collect(&entry.path(), &format!("{path}/"), files)?;
        } else if kind.is_file()
            && let Ok(text) = String::from_utf8(fs::read(entry.path())?)
        {
            files.push(File { path, text });
        }
    }
    Ok(())
}

#[cfg(test)]
pub mod testing {
    use super::{File, Rule, Tree};

    /// A tree of the given files, and what the rule says of it as `path:line: ...` cut at the second colon.
    pub fn bites(rule: Rule, files: &[(&str, &str)]) -> Vec<String> {
        let files = files.iter().map(|(path, text)| File {
            path: path.to_string(),
            text: text.to_string(),
        });
        let tree = Tree {
            root: "/srv/checkout/vault".into(),
            files: files.collect(),
        };
        rule(&tree)
            .iter()
            .map(|finding| format!("{}:{}", finding.path, finding.line))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_reads_file_line_rule() {
        let file = File {
            path: "src/a.rs".into(),
            text: "one\ntwo\nthree".into(),
        };
        assert_eq!(
            file.finding(4, "the rule").to_string(),
            "src/a.rs:2: the rule"
        );
        assert_eq!(file.finding(3, "the rule").line, 1);
    }

    #[test]
    fn the_walk_skips_build_output_and_files_that_are_not_text() {
        let folder = std::env::temp_dir().join(format!("tidy-walk-{}", std::process::id()));
        fs::create_dir_all(folder.join("target")).unwrap();
        fs::create_dir_all(folder.join("src")).unwrap();
        fs::write(folder.join("target/out.rs"), "x").unwrap();
        fs::write(folder.join("src/lib.rs"), "x").unwrap();
        fs::write(folder.join("src/image"), [0xff, 0xfe]).unwrap();
        let tree = Tree::read(&folder).unwrap();
        fs::remove_dir_all(&folder).unwrap();
        assert_eq!(
            tree.files
                .iter()
                .map(|file| file.path.as_str())
                .collect::<Vec<_>>(),
            ["src/lib.rs"]
        );
    }
}
