//! How SQL reaches the database.

use super::frame;
use crate::secrets::Entropy;
use crate::{DeployError, ErrorCode};
use async_trait::async_trait;
use serde_json::Value;
use std::fmt::Write as _;

/// Runs SQL in a database as its master.
///
/// One implementation speaks PostgreSQL's protocol over an opened port ([`super::PortTransport`]); another may run
/// `psql` beside the database. Both take the same scripts.
#[async_trait]
pub trait SqlTransport: Send + Sync {
    /// Runs `sql` in `database` and returns what `psql -AtqX -v ON_ERROR_STOP=1 -v VERBOSITY=verbose -c` prints.
    ///
    /// `sql` is one text of several statements, with its own transaction; it is made of ASCII unless a name is not, and
    /// carries no password. The output may hold other lines as well, and text around each line: scripts frame their
    /// answer. When this fails, the statements were applied wholly or not at all.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::PostgresUnreachable`], [`ErrorCode::PostgresAuthentication`], or [`ErrorCode::PostgresQuery`] with
    /// the SQLSTATE as its reason.
    async fn execute(&self, database: &str, sql: &str) -> Result<String, DeployError>;
}

/// Statements that are run together, and how to find their answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    statements: Vec<String>,
    nonce: String,
}

impl Script {
    /// A script that answers in a frame marked with `nonce`, which only letters and digits may make up.
    pub(super) fn new(nonce: String, statements: Vec<String>) -> Self {
        Self { statements, nonce }
    }

    /// The statements, one by one.
    pub fn statements(&self) -> &[String] {
        &self.statements
    }

    /// The whole script, as `psql -c` takes it.
    pub fn sql(&self) -> String {
        self.statements.iter().fold(String::new(), |mut sql, statement| {
            // Writing to a `String` cannot fail.
            let _ = writeln!(sql, "{};", statement.trim_end().trim_end_matches(';'));
            sql
        })
    }

    /// Finds the script's answer in the output of a transport; none when it is not there or not complete.
    pub fn answer(&self, output: &str) -> Option<Vec<Value>> {
        frame::read(output, &self.nonce)
    }

    /// Runs the script and returns its answer.
    pub(super) async fn run(&self, transport: &dyn SqlTransport, database: &str) -> Result<Vec<Value>, DeployError> {
        let output = transport.execute(database, &self.sql()).await?;
        self.answer(&output).ok_or_else(|| {
            DeployError::new(ErrorCode::PostgresQuery, format!("The answer of database `{database}` is not complete"))
                .resource(format!("database {database}"))
                .reason("incomplete-answer")
                .retryable(true)
        })
    }
}

/// A fresh marker for a script's frame.
pub(super) fn nonce(entropy: &dyn Entropy) -> String {
    let mut bytes = [0_u8; 12];
    entropy.fill(&mut bytes);
    bytes.iter().fold("dn".to_owned(), |mut nonce, byte| {
        // Writing to a `String` cannot fail.
        let _ = write!(nonce, "{byte:02x}");
        nonce
    })
}
