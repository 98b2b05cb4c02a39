//! How changes of the server are made: announced in the journal, made once, with a lost answer looked for (I3).

mod context;
mod create_once;
mod deletion;
mod job;
mod zone_queue;

pub(crate) use context::{StepContext, StepServices};
pub(crate) use create_once::remove;
pub(crate) use deletion::{becomes_idle, delete_application};
pub(crate) use job::{Job, JobDeletion, delete_job};
pub(crate) use zone_queue::ZoneQueues;
