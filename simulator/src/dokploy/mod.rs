//! The Dokploy API: its routers, the tables behind them, and the deployment queue.

mod call;
mod dotenv;
pub(crate) mod error;
pub(crate) mod model;
pub(crate) mod queue;
mod router;
pub(crate) mod schema;
pub(crate) mod validate;

pub(crate) use call::{Answer, Call, Reply};
pub(crate) use router::perform;
