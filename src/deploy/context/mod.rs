//! What every phase of a run is given: the checked request, clients, zones, names, the lock.

mod clients;
mod clock;
mod leases;
mod lock;
mod names;
mod redaction;
mod registry;
mod reporter;
mod resource;
mod run;
mod scope;
mod selection;
mod zones;

pub(crate) use clients::{registry_host, registry_login};
pub(crate) use clock::iso_millis;
pub(crate) use leases::{LeaseNeeds, Leases};
pub(crate) use lock::RunLock;
pub(crate) use names::{DEFAULT_ENVIRONMENT, Marks, POSTGRES_NAME, REDIS_NAME, base_names, carries};
pub(crate) use redaction::hide_state;
pub(crate) use registry::take_declared_registry;
pub(crate) use reporter::Reporter;
pub(crate) use resource::{ApplicationRef, PostgresService, RedisService};
pub(crate) use run::RunContext;
pub(crate) use scope::RunScope;
pub(crate) use selection::selected_apps;
pub(crate) use zones::Providers;
