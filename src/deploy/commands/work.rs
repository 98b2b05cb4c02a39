//! What a run carries its drafts out with.

use crate::DeployError;
use crate::deploy::apply::{Applied, ApplyInputs, Records, apply};
use crate::deploy::changes::StepServices;
use crate::deploy::context::{Backups, Providers, RunContext, RunLock, base_names, iso_millis};
use crate::deploy::database_access::{DatabaseAccess, Route};
use crate::deploy::prepare::Draft;
use crate::plan::{DatabaseRoute, Operation};
use crate::state::{Journal, SharedState};
use std::sync::Arc;
use std::time::Duration;

/// What a run carries its drafts out with: most have one, and one more where a failed run is put back.
pub(super) struct Work<'a> {
    pub(super) context: &'a RunContext,
    pub(super) services: StepServices,
    records: Records,
    backups: Backups,
}

impl<'a> Work<'a> {
    pub(super) fn new(
        context: &'a RunContext,
        lock: &RunLock,
        (state, journal): (SharedState, Journal),
        providers: Providers,
    ) -> Self {
        let backups = Backups::of(context, Some(&*state.snapshot()));
        let timeout = Duration::from_secs(context.request.settings.dns_timeout_seconds);
        let records = Records::new(providers, context.lookup_options(), timeout);
        Self { context, services: services(context, lock, state, journal), records, backups }
    }

    /// Carries a draft out; returns the way to the database that was taken as well.
    ///
    /// # Errors
    ///
    /// As [`apply`].
    pub(super) async fn apply(&self, draft: &Draft) -> Result<(Applied, Option<Route>), DeployError> {
        let database = database_access(self.context, draft);
        let inputs = ApplyInputs {
            draft,
            settings: &self.context.request.settings,
            services: &self.services,
            database: &database,
            records: &self.records,
            backups: &self.backups,
            images: self.context.image_builder.as_ref(),
            base_names: &base_names(&self.context.request.workspace),
        };
        let applied = apply(&inputs, &self.context.options.cancel).await?;
        Ok((applied, database.taken()))
    }
}

fn services(context: &RunContext, lock: &RunLock, state: SharedState, journal: Journal) -> StepServices {
    StepServices {
        client: context.client.clone(),
        state,
        journal,
        begun: iso_millis(context.now()),
        reporter: context.reporter.clone(),
        marks: context.marks(),
        surroundings: context.options.surroundings.clone(),
        cleanup: lock.cleanup().clone(),
        leases: Arc::clone(lock.leases()),
    }
}

fn database_access(context: &RunContext, draft: &Draft) -> DatabaseAccess {
    let applies_roles = draft.blueprint.operations.values().any(|operation| *operation == Operation::ApplyRoles);
    let by_port = draft.route.way == DatabaseRoute::ExternalPort;
    let image = draft.desired.postgres.as_ref().map(|desired| desired.image.clone());
    DatabaseAccess::new(draft.route.clone(), context.database_host(), image, by_port && applies_roles)
}
