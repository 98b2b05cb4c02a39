//! What an app is delivered with: its image, its environment, the title of its deployment.

use super::logins::database_url_of;
use crate::DeployError;
use crate::deploy::changes::StepContext;
use crate::deploy::context::{ApplicationRef, PostgresService, RedisService};
use crate::deploy::prepare::{AppResolver, DATABASE_URL};
use crate::deploy::request::WaitFor;
use crate::plan::{
    DatabaseLogin, DeploymentTitle, DesiredApp, DesiredImage, DesiredRotation, LoginStage, app_fingerprint,
};
use crate::secrets::{Secret, generate_secret};
use indexmap::IndexMap;
use std::time::Duration;

/// What is known of an app's delivery before the run.
pub(crate) struct Delivery<'a> {
    pub(super) desired: &'a DesiredApp,
    pub(super) resolver: &'a AppResolver,
    /// The change of its database password that this run makes.
    pub(super) rotation: Option<&'a DesiredRotation>,
    /// The database login in its environment.
    pub(super) login: DatabaseLogin,
    /// The image with which it runs as desired already: when the build gives that one, nothing is to be done.
    pub(super) unless: Option<&'a str>,
    /// The environment that the server stored before the run.
    pub(super) stored_env: Option<&'a IndexMap<String, Secret>>,
    /// How far the request says that deployments are followed.
    pub(super) wait_for: WaitFor,
    /// Whether the app goes back to an earlier deployment.
    pub(super) goes_back: bool,
    /// How long the app must stay up to count as running.
    pub(super) stability: Duration,
}

/// What a delivery needs of the steps before it.
pub(crate) struct Parts {
    pub(super) application: ApplicationRef,
    /// The image's reference.
    pub(super) image: String,
    pub(super) postgres: Option<PostgresService>,
    pub(super) redis: Option<RedisService>,
}

/// Why a step that follows a build had nothing to do.
pub(super) const SAME_IMAGE: &str = "its image turned out to be the one that runs";

impl Delivery<'_> {
    /// Whether the app runs as desired already with this image.
    pub(super) fn runs_with(&self, image: &str) -> bool {
        self.unless == Some(image)
    }

    /// Whether this run brings the app from one of its database logins to the other.
    pub(super) fn changes_login(&self) -> bool {
        let stage = self.rotation.and_then(|rotation| rotation.login);
        matches!(stage, Some(LoginStage::Whole | LoginStage::Change | LoginStage::Return))
    }

    /// How far the deployment is followed. Whatever the request says, the next step of a rotation needs what this one
    /// brings to run, and an app is only back when it was seen running.
    pub(super) fn wait_for(&self) -> WaitFor {
        if self.changes_login() || self.goes_back { WaitFor::Running } else { self.wait_for }
    }

    /// The environment, with the values that only became known during the run, and with the database login.
    ///
    /// # Errors
    ///
    /// `INTERNAL` when a value or login is not known.
    pub(super) fn environment(
        &self,
        cx: &StepContext<'_>,
        parts: &Parts,
    ) -> Result<IndexMap<String, Secret>, DeployError> {
        let app = self.desired.name.as_str();
        let state = cx.state.snapshot();
        let mut env = self.desired.env.values.clone();
        if !self.desired.env.unknown.is_empty() {
            let redis = parts.redis.as_ref().map(|service| service.app_name.as_str());
            env = self.resolver.resolve(app, &state, parts.postgres.as_ref(), redis)?;
            env.values().for_each(|value| cx.reporter.hide(value));
        }
        let rotates = self.rotation.is_some_and(|rotation| rotation.login.is_some());
        if let Some(service) = parts.postgres.as_ref().filter(|_| rotates && env.contains_key(DATABASE_URL)) {
            let url = database_url_of(&state, app, service, self.login)?;
            cx.reporter.hide(&url);
            env.insert(DATABASE_URL.to_owned(), url);
        }
        Ok(env)
    }

    /// The title by which the deployment is known.
    pub(super) fn title(&self, cx: &StepContext<'_>, image: &str, env: &IndexMap<String, Secret>) -> DeploymentTitle {
        let nonce = generate_secret(cx.entropy());
        let ours = cx.state.snapshot().deploy_native.clone();
        let source = match &self.desired.image {
            DesiredImage::Build { fingerprint, .. } => fingerprint.clone(),
            // What it was built from matters as well when it is deployed again as it is.
            DesiredImage::Given { reference, .. } => {
                let pushed = cx.state.snapshot().deploy_native.images.get(&self.desired.name).cloned();
                pushed.filter(|pushed| pushed.reference == *reference).map(|pushed| pushed.fingerprint)
            }
        };
        DeploymentTitle {
            fingerprint: app_fingerprint(image, env, self.desired.registry.as_ref(), self.desired.check().as_ref()),
            image: source,
            release: cx.state.snapshot().deploy_native.released.get(&self.desired.name).cloned(),
            nonce: DeploymentTitle::nonce_of(ours.run.as_deref(), nonce.expose()),
            serial: Some(ours.serial).filter(|serial| *serial > 0),
        }
    }
}
