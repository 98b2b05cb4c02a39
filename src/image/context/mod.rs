//! The build context: which files belong to it, as a tar stream and as a fingerprint.

mod glob;
mod ignore;
mod tar;
mod walk;

pub(super) use walk::{BuildContext, failed, read_dockerfile};
