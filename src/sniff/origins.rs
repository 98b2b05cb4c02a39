//! Tells the keys of a parser from variables: `new EnvironmentParser({ apiUrl: process.env.API_URL })` needs `API_URL`.
//!
//! An app that names values itself is loaded once more with values for all that it read in vain. Where these turn up, the
//! keys come from.

use super::protocol::{Record, ValueSource};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// The variables that the values of keys consist of.
#[derive(Debug, Default)]
pub(super) struct Origins {
    by_place: BTreeMap<(String, Option<PathBuf>, Option<u32>), Vec<String>>,
    by_key: BTreeMap<String, Vec<String>>,
}

impl Origins {
    /// Reads them off a run in which the variables were set.
    pub(super) fn of(records: &[Record]) -> Self {
        let mut origins = Self::default();
        for record in records {
            let Record::Asked { name, origins: found, file, line, .. } = record else { continue };
            if !found.is_empty() {
                origins.by_key.entry(name.clone()).or_insert_with(|| found.clone());
                origins.by_place.insert((name.clone(), file.clone(), *line), found.clone());
            }
        }
        origins
    }

    /// Those of a key at a place, else of the key.
    pub(super) fn of_key(&self, key: &str, file: Option<&PathBuf>, line: Option<u32>) -> Option<&Vec<String>> {
        self.by_place.get(&(key.to_owned(), file.cloned(), line)).or_else(|| self.by_key.get(key))
    }
}

/// The variables to set so that it shows where the values of keys come from; none where every key is a variable.
pub(super) fn traced(records: &[Record]) -> Vec<String> {
    let lacked: BTreeSet<&String> = records
        .iter()
        .filter_map(|record| match record {
            Record::Lacked { name, .. } => Some(name),
            _ => None,
        })
        .collect();
    let read: BTreeSet<&String> = records
        .iter()
        .filter_map(|record| match record {
            Record::ReadEnv { name, .. } if lacked.contains(name) => Some(name),
            _ => None,
        })
        .collect();
    let mut names: BTreeSet<String> = BTreeSet::new();
    let mut is_unclear = false;
    for record in records {
        let Record::Asked { name, source, origins, .. } = record else { continue };
        match source {
            ValueSource::Nothing => is_unclear = true,
            ValueSource::Given => is_unclear |= origins.is_empty() && !read.is_empty(),
            // The keys may be made of the variables' names (`databaseUrl` of DATABASE_URL).
            ValueSource::Absent if !is_variable_like(name) => {
                names.insert(screaming_snake(name));
                is_unclear = true;
            }
            ValueSource::Absent | ValueSource::Variable => {}
        }
    }
    if !is_unclear {
        return Vec::new();
    }
    names.extend(read.into_iter().cloned());
    names.into_iter().collect()
}

/// Whether a key is written as variables are.
pub(super) fn is_variable_like(key: &str) -> bool {
    !key.is_empty() && key.chars().all(|letter| letter.is_ascii_uppercase() || letter.is_ascii_digit() || letter == '_')
}

/// `databaseUrl`, `database-url` and `database.url` as `DATABASE_URL`.
fn screaming_snake(key: &str) -> String {
    let mut name = String::new();
    let mut before = '_';
    for letter in key.chars() {
        if letter.is_ascii_uppercase() && (before.is_ascii_lowercase() || before.is_ascii_digit()) {
            name.push('_');
        }
        name.push(if letter.is_ascii_alphanumeric() { letter.to_ascii_uppercase() } else { '_' });
        before = letter;
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_become_names_of_variables() {
        for (key, name) in
            [("databaseUrl", "DATABASE_URL"), ("s3Bucket", "S3_BUCKET"), ("db.url", "DB_URL"), ("API", "API")]
        {
            assert_eq!(screaming_snake(key), name);
        }
    }
}
