//! What a workspace says of AWS: where its state is kept, who serves a zone, whether the database is backed up.

use super::fault::Faults;
use super::model::{AwsAccount, BackupSettings, S3Settings, SsmSettings, SsmTier, StateSettings};
use super::read::{self, Fields};
use serde_json::Value;

/// When a backup is made by default: every night.
const DEFAULT_SCHEDULE: &str = "0 2 * * *";

/// How many backups are kept by default.
const DEFAULT_RETENTION: u32 = 30;

const REGION: &str = "the region of an AWS account such as \"eu-central-1\"";

/// Region and profile of an account, where a field has them.
pub(super) fn read_account(fields: &Fields<'_>, faults: &mut Faults) -> AwsAccount {
    AwsAccount {
        region: fields.optional("region", faults, region),
        profile: fields.optional("profile", faults, read::text),
    }
}

/// The state in the parameter store: `{ provider: 'ssm', region, profile?, tier? }`.
pub(super) fn read_ssm(state: &Fields<'_>, faults: &mut Faults) -> StateSettings {
    const TIER: &str = "\"standard\", \"advanced\" or \"intelligent-tiering\"";
    let account = read_account(state, faults);
    if state.get("region").is_none() {
        faults.expected(&state.at("region"), REGION, None);
    }
    let tier = state.optional("tier", faults, |value| match value.as_str() {
        Some("standard") => Ok(SsmTier::Standard),
        Some("advanced") => Ok(SsmTier::Advanced),
        Some("intelligent-tiering") => Ok(SsmTier::IntelligentTiering),
        _ => Err(TIER),
    });
    StateSettings::Ssm(SsmSettings { account, tier: tier.unwrap_or_default() })
}

/// The state in a bucket: `{ provider: 's3', bucket, region?, endpoint?, prefix?, pathStyle?, profile? }`.
pub(super) fn read_s3(state: &Fields<'_>, faults: &mut Faults) -> Option<StateSettings> {
    const BUCKET: &str = "the name of a bucket";
    let account = read_account(state, faults);
    let bucket = state.required("bucket", BUCKET, faults, |value| bucket(value).ok_or(BUCKET));
    let endpoint = state.optional("endpoint", faults, read::endpoint);
    let prefix = state.optional("prefix", faults, |value| value.as_str().map(str::to_owned).ok_or("a text"));
    let path_style = state.optional("pathStyle", faults, |value| value.as_bool().ok_or("true or false"));
    Some(StateSettings::S3(S3Settings {
        account,
        bucket: bucket?,
        endpoint,
        prefix: prefix.unwrap_or_default(),
        path_style,
    }))
}

/// The backups of the database: `{ type: 's3', region, profile?, schedule?, retention? }`.
pub(super) fn read_backups(deploy: &Fields<'_>, faults: &mut Faults) -> Option<BackupSettings> {
    const RETENTION: &str = "a whole number of backups from 1 to 10000";
    let backups = deploy.object("backups", faults)?;
    backups.required("type", "\"s3\"", faults, |value| read::one_of(value, &["s3"], "\"s3\""));
    let region = backups.required("region", REGION, faults, region);
    let profile = backups.optional("profile", faults, read::text);
    let schedule = backups.optional("schedule", faults, schedule).unwrap_or_else(|| DEFAULT_SCHEDULE.to_owned());
    let retention = backups.optional("retention", faults, |value| {
        let count = value.as_u64().filter(|count| (1..=10_000).contains(count));
        count.and_then(|count| u32::try_from(count).ok()).ok_or(RETENTION)
    });
    let retention = retention.unwrap_or(DEFAULT_RETENTION);
    Some(BackupSettings { account: AwsAccount { region: Some(region?), profile }, schedule, retention })
}

/// A region: also those of stores that are not AWS's, such as `auto`.
fn region(value: &Value) -> Result<String, &'static str> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let text = value.as_str().filter(|text| !text.is_empty() && text.len() <= 40 && text.chars().all(fits));
    text.map(str::to_owned).ok_or(REGION)
}

fn bucket(value: &Value) -> Option<String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    let text = value.as_str()?;
    ((3..=63).contains(&text.len()) && text.chars().all(fits)).then(|| text.to_owned())
}

/// A hosted zone's id, as the console shows it or as the API answers it.
pub(super) fn hosted_zone(value: &Value) -> Result<String, &'static str> {
    let text = value.as_str().map(|text| text.trim_start_matches("/hostedzone/"));
    let fits = |id: &&str| !id.is_empty() && id.len() <= 32 && id.chars().all(|c| c.is_ascii_alphanumeric());
    text.filter(fits).map(str::to_owned).ok_or("the id of a hosted zone such as \"Z0123456789ABC\"")
}

/// A schedule as cron has it: five fields, or six with seconds.
fn schedule(value: &Value) -> Result<String, &'static str> {
    const EXPECTED: &str = "a schedule as cron has it, such as \"0 2 * * *\"";
    let text = value.as_str().map(str::trim).ok_or(EXPECTED)?;
    let fits = |c: char| c.is_ascii_alphanumeric() || "*/,-?#L ".contains(c);
    let fields = text.split_whitespace().count();
    if (5..=6).contains(&fields) && text.chars().all(fits) { Ok(text.to_owned()) } else { Err(EXPECTED) }
}

#[cfg(test)]
mod tests {
    use crate::workspace::{SsmTier, StateSettings, Workspace};
    use serde_json::{Value, json};

    #[expect(clippy::needless_pass_by_value, reason = "the tests hand over what they just made")]
    fn workspace(state: Value, deploy: Value) -> Result<Workspace, crate::DeployError> {
        let apps = json!({ "api": { "path": "api", "port": 1 } });
        Workspace::from_json(json!({ "name": "w", "root": "/w", "apps": apps, "state": state, "deploy": deploy }))
    }

    #[test]
    fn every_setting_is_read() {
        let dns = json!({ "example.com": { "provider": "route53", "profile": "p", "hostedZoneId": "/hostedzone/Z1", "ttl": 60 } });
        let backups = json!({ "type": "s3", "region": "eu-central-1", "profile": "p", "retention": 7 });
        let ssm = json!({ "provider": "ssm", "region": "eu-west-1", "profile": "p", "tier": "advanced" });
        let read = workspace(ssm, json!({ "dns": dns, "backups": backups })).unwrap();
        let StateSettings::Ssm(ssm) = &read.state else { panic!("{:?}", read.state) };
        assert_eq!((ssm.account.region.as_deref(), ssm.tier), (Some("eu-west-1"), SsmTier::Advanced));
        let zone = &read.deploy.dns["example.com"];
        assert_eq!((zone.account.profile.as_deref(), zone.hosted_zone_id.as_deref()), (Some("p"), Some("Z1")));
        let backups = read.deploy.backups.unwrap();
        assert_eq!((backups.schedule.as_str(), backups.retention), ("0 2 * * *", 7));

        let s3 = json!({
            "provider": "s3", "bucket": "state", "region": "auto", "endpoint": "https://s3.example.com/", "pathStyle": false,
        });
        let StateSettings::S3(s3) = workspace(s3, json!({})).unwrap().state else { panic!("another provider") };
        assert_eq!((s3.endpoint.as_deref(), s3.path_style), (Some("https://s3.example.com"), Some(false)));
    }

    #[test]
    fn every_fault_is_named() {
        let faults = |state: Value, deploy: Value| {
            let error = workspace(state, deploy).unwrap_err();
            error
                .message()
                .lines()
                .skip(1)
                .map(|line| line[4..].split(':').next().unwrap().to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(faults(json!({ "provider": "ssm", "tier": "free" }), json!({})), ["state.tier", "state.region"]);
        assert_eq!(faults(json!({ "provider": "s3", "pathStyle": 1 }), json!({})), ["state.pathStyle", "state.bucket"]);
        let backups = json!({ "type": "ftp", "region": "EU", "schedule": "daily", "retention": 0 });
        let expected = ["type", "region", "schedule", "retention"].map(|field| format!("deploy.backups.{field}"));
        assert_eq!(faults(json!(null), json!({ "backups": backups })), expected);
        let dns = json!({ "example.com": { "provider": "route53", "hostedZoneId": "a/b" } });
        assert_eq!(faults(json!(null), json!({ "dns": dns })), ["deploy.dns[\"example.com\"].hostedZoneId"]);
    }
}
