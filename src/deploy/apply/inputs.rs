//! What applying a plan needs.

use super::steps::Records;
use crate::deploy::changes::StepServices;
use crate::deploy::database_access::DatabaseAccess;
use crate::deploy::prepare::Draft;
use crate::deploy::request::DeploySettings;
use crate::image::ImageBuilder;
use std::collections::BTreeMap;

/// What applying a plan needs.
pub(crate) struct ApplyInputs<'a> {
    /// The plan, what was observed, and what is desired.
    pub(crate) draft: &'a Draft,
    /// The request.
    pub(crate) settings: &'a DeploySettings,
    /// What every step makes its changes with.
    pub(crate) services: &'a StepServices,
    /// How the database is reached.
    pub(crate) database: &'a DatabaseAccess,
    /// How DNS records are written.
    pub(crate) records: &'a Records,
    /// Who builds images.
    pub(crate) images: &'a dyn ImageBuilder,
    /// The base of the name of each application and service on the server.
    pub(crate) base_names: &'a BTreeMap<String, String>,
}
