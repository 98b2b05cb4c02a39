//! The engine against a simulated server: real HTTP, a real PostgreSQL, real DNS.

#![expect(clippy::unwrap_used, reason = "a test says by panicking that it failed")]

mod cancellation;
mod command_line;
mod database_access_comparison;
mod database_access_route;
mod deployment_queue;
mod domains;
mod drift;
mod environment_values;
mod existing_services;
mod external_database_port;
mod failures;
mod first_deployment;
mod hooks;
mod image_builds;
mod internal_database_access;
mod isolation;
mod lease;
mod many_apps;
mod on_failure;
mod preflight;
mod proxied_records;
mod readiness;
mod redeployment;
mod releases;
mod retired_apps;
mod rollback;
mod rotation;
mod small_store;
mod stale_plan;
mod undeploy;
mod unresolved_hosts;
mod wait_for_queued;
