//! Which secrets of a run must never be shown (I6).

use crate::deploy::request::Credentials;
use crate::secrets::{Redactor, Secret};
use crate::state::State;

/// Adds what the caller gave to what must never be shown (I6).
pub(crate) fn hide_given(redactor: &Redactor, credentials: &Credentials, values: impl IntoIterator<Item = Secret>) {
    redactor.add(&credentials.dokploy.token);
    let vendors = credentials.hostinger.iter().chain(&credentials.cloudflare).map(|vendor| &vendor.token);
    vendors
        .chain(credentials.registry.iter().map(|registry| &registry.password))
        .for_each(|secret| redactor.add(secret));
    let aws = credentials.aws.iter().filter_map(|aws| aws.keys.as_ref());
    for keys in aws {
        [Some(&keys.secret_access_key), keys.session_token.as_ref()]
            .into_iter()
            .flatten()
            .for_each(|it| redactor.add(it));
    }
    values.into_iter().for_each(|secret| redactor.add(&secret));
}

/// Adds the secrets that a state remembers (I6).
pub(crate) fn hide_state(redactor: &Redactor, state: &State) {
    let passwords = &state.deploy_native.passwords;
    let services = passwords.postgres.iter().chain(&passwords.redis);
    let apps = state.app_credentials.values().map(|credentials| &credentials.db_password);
    let generated = state.generated_secrets.values().flat_map(|secrets| secrets.values());
    let rotating = state.deploy_native.rotations.values().filter_map(|rotation| rotation.login.as_ref());
    let rotating = rotating.flat_map(|login| [&login.interim, &login.next]);
    let backups = state.backups.iter().map(|backups| &backups.iam_secret_access_key);
    let past = state.deploy_native.history.secrets();
    let all = services.chain(apps).chain(generated).chain(rotating).chain(backups).chain(past);
    all.for_each(|secret| redactor.add(secret));
}
