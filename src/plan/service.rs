//! The steps of the database services: created and deployed where they are missing, never restarted where they run.

use super::blueprint::{Draft, not_ours};
use super::observed::{Ownership, ServiceDeployment};
use super::operation::Operation;
use super::step::{Action, Step};

/// A service that was found.
struct Found<'a> {
    ownership: Ownership,
    deployment: ServiceDeployment,
    image: &'a str,
}

/// Adds the steps of Postgres and Redis.
pub(super) fn add(draft: &mut Draft<'_>) {
    let (desired, observed) = (draft.desired, draft.observed);
    if let Some(desired) = &desired.postgres {
        let found = observed.postgres.as_ref().map(|found| Found {
            ownership: found.ownership,
            deployment: found.deployment,
            image: &found.image,
        });
        service(draft, "postgres", "db", &desired.image, found.as_ref(), Operation::ProvisionPostgres);
    }
    if let Some(desired) = &desired.redis {
        let found = observed.redis.as_ref().map(|found| Found {
            ownership: found.ownership,
            deployment: found.deployment,
            image: &found.image,
        });
        service(draft, "redis", "cache", &desired.image, found.as_ref(), Operation::ProvisionRedis);
    }
}

fn service(
    draft: &mut Draft<'_>,
    kind: &str,
    name: &str,
    image: &str,
    found: Option<&Found<'_>>,
    operation: Operation,
) {
    let id = format!("service:{kind}");
    let resource = format!("{kind} {name}");
    let Some(found) = found else {
        let mut step = Step::new(&id, Action::Create, &resource, "the workspace declares it");
        step.depends_on = draft.only_changing(["environment"]);
        step.details.push(format!("image {image}; its host name is known after apply"));
        return draft.push(step, operation);
    };
    if found.ownership == Ownership::Foreign {
        let hint = format!(
            "Rename or remove the service `{name}` of environment `{}`, or restore the state file that names it",
            draft.desired.stage
        );
        return draft.errors.push(not_ours(&resource).hint(hint));
    }
    let again = match found.deployment {
        ServiceDeployment::Never => "it was created and never deployed",
        ServiceDeployment::UnderWay => {
            "a deployment of it is under way or was interrupted: it is waited for, and repeated if nothing comes of it"
        }
        ServiceDeployment::Failed => "its newest deployment failed",
        ServiceDeployment::Outlived | ServiceDeployment::Done => {
            keep(draft, found, &id, &resource, image);
            return;
        }
    };
    draft.push(Step::new(&id, Action::Update, &resource, again), operation);
}

fn keep(draft: &mut Draft<'_>, found: &Found<'_>, id: &str, resource: &str, image: &str) {
    if found.deployment == ServiceDeployment::Outlived {
        draft.note(format!(
            "{resource} runs, although the server does not say that its newest deployment succeeded: it is not deployed \
             again, since that would restart it"
        ));
    }
    if found.image != image {
        draft.note(format!(
            "{resource} runs {} and the workspace names {image}: a service's version is not changed by a deployment",
            found.image
        ));
    }
    draft.keep(id, resource, "exists");
}
