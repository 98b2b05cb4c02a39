//! From the operations of a plan to tasks: which step is given what, and what it makes known.

use super::logins::LoginChanges;
use super::record::HostPlace;
use super::release::OwnerAccess;
use super::{project, release, removal, roles, service, twin};
use crate::deploy::apply::graph::{Graph, StepOutcome};
use crate::deploy::apply::inputs::ApplyInputs;
use crate::deploy::apply::output::{IfMade, Inputs, Output};
use crate::deploy::apply::port_check::PortChecks;
use crate::deploy::apply::resources::{HostCheck, Resources};
use crate::deploy::changes::StepContext;
use crate::deploy::context::{POSTGRES_NAME, PostgresService, REDIS_NAME};
use crate::deploy::database_access::DatabaseTarget;
use crate::plan::{Operation, Step};
use crate::{DeployError, ErrorCode};
use std::future::Future;

/// Turns a plan into tasks.
///
/// # Errors
///
/// `INTERNAL` when a step needs what neither was observed nor is made by a step before it: nothing is changed then.
pub(in crate::deploy::apply) fn wire<'a>(
    run: &'a ApplyInputs<'a>,
    checks: &'a PortChecks,
) -> Result<(Graph<'a>, Resources), DeployError> {
    let resources = Resources::observed(&run.draft.observed);
    let mut wiring = Wiring { run, checks, graph: Graph::default(), resources };
    for step in &run.draft.blueprint.plan.steps {
        if let Some(operation) = run.draft.blueprint.operations.get(&step.id) {
            wiring.add(step, operation)?;
        }
    }
    Ok((wiring.graph, wiring.resources))
}

/// Adds tasks to a graph, and keeps what they make known.
pub(super) struct Wiring<'a> {
    pub(super) run: &'a ApplyInputs<'a>,
    pub(super) checks: &'a PortChecks,
    pub(super) graph: Graph<'a>,
    pub(super) resources: Resources,
}

impl<'a> Wiring<'a> {
    fn add(&mut self, step: &'a Step, operation: &'a Operation) -> Result<(), DeployError> {
        match operation {
            Operation::Keep => Ok(()),
            Operation::CreateProject | Operation::CreateEnvironment | Operation::MarkEnvironment => {
                self.add_place(step, operation)
            }
            Operation::ProvisionPostgres | Operation::ProvisionRedis => self.add_service(step, operation),
            Operation::SetUpBackups | Operation::BackUpLast | Operation::RemoveBackups | Operation::DeleteBackups => {
                self.add_backup_step(step, operation)
            }
            Operation::ClosePort
            | Operation::ApplyRoles
            | Operation::ProveIsolation
            | Operation::DropRoles { .. }
            | Operation::OpenSecondLogins { .. }
            | Operation::ChangePasswords { .. }
            | Operation::CloseSecondLogins { .. }
            | Operation::CloseOwnerLogins { .. } => self.add_database_work(step, operation),
            Operation::FinishRelease(twin) => {
                let run = move |cx: StepContext<'a>, ()| async move { release::finish_interrupted(&cx, twin).await };
                self.task(step, operation, (), run);
                Ok(())
            }
            Operation::WriteRecord { .. } | Operation::VerifyRecord { .. } | Operation::RestoreRecord { .. } => {
                self.add_record(step, operation)
            }
            Operation::BuildImage { .. }
            | Operation::CreateApplication { .. }
            | Operation::MarkApplication { .. }
            | Operation::Release { .. }
            | Operation::Configure { .. }
            | Operation::Deploy { .. }
            | Operation::AttachDomain { .. }
            | Operation::DetachDomain { .. } => self.add_app_step(step, operation),
            Operation::RemoveTwin(_)
            | Operation::RemoveApplication { .. }
            | Operation::RemovePostgres
            | Operation::RemoveRedis
            | Operation::RemoveEnvironment
            | Operation::RemoveProject => self.add_removal(step, operation),
        }
    }

    /// Adds a task that makes something known.
    pub(super) fn task<I, T, Run, Running>(
        &mut self,
        step: &'a Step,
        kind: &Operation,
        inputs: I,
        run: Run,
    ) -> Output<T>
    where
        I: Inputs + 'a,
        T: Send + Sync + 'a,
        Run: FnOnce(StepContext<'a>, I::Values) -> Running + Send + 'a,
        Running: Future<Output = Result<StepOutcome<T>, DeployError>> + Send + 'a,
    {
        let cx = StepContext::new(self.run.services, step);
        self.graph.add(step, kind.kind(), inputs, move |values| run(cx, values))
    }

    fn add_place(&mut self, step: &'a Step, operation: &'a Operation) -> Result<(), DeployError> {
        match operation {
            Operation::CreateProject => {
                let run = |cx: StepContext<'a>, ()| async move { project::create(&cx).await };
                self.resources.project = Some(self.task(step, operation, (), run));
            }
            Operation::CreateEnvironment => {
                let project = self.project(step)?;
                let run = |cx: StepContext<'a>, id: String| async move { project::create_environment(&cx, &id).await };
                self.resources.environment = Some(self.task(step, operation, project, run));
            }
            _ => {
                let environment = self.environment(step)?;
                let run = |cx: StepContext<'a>, id: String| async move { project::mark_environment(&cx, &id).await };
                self.task(step, operation, environment, run);
            }
        }
        Ok(())
    }

    fn add_service(&mut self, step: &'a Step, operation: &'a Operation) -> Result<(), DeployError> {
        let environment = self.environment(step)?;
        let (desired, access) = (&self.run.draft.desired, self.run.database);
        if *operation == Operation::ProvisionPostgres {
            let desired = desired.postgres.as_ref().ok_or_else(|| unplanned(step, "a declared Postgres service"))?;
            let (existing, name) =
                (self.resources.postgres.as_ref().and_then(Output::get), self.base_name(POSTGRES_NAME));
            let run = move |cx: StepContext<'a>, environment: String| async move {
                service::postgres(&cx, desired, name, access, existing, &environment).await
            };
            self.resources.postgres = Some(self.task(step, operation, environment, run));
        } else {
            let desired = desired.redis.as_ref().ok_or_else(|| unplanned(step, "a declared Redis service"))?;
            let (existing, name) = (self.resources.redis.as_ref().and_then(Output::get), self.base_name(REDIS_NAME));
            let run = move |cx: StepContext<'a>, environment: String| async move {
                service::redis(&cx, desired, name, existing, &environment).await
            };
            self.resources.redis = Some(self.task(step, operation, environment, run));
        }
        Ok(())
    }

    fn add_database_work(&mut self, step: &'a Step, operation: &'a Operation) -> Result<(), DeployError> {
        let (access, postgres) = (self.run.database, self.postgres(step)?);
        let public_schema_app = self.run.settings.public_schema_app.as_deref();
        if *operation == Operation::ClosePort {
            let run = move |cx: StepContext<'a>, service: PostgresService| async move {
                roles::close_port(&cx, access, &service).await
            };
            self.task(step, operation, postgres, run);
            return Ok(());
        }
        let target = (postgres, self.environment(step)?);
        if matches!(operation, Operation::ApplyRoles | Operation::ProveIsolation) {
            let desired = self.run.draft.roles.as_ref().ok_or_else(|| unplanned(step, "roles"))?;
            let run = move |cx: StepContext<'a>, (service, environment)| async move {
                let target = DatabaseTarget { service, environment };
                if *operation == Operation::ApplyRoles {
                    roles::apply(&cx, access, desired, &target).await
                } else {
                    roles::prove_isolation(&cx, access, desired, &target).await
                }
            };
            self.resources.roles = Some(self.task(step, operation, target, run));
            return Ok(());
        }
        if let Operation::CloseOwnerLogins { apps } = operation {
            let owner = self.owner_access();
            let run = move |cx: StepContext<'a>, (service, environment)| async move {
                release::close_logins(&cx, owner, apps, &DatabaseTarget { service, environment }).await
            };
            self.task(step, operation, target, run);
            return Ok(());
        }
        let draft = self.run.draft;
        let (rotations, resolver) = (&draft.desired.rotations, &draft.resolver);
        let changes = LoginChanges { rotations, resolver, public_schema_app, access };
        let run = move |cx: StepContext<'a>, (service, environment)| async move {
            let target = DatabaseTarget { service, environment };
            match operation {
                Operation::OpenSecondLogins { apps } => changes.open(&cx, apps, &target).await,
                Operation::ChangePasswords { apps } => changes.change_passwords(&cx, apps, &target).await,
                Operation::CloseSecondLogins { apps } => changes.close(&cx, apps, &target).await,
                Operation::DropRoles { apps } => roles::drop_roles(&cx, access, apps, public_schema_app, &target).await,
                _ => Ok(StepOutcome::unchanged("it is no work in the database")),
            }
        };
        self.task(step, operation, target, run);
        Ok(())
    }

    fn add_record(&mut self, step: &'a Step, operation: &'a Operation) -> Result<(), DeployError> {
        let records = self.run.records;
        match operation {
            Operation::WriteRecord { host } => {
                let (place, before) = (self.place(step, host)?, self.run.draft.observed.records.get(host));
                records.provider(&place.zone.root)?;
                let run = move |cx: StepContext<'a>, ()| async move { records.write(&cx, &place, before).await };
                self.task(step, operation, (), run);
            }
            Operation::VerifyRecord { host } => {
                let place = self.place(step, host)?;
                let run = move |cx: StepContext<'a>, ()| async move { records.verify(&cx, &place).await };
                let check = self.task(step, operation, (), run);
                self.resources.hosts.insert(host.clone(), check);
            }
            Operation::RestoreRecord { key, moved } => {
                let successor = moved.as_ref().and_then(|app| self.run.draft.desired.apps.get(app));
                let successor = successor.map(|desired| desired.host.as_str());
                let check = IfMade(successor.and_then(|host| self.host_check(host)));
                let run =
                    move |cx: StepContext<'a>, check| async move { records.restore(&cx, key, successor, check).await };
                self.task(step, operation, check, run);
            }
            _ => {}
        }
        Ok(())
    }

    fn add_removal(&mut self, step: &'a Step, operation: &'a Operation) -> Result<(), DeployError> {
        match operation {
            Operation::RemoveTwin(twin) => {
                let run = move |cx: StepContext<'a>, ()| async move { twin::remove_twin(&cx, twin).await };
                self.task(step, operation, (), run);
            }
            Operation::RemoveApplication { app, id } => {
                let found = self.run.draft.observed.applications.get(app);
                let domains = found.into_iter().flat_map(|found| &found.domains).map(|domain| domain.id.clone());
                let domains: Vec<String> = domains.collect();
                let run =
                    move |cx: StepContext<'a>, ()| async move { removal::application(&cx, app, id, &domains).await };
                self.task(step, operation, (), run);
            }
            Operation::RemovePostgres => {
                let service = self.postgres(step)?;
                let run = |cx: StepContext<'a>, service| async move { removal::postgres(&cx, &service).await };
                self.task(step, operation, service, run);
            }
            Operation::RemoveRedis => {
                let service = self.resources.redis.clone().ok_or_else(|| unplanned(step, "the Redis service"))?;
                let run = |cx: StepContext<'a>, service| async move { removal::redis(&cx, &service).await };
                self.task(step, operation, service, run);
            }
            Operation::RemoveEnvironment => {
                let environment = self.environment(step)?;
                let run = |cx: StepContext<'a>, id: String| async move { removal::environment(&cx, &id).await };
                self.task(step, operation, environment, run);
            }
            _ => {
                let project = self.project(step)?;
                let run = |cx: StepContext<'a>, id: String| async move { removal::project(&cx, &id).await };
                self.task(step, operation, project, run);
            }
        }
        Ok(())
    }

    /// How logins are made that act as the owner of the database.
    pub(super) fn owner_access(&self) -> OwnerAccess<'a> {
        OwnerAccess { access: self.run.database, roles: self.run.draft.roles.as_ref() }
    }

    fn project(&self, step: &Step) -> Result<Output<String>, DeployError> {
        self.resources.project.clone().ok_or_else(|| unplanned(step, "the project"))
    }

    pub(super) fn environment(&self, step: &Step) -> Result<Output<String>, DeployError> {
        self.resources.environment.clone().ok_or_else(|| unplanned(step, "the environment"))
    }

    pub(super) fn postgres(&self, step: &Step) -> Result<Output<PostgresService>, DeployError> {
        self.resources.postgres.clone().ok_or_else(|| unplanned(step, "the Postgres service"))
    }

    /// What DNS says of a host name, when a step asks it.
    pub(super) fn host_check(&self, host: &str) -> Option<Output<HostCheck>> {
        self.resources.hosts.get(host).cloned()
    }

    pub(super) fn base_name(&self, name: &str) -> Option<&'a str> {
        self.run.base_names.get(name).map(String::as_str)
    }

    /// A host name, where its record lives, and where it is to lead.
    fn place(&self, step: &Step, host: &'a str) -> Result<HostPlace<'a>, DeployError> {
        let desired = &self.run.draft.desired;
        let zone = desired.hosts.get(host).and_then(|found| Some((found.app.as_str(), found.zone.as_ref()?)));
        let ((app, zone), address) = zone
            .zip(desired.server_ip)
            .ok_or_else(|| unplanned(step, &format!("the zone and the address of `{host}`")))?;
        Ok(HostPlace { host, app, zone, address })
    }
}

/// The error of a plan that cannot be carried out.
pub(super) fn unplanned(step: &Step, what: &str) -> DeployError {
    let message = format!("{} needs {what}, and neither is it there nor is it planned", step.resource);
    DeployError::new(ErrorCode::Internal, message).step(&step.id)
}
