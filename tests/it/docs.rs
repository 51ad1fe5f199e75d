//! The manual cannot lie: every block fenced as ```sql in README.md and docs/ runs against a fresh database, block
//! after block of a file in one session. A block that is not for running is fenced as ```sql,no_run.

use std::fs;
use std::path::{Path, PathBuf};

use vault_tests::{Database, repository};

/// The lines of each block to run, with the number of its first line.
fn blocks(text: &str) -> Vec<(usize, String)> {
    let mut blocks = Vec::new();
    let mut open: Option<(usize, String)> = None;
    for (number, line) in text.lines().enumerate() {
        let fence = line.trim_start();
        match &mut open {
            Some(_) if fence.starts_with("```") => blocks.extend(open.take()),
            Some((_, block)) => {
                block.push_str(line);
                block.push('\n');
            }
            None if fence.trim_end() == "```sql" => open = Some((number + 2, String::new())),
            None => {}
        }
    }
    blocks
}

fn papers(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(papers(&path));
        } else if path.extension().is_some_and(|extension| extension == "md") {
            found.push(path);
        }
    }
    found.sort();
    found
}

#[test]
fn the_sql_in_the_papers_runs() {
    let mut files = papers(&repository().join("docs"));
    files.push(repository().join("README.md"));
    let mut run = 0;
    for file in files {
        let blocks = blocks(&fs::read_to_string(&file).unwrap_or_default());
        if blocks.is_empty() {
            continue;
        }
        let db = Database::fresh();
        let script: String = blocks
            .iter()
            .map(|(line, block)| format!("\\echo at line {line}\n{block}\n"))
            .collect();
        let (ok, output) = db.psql(&["-v", "ON_ERROR_STOP=1"], &script);
        assert!(ok, "{}:\n{output}", file.display());
        run += blocks.len();
    }
    assert!(run > 0, "no block of SQL was found in README.md or docs/");
}

#[test]
fn blocks_are_found_by_their_fence() {
    let text = "intro\n```sql\nSELECT 1;\n```\n```sql,no_run\nSELECT 2;\n```\n```\nSELECT 3;\n```\n  ```sql\n  SELECT 4;\n  ```\n";
    assert_eq!(
        blocks(text),
        [
            (3, "SELECT 1;\n".to_owned()),
            (12, "  SELECT 4;\n".to_owned())
        ]
    );
}
