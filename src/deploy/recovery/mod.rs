//! What an interrupted run left in the middle is set right: an open port closed, a request waited for, a domain adopted.

mod domains;
mod interrupted;
mod landing;

pub(crate) use domains::adopt_domains_in_memory;
pub(crate) use interrupted::recover_interrupted;
