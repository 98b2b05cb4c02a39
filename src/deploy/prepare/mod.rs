//! From a checked request to a plan: sniff, resolve, observe, recover, plan. Makes only reads.

mod builds;
mod deployment;
mod desired_state;
mod draft;
mod image_checks;
mod images;
mod isolation;
mod login_rotation;
mod observe;
mod outdated;
mod past_choice;
mod removal;
mod resolver;
mod rollback;
mod rotation;
mod rotation_selection;
mod server_identity;
mod services;
mod sniff;
mod state_size;

pub(crate) use deployment::draft_deployment;
pub(crate) use draft::Draft;
pub(crate) use isolation::draft_isolation_proof;
pub(crate) use login_rotation::begin as begin_login_rotations;
pub(crate) use observe::{has_running_task, observe_stage, server_address};
pub(crate) use outdated::count_run;
pub(crate) use removal::draft_removal;
pub(crate) use resolver::{AppResolver, DATABASE_URL};
pub(crate) use rollback::{PastKnown, draft_past, draft_rollback};
pub(crate) use rotation::draft_rotation;
