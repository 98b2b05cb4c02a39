//! How SQL reaches the database.

use super::framing;
use crate::postgres::identifier::quote_literal;
use crate::secrets::Entropy;
use crate::{DeployError, ErrorCode};
use async_trait::async_trait;
use serde_json::Value;

/// Runs SQL in a database as its master.
///
/// One implementation speaks PostgreSQL's protocol over an opened port ([`PortTransport`](crate::postgres::PortTransport)); another may run
/// `psql` beside the database. Both take the same scripts.
#[async_trait]
pub trait SqlTransport: Send + Sync {
    /// Runs `script` in one session on `database` and returns what `psql -AtqX -v ON_ERROR_STOP=1 -v VERBOSITY=verbose`
    /// prints: its answer, for [`Script::answer`] to find.
    ///
    /// A script has its own transaction; it is made of ASCII unless a name is not, and carries no password. The output
    /// may hold other lines as well, and text around each line: scripts frame their answer. When this fails, the
    /// statements were applied wholly or not at all.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::PostgresUnreachable`], [`ErrorCode::PostgresAuthentication`], or [`ErrorCode::PostgresQuery`] with
    /// the SQLSTATE as its reason.
    async fn execute(&self, database: &str, script: &Script) -> Result<String, DeployError>;
}

/// Statements that are run together, and how to find their answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    statements: Vec<String>,
    nonce: String,
}

impl Script {
    /// A script that answers in a frame marked with `nonce`, which only letters and digits may make up.
    pub(in crate::postgres) fn new(nonce: String, statements: Vec<String>) -> Self {
        Self { statements, nonce }
    }

    /// SQL of the caller's own: one text of statements, with its own transaction, whose output is not framed.
    pub fn plain(sql: &str) -> Self {
        Self { statements: vec![sql.to_owned()], nonce: String::new() }
    }

    /// The statements, one by one.
    pub fn statements(&self) -> &[String] {
        &self.statements
    }

    /// The whole script, as `psql -c` takes it.
    pub fn sql(&self) -> String {
        self.statements.iter().map(|statement| terminated(statement)).collect()
    }

    /// The script as texts of at most `longest` bytes, to be run one after the other in the same session, as `psql`
    /// does with several `-c`; none when one statement alone is longer.
    ///
    /// The transaction begins in one text and ends in another: a session that ends in between takes everything back, as
    /// it does in the middle of one text.
    pub fn parts(&self, longest: usize) -> Option<Vec<String>> {
        let mut parts: Vec<String> = Vec::new();
        for statement in self.statements.iter().map(|statement| terminated(statement)) {
            match parts.last_mut() {
                Some(last) if last.len() + statement.len() <= longest => last.push_str(&statement),
                _ if statement.len() <= longest => parts.push(statement),
                _ => return None,
            }
        }
        Some(parts)
    }

    /// How `psql` is called to run the script, with arguments of at most `longest` bytes; none when one statement alone is
    /// longer.
    ///
    /// It prints that it has begun and the answer, ends at the first error, and says its SQLSTATE.
    pub fn psql_arguments(&self, longest: usize) -> Option<Vec<String>> {
        let options = ["-AtqX", "-v", "ON_ERROR_STOP=1", "-v", "VERBOSITY=verbose"].map(str::to_owned);
        let begin = format!("SELECT {}", quote_literal(&self.begun()));
        let commands = std::iter::once(begin).chain(self.parts(longest)?).flat_map(|text| ["-c".to_owned(), text]);
        Some(options.into_iter().chain(commands).collect())
    }

    /// Whether a `psql` that was called with [`Self::psql_arguments`] has reached the database, by what it printed.
    pub fn has_begun(&self, output: &str) -> bool {
        output.contains(&self.begun())
    }

    fn begun(&self) -> String {
        format!("{} has begun", self.nonce)
    }

    /// Finds the script's answer in the output of a transport; none when it is not there or not complete.
    pub fn answer(&self, output: &str) -> Option<Vec<Value>> {
        framing::read(output, &self.nonce)
    }

    /// What to search a log for, when the part of it that was read holds only a part of the answer: texts of letters,
    /// digits and dots, each of which finds at most a hundred lines, some 300 kB. None where no answer has begun.
    pub fn rest(&self, output: &str) -> Vec<String> {
        framing::rest(output, &self.nonce)
    }

    /// Runs the script and returns its answer.
    pub(in crate::postgres) async fn run(
        &self,
        transport: &dyn SqlTransport,
        database: &str,
    ) -> Result<Vec<Value>, DeployError> {
        let output = transport.execute(database, self).await?;
        self.answer(&output).ok_or_else(|| {
            DeployError::new(ErrorCode::PostgresQuery, format!("The answer of database `{database}` is not complete"))
                .resource(format!("database {database}"))
                .reason("incomplete-answer")
                .retryable(true)
        })
    }
}

fn terminated(statement: &str) -> String {
    format!("{};\n", statement.trim_end().trim_end_matches(';'))
}

/// A fresh marker for a script's frame.
pub(in crate::postgres) fn nonce(entropy: &dyn Entropy) -> String {
    let mut bytes = [0_u8; 12];
    entropy.fill(&mut bytes);
    format!("dn{}", hex::encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_the_whole_script_and_no_longer_than_allowed() {
        let statements: Vec<String> = (0..50).map(|number| format!("SELECT '{}'", "x".repeat(number))).collect();
        let script = Script::new("n".to_owned(), statements);
        for longest in [64, 100, 1000, 100_000] {
            let parts = script.parts(longest).unwrap();
            assert!(parts.iter().all(|part| part.len() <= longest && part.ends_with(";\n")));
            assert_eq!(parts.concat(), script.sql());
        }
        assert_eq!(script.parts(100_000).unwrap().len(), 1);
        assert_eq!(script.parts(40), None);
    }
}
