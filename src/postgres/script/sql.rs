//! The SQL that is the same for every workspace: the files in `sql/`.

/// Refuses what cannot end well, and keeps other runs out of the database.
pub(super) const BEGIN: &str = include_str!("sql/begin.sql");
/// Tells what stands in the database, as JSON.
pub(super) const FACTS: &str = include_str!("sql/facts.sql");
/// What provisions, in order.
pub(super) const PROVISION: &[&str] = &[
    include_str!("sql/roles.sql"),
    include_str!("sql/databases.sql"),
    include_str!("sql/schemas.sql"),
    include_str!("sql/objects.sql"),
    include_str!("sql/defaults.sql"),
    include_str!("sql/sharing.sql"),
];

/// What proves, in order.
pub(super) const PROOF: &[&str] = &[include_str!("sql/proof.sql"), include_str!("sql/matrix.sql")];

/// Every text of ours that decides what is applied and proven; part of the fingerprint.
pub(super) fn sources() -> impl Iterator<Item = &'static str> {
    PROVISION.iter().chain(PROOF).copied()
}
