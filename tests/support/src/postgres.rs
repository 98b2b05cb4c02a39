//! The PostgreSQL servers that tests run on.

use deploy_native_simulator::postgres::Binaries;
use std::path::PathBuf;

/// The folder in which `npm install` was run.
fn package() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "..", ".."].iter().collect()
}

/// The npm package's PostgreSQL.
pub fn bundled_postgres() -> Binaries {
    Binaries::bundled(&package()).expect("`npm install` brings the PostgreSQL of the tests")
}

/// Every PostgreSQL that this machine has, as [`Binaries::installations`] finds them.
pub fn postgres_installations() -> Vec<Binaries> {
    Binaries::installations(&package()).expect("`npm install` brings the PostgreSQL of the tests")
}
