//! Finds the files that an app's globs name.

use super::requirement::SniffFailure;
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use std::path::{Path, PathBuf};
use walkdir::WalkDir;

/// The source files below `folder` that match `patterns`, sorted; a pattern that begins with `!` takes files out.
///
/// What is installed, hidden or a type declaration is never among them. That nothing matches is no error: an app may have no
/// construct of a kind yet.
pub(super) fn route_files(patterns: &[String], folder: &Path) -> Result<Vec<PathBuf>, Box<SniffFailure>> {
    let wanted = set(patterns.iter().map(String::as_str).filter(|pattern| !pattern.starts_with('!')))?;
    let unwanted = set(patterns.iter().filter_map(|pattern| pattern.strip_prefix('!')))?;
    let mut files: Vec<PathBuf> = WalkDir::new(folder)
        .follow_links(true)
        .into_iter()
        .filter_entry(|entry| entry.depth() == 0 || !is_skipped(&entry.file_name().to_string_lossy()))
        .filter_map(Result::ok)
        .filter(|entry| entry.file_type().is_file() && !is_declaration(&entry.file_name().to_string_lossy()))
        .filter_map(|entry| entry.path().strip_prefix(folder).ok().map(Path::to_path_buf))
        .filter(|file| wanted.is_match(file) && !unwanted.is_match(file))
        .filter_map(|file| folder.join(file).canonicalize().ok())
        .collect();
    files.sort();
    files.dedup();
    Ok(files)
}

fn set<'a>(patterns: impl Iterator<Item = &'a str>) -> Result<GlobSet, Box<SniffFailure>> {
    let invalid = |error: &globset::Error| Box::new(SniffFailure::new("no-entry", format!("A glob is wrong: {error}")));
    let mut builder = GlobSetBuilder::new();
    for pattern in patterns {
        let glob = GlobBuilder::new(pattern.trim_start_matches("./"))
            .literal_separator(true)
            .build()
            .map_err(|error| invalid(&error))?;
        builder.add(glob);
    }
    builder.build().map_err(|error| invalid(&error))
}

fn is_skipped(name: &str) -> bool {
    name == "node_modules" || name.starts_with('.')
}

fn is_declaration(name: &str) -> bool {
    [".d.ts", ".d.mts", ".d.cts"].iter().any(|ending| name.ends_with(ending))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_globs_count_and_installed_and_declaration_files_do_not() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        for file in [
            "src/endpoints/users.ts",
            "src/endpoints/deep/er/health.ts",
            "src/endpoints/users.test.ts",
            "src/endpoints/types.d.ts",
            "src/crons/daily.ts",
            "node_modules/x/src/crons/no.ts",
        ] {
            std::fs::create_dir_all(root.join(file).parent().unwrap()).unwrap();
            std::fs::write(root.join(file), "").unwrap();
        }
        let patterns = ["./src/endpoints/**/*.ts", "src/{crons,queues}/*.ts", "!**/*.test.ts"].map(str::to_owned);
        let found = route_files(&patterns, &root).unwrap();
        let names: Vec<_> = found.iter().map(|file| file.strip_prefix(&root).unwrap().to_str().unwrap()).collect();
        assert_eq!(names, ["src/crons/daily.ts", "src/endpoints/deep/er/health.ts", "src/endpoints/users.ts"]);
        assert_eq!(route_files(&["none/*.ts".to_owned()], &root).unwrap(), Vec::<PathBuf>::new());
    }
}
