//! Which variables exist, where each value comes from, and how they reach the app.
//!
//! [`resolve_env`] finds the values, [`missing_env_error`] says what is missing, [`encode_env`] writes Dokploy's `env`
//! text, [`parse_env`] reads it as the server does and [`read_env`] as the app sees it; [`env_changes`] and
//! [`container_changes`] compare.

mod address;
mod automatic;
mod change;
mod context;
mod dotenv;
mod encode;
mod json_fields;
mod missing;
mod resolve;
mod secrets;
mod stage_secrets;
mod stored;
mod template;
mod variable;

pub use address::{PostgresAddress, RedisAddress};
pub use automatic::{AUTOMATIC_VARIABLES, AutomaticVariable};
pub use change::{VariableChange, VariableChangeKind, container_changes, env_changes, env_digest};
pub use context::EnvContext;
pub use dotenv::parse_env;
pub use encode::encode_env;
pub use missing::missing_env_error;
pub(crate) use resolve::is_automatic;
pub use resolve::{EnvResolution, resolve_env};
pub use secrets::Secrets;
pub use stored::{StoredEnv, read_env};
pub(crate) use template::expand as expand_template;
pub use variable::{EnvSource, EnvVariable};

pub use crate::workspace::is_variable_name;
