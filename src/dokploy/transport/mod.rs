//! How a call travels: the request, its repetition, the answer, and how all of it can fail.

mod call;
mod error;
mod http;
mod response;

pub use call::{Call, Method, Patience};
pub use error::{ApiError, Failure, FieldIssue};
pub use http::ClientSettings;
pub(super) use http::Transport;
