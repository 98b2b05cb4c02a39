//! Whether the state will fit into its store: said before the first change, since a state that cannot be written any more
//! loses what a run has made.

use super::draft::Draft;
use crate::DeployError;
use crate::deploy::context::RunContext;
use crate::plan::{DeploymentTitle, Operation, verified};
use crate::state::{BackupState, Deployed, DnsRecordState, DnsVerified, PushedImage, State, Verified};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Map;
use sha2::{Digest as _, Sha256};

/// A time as the state has it.
const TIME: &str = "2026-01-01T00:00:00.000Z";

/// How long the server's ids are.
const ID: usize = 21;

/// Fails when the state, with all that the run will remember, does not fit into its store.
///
/// # Errors
///
/// `STATE_IO` with the reason `too-large`.
pub(super) fn check_state_size(context: &RunContext, draft: &Draft) -> Result<(), DeployError> {
    if draft.blueprint.plan.changes == 0 {
        return Ok(());
    }
    let mut state = forecast(draft);
    state.deploy_native.endpoint.get_or_insert_with(|| context.client.origin());
    context.state_provider.check_size(&state)
}

/// The state as it will be after the run; what is not known yet is stood in for by something as long.
fn forecast(draft: &Draft) -> State {
    let mut state = draft.state.clone();
    draft.generated.keep_in(&mut state);
    TIME.clone_into(&mut state.last_deployed_at);
    fill(&mut state.project_id, "project", ID);
    fill(&mut state.environment_id, "environment", ID);
    for app in draft.desired.apps.keys() {
        forecast_app(&mut state, draft, app);
    }
    for (host, desired) in &draft.desired.hosts {
        let (Some(zone), Some(ip)) = (&desired.zone, draft.desired.server_ip) else { continue };
        let server_ip = ip.to_string();
        let verified = DnsVerified { server_ip: server_ip.clone(), verified_at: TIME.to_owned(), unknown: Map::new() };
        state.dns_verified.entry(host.clone()).or_insert(verified);
        let record = DnsRecordState {
            domain: zone.root.clone(),
            name: zone.name.clone(),
            record_type: "A".to_owned(),
            value: server_ip,
            ttl: zone.ttl,
            created_at: TIME.to_owned(),
            app: Some(desired.app.clone()),
            previous: None,
            unknown: Map::new(),
        };
        state.dns_records.entry(format!("{}:A", zone.name)).or_insert(record);
    }
    if draft.desired.database.is_some() {
        state.deploy_native.database.get_or_insert_with(|| stand_in_hash("database", 64));
    }
    let services = [&mut state.services.postgres_id, &mut state.services.redis_id];
    for (id, wanted) in services.into_iter().zip([draft.desired.postgres.is_some(), draft.desired.redis.is_some()]) {
        if wanted {
            id.get_or_insert_with(|| stand_in("service", ID));
        }
    }
    let passwords = &mut state.deploy_native.passwords;
    if draft.desired.postgres.is_some() {
        passwords.postgres.get_or_insert_with(|| stand_in("password of postgres", 32).into());
    }
    if draft.desired.redis.is_some() {
        passwords.redis.get_or_insert_with(|| stand_in("password of redis", 32).into());
    }
    if draft.desired.backups.is_some() {
        state.backups.get_or_insert_with(|| forecast_backups(draft));
    }
    state
}

fn forecast_app(state: &mut State, draft: &Draft, app: &str) {
    let desired = &draft.desired.apps[app];
    let unique = |what: &str, length: usize| stand_in(&format!("{what} of {app}"), length);
    let hash = |what: &str, length: usize| stand_in_hash(&format!("{what} of {app}"), length);
    state.applications.entry(app.to_owned()).or_insert_with(|| unique("application", ID));
    if draft.desired.domains && !desired.host.is_empty() && state.deploy_native.domains.ids(&desired.host).is_empty() {
        state.deploy_native.domains.insert(desired.host.clone(), unique("domain", ID));
    }
    let built = draft.blueprint.operations.values().any(|it| *it == Operation::BuildImage { app: app.to_owned() });
    let reference = match &desired.image {
        crate::plan::DesiredImage::Given { reference, .. } => reference.clone(),
        crate::plan::DesiredImage::Build { build, .. } => format!("{}@sha256:{}", build.reference, hash("image", 64)),
    };
    if built {
        let image =
            PushedImage { reference: reference.clone(), fingerprint: hash("source", 32), ..PushedImage::default() };
        state.deploy_native.images.entry(app.to_owned()).or_insert(image);
    }
    let fingerprint = hash("deployment", 32);
    let title = DeploymentTitle {
        fingerprint: fingerprint.clone(),
        image: built.then(|| hash("source", 32)),
        nonce: hash("run", 12),
        serial: Some(1000),
        release: desired.release.as_ref().map(|_| hash("release", 32)),
    };
    let deployed = Deployed {
        fingerprint,
        environment: hash("environment", 32),
        image: reference,
        title: title.to_string(),
        checked: desired.check().is_some(),
        unknown: Map::new(),
    };
    if desired.release.is_some() {
        state.deploy_native.released.entry(app.to_owned()).or_insert_with(|| hash("release", 32));
    }
    let past = verified(desired, &deployed.image, &desired.env.values);
    if let Some(past) = past.filter(|_| draft.desired.follows) {
        let names = desired.env.unknown.iter().cloned();
        let ours = past.ours.iter().cloned().chain(names).collect();
        let (id, at) = (unique("run", 12), TIME.to_owned());
        let (credentials, release) = (hash("credentials", 8), hash("release", 8));
        state.deploy_native.history.remember(app, Verified { id, at, ours, credentials, release, ..past });
    }
    state.deploy_native.deployed.entry(app.to_owned()).or_insert(deployed);
}

fn forecast_backups(draft: &Draft) -> BackupState {
    let name = format!("{}-{}", draft.desired.workspace, draft.desired.stage);
    let (bucket, user) = (format!("{name}-backups-xxxxxx"), format!("dokploy-backup-{name}"));
    let mut backups =
        BackupState::new(bucket.clone(), format!("arn:aws:s3:::{bucket}"), user, "eu-central-1".to_owned());
    backups.iam_access_key_id = stand_in("access key", 20);
    backups.iam_secret_access_key = stand_in("secret access key", 40).into();
    backups.destination_id = stand_in("destination", ID);
    backups.postgres_backup_id = Some(stand_in("backup", ID));
    TIME.clone_into(&mut backups.created_at);
    backups
}

fn fill(field: &mut String, what: &str, length: usize) {
    if field.is_empty() {
        *field = stand_in(what, length);
    }
}

/// A text that is as hard to pack as an id: letters of both kinds, digits, `-` and `_`.
fn stand_in(what: &str, length: usize) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(what.as_bytes())).chars().cycle().take(length).collect()
}

/// A text that is as hard to pack as a hash in hexadecimal digits.
fn stand_in_hash(what: &str, length: usize) -> String {
    hex::encode(Sha256::digest(what)).chars().take(length).collect()
}
