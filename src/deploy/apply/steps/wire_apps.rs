//! From the operations of an app to tasks.

use super::delivery::{Delivery, Parts};
use super::readiness::Readiness;
use super::release::ReleaseWork;
use super::wire::{Wiring, unplanned};
use super::{application, deployment, domain, image, release};
use crate::DeployError;
use crate::deploy::apply::output::{IfMade, Inputs, Output};
use crate::deploy::apply::port_check::{Endpoint, ProbeImage};
use crate::deploy::changes::StepContext;
use crate::deploy::context::{ApplicationRef, PostgresService, RedisService};
use crate::deploy::prepare::Draft;
use crate::deploy::request::WaitFor;
use crate::plan::{DatabaseLogin, DesiredApp, DesiredImage, Operation, Step};
use crate::workspace::{Health, ReleaseLogin};
use std::time::Duration;

/// Where the services listen on the server's network.
const POSTGRES_PORT: u16 = 5432;
const REDIS_PORT: u16 = 6379;

/// What a delivery needs of the steps before it: application, image, Postgres and Redis.
type PartOutputs =
    (Output<ApplicationRef>, Output<String>, Option<Output<PostgresService>>, Option<Output<RedisService>>);

impl<'a> Wiring<'a> {
    pub(super) fn add_app_step(&mut self, step: &'a Step, operation: &'a Operation) -> Result<(), DeployError> {
        match operation {
            Operation::BuildImage { app } => self.add_build(step, operation, app),
            Operation::CreateApplication { app } => {
                let (environment, name) = (self.environment(step)?, self.base_name(app));
                let run = move |cx: StepContext<'a>, id: String| async move {
                    application::create(&cx, app, name, &id).await
                };
                let made = self.task(step, operation, environment, run);
                self.resources.applications.insert(app.clone(), made);
                Ok(())
            }
            Operation::MarkApplication { app, description } => {
                let application = self.application(step, app)?;
                let run = move |cx: StepContext<'a>, found| async move {
                    application::mark(&cx, app, description, &found).await
                };
                self.task(step, operation, application, run);
                Ok(())
            }
            Operation::Release { app } => self.add_release(step, operation, app),
            Operation::Configure { app, login, unless, check } => {
                let delivery = self.delivery(step, app, *login, unless.as_deref())?;
                let parts = self.parts(step, &delivery)?;
                let run = move |cx: StepContext<'a>, parts| async move {
                    deployment::configure(&cx, &delivery, &Parts::from(parts), *check).await
                };
                self.task(step, operation, parts, run);
                Ok(())
            }
            Operation::Deploy { app, login, unless } => {
                self.add_deployment(step, operation, (app, *login, unless.as_deref()))
            }
            Operation::AttachDomain { app, existing } => self.add_domain(step, operation, app, existing.as_deref()),
            Operation::DetachDomain { id, host, waits_for, .. } => {
                let check = IfMade(self.host_check(waits_for));
                let run = move |cx: StepContext<'a>, check| async move {
                    domain::detach(&cx, id, host, waits_for, check).await
                };
                self.task(step, operation, check, run);
                Ok(())
            }
            _ => Err(unplanned(step, "an app")),
        }
    }

    fn add_build(&mut self, step: &'a Step, operation: &'a Operation, app: &'a str) -> Result<(), DeployError> {
        let DesiredImage::Build { build, fingerprint } = &self.desired_app(step, app)?.image else {
            return Err(unplanned(step, "what its image is built from"));
        };
        let builder = self.run.images;
        let run = move |cx: StepContext<'a>, ()| async move {
            image::build(&cx, builder, build, fingerprint.as_deref()).await
        };
        let made = self.task(step, operation, (), run);
        self.resources.images.insert(app.to_owned(), made);
        Ok(())
    }

    fn add_release(&mut self, step: &'a Step, operation: &'a Operation, app: &'a str) -> Result<(), DeployError> {
        let delivery = self.delivery(step, app, DatabaseLogin::Own, None)?;
        let release = delivery.desired.release.as_ref().ok_or_else(|| unplanned(step, "what is to be run"))?;
        let mut needed = self.parts(step, &delivery)?;
        if release.login == ReleaseLogin::Owner {
            needed.2 = Some(self.postgres(step)?);
        }
        let inputs = (needed, self.environment(step)?);
        let work = ReleaseWork { delivery, release, owner: self.owner_access() };
        let run = move |cx: StepContext<'a>, (parts, environment): (_, String)| async move {
            release::run(&cx, &work, &Parts::from(parts), &environment).await
        };
        self.task(step, operation, inputs, run);
        Ok(())
    }

    fn add_deployment(
        &mut self,
        step: &'a Step,
        operation: &'a Operation,
        (app, login, unless): (&'a str, DatabaseLogin, Option<&'a str>),
    ) -> Result<(), DeployError> {
        let delivery = self.delivery(step, app, login, unless)?;
        let former = self.resources.deployments.get(app).and_then(|all| all.last().cloned());
        if delivery.wait_for() == WaitFor::Running && matches!(delivery.desired.health, Health::Port { .. }) {
            self.checks.announce(self.application(step, app)?, delivery.desired.port);
        }
        let services = (IfMade(self.resources.postgres.clone()), IfMade(self.resources.redis.clone()));
        let inputs = (self.parts(step, &delivery)?, self.environment(step)?, IfMade(former), services);
        let (checks, serves, draft) = (self.checks, self.graph.serves(step), self.run.draft);
        let run = move |cx: StepContext<'a>, (parts, environment, former, services): (_, String, _, _)| async move {
            let readiness = Readiness { checks, serves, images: probe_images(draft, services) };
            deployment::deploy(&cx, &delivery, &Parts::from(parts), (&readiness, &environment), former).await
        };
        let made = self.task(step, operation, inputs, run);
        self.resources.deployments.entry(app.to_owned()).or_default().push(made);
        Ok(())
    }

    fn add_domain(
        &mut self,
        step: &'a Step,
        operation: &'a Operation,
        app: &'a str,
        existing: Option<&'a str>,
    ) -> Result<(), DeployError> {
        let desired = self.desired_app(step, app)?;
        let inputs = (self.application(step, app)?, IfMade(self.host_check(&desired.host)));
        let run = move |cx: StepContext<'a>, (application, check)| async move {
            domain::attach(&cx, desired, existing, &application, check).await
        };
        let made = self.task(step, operation, inputs, run);
        self.resources.domains.insert(app.to_owned(), made);
        Ok(())
    }

    fn delivery(
        &self,
        step: &Step,
        app: &str,
        login: DatabaseLogin,
        unless: Option<&'a str>,
    ) -> Result<Delivery<'a>, DeployError> {
        let (draft, settings) = (self.run.draft, self.run.settings);
        Ok(Delivery {
            desired: self.desired_app(step, app)?,
            resolver: &draft.resolver,
            rotation: draft.desired.rotations.get(app),
            login,
            unless,
            stored_env: draft.observed.applications.get(app).map(|found| &found.env),
            wait_for: settings.wait_for,
            goes_back: draft.past.contains_key(app),
            stability: Duration::from_secs(settings.stability_seconds),
        })
    }

    /// What a delivery needs of other steps: the services only where their addresses are not known yet.
    fn parts(&self, step: &Step, delivery: &Delivery<'a>) -> Result<PartOutputs, DeployError> {
        let app = delivery.desired.name.as_str();
        let unknown = !delivery.desired.env.unknown.is_empty();
        let rotates = delivery.rotation.is_some_and(|rotation| rotation.login.is_some());
        let postgres = if rotates { Some(self.postgres(step)?) } else { self.resources.postgres.clone() };
        let redis = self.resources.redis.clone();
        Ok((
            self.application(step, app)?,
            self.image(step, delivery.desired)?,
            postgres.filter(|_| unknown || rotates),
            redis.filter(|_| unknown),
        ))
    }

    fn desired_app(&self, step: &Step, app: &str) -> Result<&'a DesiredApp, DeployError> {
        self.run.draft.desired.apps.get(app).ok_or_else(|| unplanned(step, &format!("the app {app}")))
    }

    fn application(&self, step: &Step, app: &str) -> Result<Output<ApplicationRef>, DeployError> {
        let known = self.resources.applications.get(app).cloned();
        known.ok_or_else(|| unplanned(step, &format!("the application of {app}")))
    }

    /// The image of an app: the one that this run builds, the one that is given, or the one that was pushed last.
    fn image(&self, step: &Step, desired: &DesiredApp) -> Result<Output<String>, DeployError> {
        if let Some(built) = self.resources.images.get(&desired.name) {
            return Ok(built.clone());
        }
        let reference = match &desired.image {
            DesiredImage::Given { reference, .. } => Some(reference.clone()),
            DesiredImage::Build { .. } => {
                let images = &self.run.draft.state.deploy_native.images;
                images.get(&desired.name).map(|image| image.reference.clone())
            }
        };
        let reference = reference.ok_or_else(|| unplanned(step, &format!("the image of {}", desired.name)))?;
        Ok(Output::known(reference))
    }
}

/// The images on the server in which a program may be found that connects: they are there already.
fn probe_images(draft: &Draft, (postgres, redis): (Option<PostgresService>, Option<RedisService>)) -> Vec<ProbeImage> {
    let postgres = postgres.and_then(|service| {
        let found = draft.observed.postgres.as_ref().map(|found| &found.image);
        let image = found.or(draft.desired.postgres.as_ref().map(|desired| &desired.image))?.clone();
        let control = Some(Endpoint { host: service.app_name, port: POSTGRES_PORT });
        Some(ProbeImage { image, registry: None, control })
    });
    let redis = redis.and_then(|service| {
        let found = draft.observed.redis.as_ref().map(|found| &found.image);
        let image = found.or(draft.desired.redis.as_ref().map(|desired| &desired.image))?.clone();
        let control = Some(Endpoint { host: service.app_name, port: REDIS_PORT });
        Some(ProbeImage { image, registry: None, control })
    });
    postgres.into_iter().chain(redis).collect()
}

impl From<<PartOutputs as Inputs>::Values> for Parts {
    fn from((application, image, postgres, redis): <PartOutputs as Inputs>::Values) -> Self {
        Self { application, image, postgres, redis }
    }
}
