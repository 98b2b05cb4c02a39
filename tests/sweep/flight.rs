//! What is interrupted: a run, the world in which it begins, and the world in which it must end.

use crate::check::{self, secrets};
use deploy_native::DeployError;
use deploy_native::deploy::{
    AppStatus, DeployRequest, RotateRequest, RunOptions, UndeployRequest, deploy, rotate_credentials, undeploy,
};
use deploy_native::dokploy::Dokploy;
use deploy_native_simulator::dns::ZoneRecord;
use deploy_native_test_support::{STAGE, World};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The secrets of a world by their place.
pub(crate) type Secrets = BTreeMap<String, String>;

/// A run that is interrupted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flight {
    /// The first deployment: five apps, two services, DNS; SQL through the external port.
    First,
    /// The first deployment of one app whose database is reached from inside the server's network.
    Inside,
    /// A deployment of other images, after the state was lost.
    Recovery,
    /// A deployment after two apps have swapped their host names, and a third one has got another.
    Renaming,
    /// The removal of everything, with its data.
    Removal,
    /// Another database password for one app; its own sweep tries it by either way.
    Rotation,
}

impl Flight {
    pub(crate) const ALL: [Self; 5] = [Self::First, Self::Inside, Self::Recovery, Self::Renaming, Self::Removal];

    /// The flight that `{:?}` names.
    pub(crate) fn named(name: &str) -> Self {
        Self::ALL.into_iter().chain([Self::Rotation]).find(|flight| format!("{flight:?}") == name).unwrap()
    }

    /// The world in which it begins, and the secrets that must outlive it.
    pub(crate) async fn start(self) -> (World, Secrets) {
        let world = start().await.by_port();
        if matches!(self, Self::First | Self::Inside) {
            return (world, Secrets::new());
        }
        let mut request = world.request();
        if self == Self::Recovery {
            for image in request["images"].as_object_mut().unwrap().values_mut() {
                let text = image.as_str().unwrap();
                *image = format!("{}f", &text[..text.len() - 1]).into();
            }
        }
        world.deploy(request).await.unwrap();
        let known = secrets(&world.state().await);
        if self == Self::Recovery {
            std::fs::remove_dir_all(world.root.path().join(".gkm")).unwrap();
        }
        (world, known)
    }

    /// What the run is asked for.
    pub(crate) fn request(self, world: &World) -> Value {
        let mut request = world.request();
        match self {
            Self::First | Self::Recovery => request,
            Self::Renaming => {
                let hosts = [("web", "admin.staging"), ("admin", "web.staging"), ("admin-auth", "login")];
                for (app, name) in hosts {
                    request["workspace"]["apps"][app]["domain"] = format!("{name}.example.com").into();
                }
                request
            }
            Self::Inside => {
                request["apps"] = json!(["auth"]);
                request["workspace"]["services"] = json!({ "db": true });
                request["databaseAccess"] = "internal".into();
                request
            }
            Self::Removal => json!({
                "workspace": request["workspace"], "stage": STAGE, "credentials": request["credentials"],
                "deleteData": true, "deleteProject": true,
            }),
            Self::Rotation => json!({
                "workspace": request["workspace"], "stage": STAGE, "credentials": request["credentials"],
                "apps": ["auth"], "stabilitySeconds": 0, "databaseHost": "127.0.0.1",
            }),
        }
    }

    /// Runs it; says how many changes it reports.
    pub(crate) async fn run(self, request: Value, options: RunOptions) -> Result<usize, DeployError> {
        if self == Self::Removal {
            let report = Box::pin(undeploy(UndeployRequest::from_json(request)?, options)).await;
            return report.map(|report| report.removed.len() + report.restored.len()).map_err(|failure| failure.error);
        }
        if self == Self::Rotation {
            let report = Box::pin(rotate_credentials(RotateRequest::from_json(request)?, options)).await;
            return report.map(|report| report.changes).map_err(|failure| failure.error);
        }
        let report = Box::pin(deploy(DeployRequest::from_json(request)?, options)).await;
        let report = report.map_err(|failure| failure.error)?;
        let runs = |status| matches!(status, AppStatus::Running | AppStatus::Skipped);
        assert!(report.apps.iter().all(|app| runs(app.status)), "{report:?}");
        Ok(report.changes)
    }

    /// Runs it in a world, undisturbed.
    pub(crate) async fn fly(self, world: &World) -> Result<usize, DeployError> {
        self.run(self.request(world), world.options()).await
    }

    /// Runs it again, undisturbed, and checks everything; `known` are the secrets that must have outlived it.
    pub(crate) async fn converges(self, world: &World, known: &Secrets) -> Result<(), String> {
        let mut before = check::secrets_on_disk(world).await?;
        self.fly(world).await.map_err(|error| format!("i3: the next run fails: {error:?}"))?;
        check::same_resources(world, self).await?;
        check::closed(world)?;
        check::journal_is_empty(world).await?;
        if self == Self::Removal {
            check::nothing_is_remembered(world).await?;
        } else {
            before.extend(known.clone());
            check::secrets_are_kept(world, &before).await?;
            check::secrets_work(world).await?;
            check::domains_are_known(world, self).await?;
            // What stood in a zone before us, nobody but the state knows.
            if self != Self::Recovery {
                check::records_can_come_back(world).await?;
            }
        }
        check::idle(world, self).await
    }
}

/// A world in which somebody else has things, too: one of their records stands where one of ours must.
pub(crate) async fn start() -> World {
    start_ahead(0).await
}

/// The same world, whose server's clock is so many seconds ahead.
pub(crate) async fn start_ahead(seconds: i64) -> World {
    let world = World::with(|builder| builder.clock_ahead(seconds)).await;
    let client = Dokploy::new(world.simulator.url(), &world.simulator.token().into()).unwrap();
    let theirs = client.project().create("somebody-elses", None).await.unwrap();
    world.simulator.create_application(&theirs.environment.environment_id, "api");
    for (name, kind, content) in check::THEIRS {
        world.dns.put_record("example.com", ZoneRecord::new(name, kind, check::THEIR_TTL, content));
    }
    world
}
