//! Whether we can speak to a server: its version, its contract, and what our key may do.

mod check;
mod contract;
mod identity;
mod version;

pub use check::Access;
pub use contract::{Mismatch, check as check_contract};
pub use identity::{KeyOwner, KeyPermissions, ServerCheck};
pub use version::Version;
