//! One HTTP call: the request, its retries, the response, and every way in which it can fail.

mod call;
mod error;
mod http;
mod response;
mod server_time;

pub use call::{Call, Method, TimeoutClass};
pub use error::{ApiError, Failure, FieldIssue};
pub use http::ClientSettings;
pub(super) use http::Transport;
pub use server_time::ServerTime;
