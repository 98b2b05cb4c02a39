//! Whose credentials are used, and what is said where there are none.

use crate::moto::{SECRET, account, moto, nowhere};
use crate::relay::Relay;
use deploy_native::ErrorCode;
use deploy_native::aws::{AwsEnvironment, AwsOptions};
use deploy_native::dns::{DnsProvider, Route53Options, Route53Provider};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use tempfile::{TempDir, tempdir};

/// A home folder with these files in `.aws`.
fn home(config: &str, credentials: &str) -> TempDir {
    let home = tempdir().unwrap();
    fs::create_dir(home.path().join(".aws")).unwrap();
    fs::write(home.path().join(".aws/config"), config).unwrap();
    fs::write(home.path().join(".aws/credentials"), credentials).unwrap();
    home
}

fn environment(home: Option<&Path>, variables: &[(&str, &str)]) -> AwsEnvironment {
    // No machine is asked for its role.
    let none = ("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:1");
    let all = variables.iter().chain([&none]).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    AwsEnvironment::fixed(home.map(Path::to_owned), all)
}

/// Whose key signed the request to Route 53.
async fn key_of(relay: &Relay, options: AwsOptions) -> Result<String, deploy_native::DeployError> {
    let provider = Route53Provider::new(Route53Options::default().aws(options))?;
    let error = provider.get_records("nobody.invalid").await.unwrap_err();
    if error.code() != ErrorCode::DnsZoneNotFound {
        return Err(error);
    }
    let header = relay.authorizations().pop().unwrap();
    Ok(header.split("Credential=").nth(1).unwrap().split('/').next().unwrap().to_owned())
}

fn options(relay: &Relay, environment: AwsEnvironment, profile: Option<&str>) -> AwsOptions {
    let mut options = account(&relay.url).environment(environment);
    options.keys = None;
    options.profile = profile.map(str::to_owned);
    options
}

const KEYS: &str = "\
[default]
aws_access_key_id = DEFAULT
aws_secret_access_key = canary-default
[work]
aws_access_key_id = WORK
aws_secret_access_key = canary-work
";

#[tokio::test(flavor = "multi_thread")]
async fn keys_of_the_request_come_first_then_a_profile_then_what_the_tools_find() {
    let Some(moto) = moto("whose credentials") else { return };
    let relay = Relay::before(&moto.url).await;
    let home = home("", KEYS);
    let variables = [("AWS_ACCESS_KEY_ID", "FROMENV"), ("AWS_SECRET_ACCESS_KEY", "canary-env")];
    let of = |keys: bool, profile: Option<&str>, variables: &[(&str, &str)]| {
        let mut found = options(&relay, environment(Some(home.path()), variables), profile);
        found.keys = account("").keys.filter(|_| keys);
        found
    };
    assert_eq!(key_of(&relay, of(true, Some("work"), &variables)).await.unwrap(), "AKIATEST");
    assert_eq!(key_of(&relay, of(false, Some("work"), &variables)).await.unwrap(), "WORK");
    assert_eq!(key_of(&relay, of(false, None, &variables)).await.unwrap(), "FROMENV");
    assert_eq!(key_of(&relay, of(false, None, &[("AWS_PROFILE", "work")])).await.unwrap(), "WORK");
    assert_eq!(key_of(&relay, of(false, None, &[])).await.unwrap(), "DEFAULT");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_takes_on_a_role_or_runs_a_process() {
    let Some(moto) = moto("a role") else { return };
    let relay = Relay::before(&moto.url).await;
    let config = "\
[profile deploy]
role_arn = arn:aws:iam::123456789012:role/deploy
source_profile = work
external_id = shop
region = eu-central-1
[profile chained]
role_arn = arn:aws:iam::123456789012:role/chained
source_profile = deploy
[profile circle]
role_arn = arn:aws:iam::123456789012:role/circle
source_profile = round
[profile round]
role_arn = arn:aws:iam::123456789012:role/round
source_profile = circle
[profile process]
credential_process = HOME/process
";
    let home = home("", KEYS);
    let process = home.path().join("process");
    let answer = r#"{ "Version": 1, "AccessKeyId": "PROCESS", "SecretAccessKey": "canary-process" }"#;
    fs::write(&process, format!("#!/bin/sh\necho '{answer}'\n")).unwrap();
    fs::set_permissions(&process, fs::Permissions::from_mode(0o700)).unwrap();
    let config = config.replace("HOME", home.path().to_str().unwrap());
    fs::write(home.path().join(".aws/config"), config).unwrap();
    let of = |profile: &str| options(&relay, environment(Some(home.path()), &[]), Some(profile));

    // The keys of a role that was taken on are made by the token service.
    assert!(key_of(&relay, of("deploy")).await.unwrap().starts_with("ASIA"));
    let asked = relay.seen().into_iter().find(|request| request.contains("Action=AssumeRole")).unwrap();
    assert!(asked.contains("ExternalId=shop") && asked.contains("role%2Fdeploy"), "{asked}");
    assert!(key_of(&relay, of("chained")).await.unwrap().starts_with("ASIA"));
    assert_eq!(key_of(&relay, of("process")).await.unwrap(), "PROCESS");
    let error = key_of(&relay, of("circle")).await.unwrap_err();
    assert!(error.message().contains("circle"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn i6_where_there_are_none_every_place_is_named_and_no_secret() {
    let Some(moto) = moto("no credentials") else { return };
    let relay = Relay::before(&moto.url).await;
    let error = key_of(&relay, options(&relay, nowhere(), None)).await.unwrap_err();
    assert_eq!((error.code(), error.reason_name()), (ErrorCode::DnsProvider, Some("unauthorized")));
    assert!(error.message().contains("the environment") && error.message().contains("`default`"), "{error}");
    assert!(error.hint_text().unwrap().contains("AWS_ACCESS_KEY_ID"), "{error:?}");

    let broken = home("", &format!("[work]\naws_access_key_id = WORK\naws_secret_access_key {SECRET}\n"));
    let process = broken.path().join("process");
    fs::write(&process, format!("#!/bin/sh\necho '{{ \"Version\": 1, \"AccessKeyId\": 1, \"x\": \"{SECRET}\" }}'\n"))
        .unwrap();
    fs::set_permissions(&process, fs::Permissions::from_mode(0o700)).unwrap();
    let config = format!("[profile process]\ncredential_process = {}\n", process.display());
    fs::write(broken.path().join(".aws/config"), config).unwrap();
    for profile in ["work", "nobody", "process"] {
        let found = options(&relay, environment(Some(broken.path()), &[]), Some(profile));
        let error = key_of(&relay, found).await.unwrap_err();
        assert!(error.message().contains(&format!("the profile `{profile}`")), "{error}");
        assert!(!format!("{error:?}").contains("canary"), "{error:?}");
    }
    assert_eq!(relay.seen().len(), 0, "a request was sent without credentials");
}
