//! What holds for every store that machines share.

use crate::moto::{Moto, account, moto};
use crate::relay::{Fault, Relay};
use crate::unique;
use deploy_native::ErrorCode;
use deploy_native::aws::AwsOptions;
use deploy_native::state::{
    S3StateOptions, S3StateStore, SharedState, SsmStateOptions, SsmStateStore, State, StateProvider, StateVersion,
};
use std::sync::Arc;

/// A kind of store, and how its requests are known in a relay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Ssm,
    S3,
}

const KINDS: [Kind; 2] = [Kind::Ssm, Kind::S3];
const STAGE: &str = "staging";

impl Kind {
    /// The store of a workspace at an address.
    fn at(self, url: &str, workspace: &str) -> Arc<dyn StateProvider> {
        let aws = account(url);
        match self {
            Self::Ssm => Arc::new(SsmStateStore::new(workspace, SsmStateOptions::default().aws(aws)).unwrap()),
            Self::S3 => Arc::new(S3StateStore::new(workspace, &bucket(workspace, aws)).unwrap()),
        }
    }

    /// What the requests have that write the state.
    fn write(self, workspace: &str) -> String {
        match self {
            Self::Ssm => format!("PutParameter {{\"Name\":\"/gkm/{workspace}/{STAGE}/state\""),
            Self::S3 => format!("PUT /{workspace}/gkm/{workspace}/{STAGE}.json"),
        }
    }
}

pub(crate) fn bucket(bucket: &str, aws: AwsOptions) -> S3StateOptions {
    S3StateOptions::new(bucket).prefix("gkm/").aws(aws)
}

/// A workspace whose bucket exists.
async fn workspace(moto: &Moto, kind: Kind) -> String {
    let name = unique("shop");
    if kind == Kind::S3 {
        make_bucket(moto, &name).await;
    }
    name
}

pub(crate) async fn make_bucket(moto: &Moto, name: &str) {
    let body =
        "<CreateBucketConfiguration><LocationConstraint>eu-central-1</LocationConstraint></CreateBucketConfiguration>";
    let sent = reqwest::Client::new().put(format!("{}/{name}", moto.url)).body(body).send().await.unwrap();
    assert!(sent.status().is_success(), "{}", sent.text().await.unwrap());
}

fn state(app: &str) -> State {
    let mut state = State::new(STAGE);
    state.applications.insert(app.to_owned(), "id".to_owned());
    state
}

#[tokio::test(flavor = "multi_thread")]
async fn i5_a_state_is_kept_and_a_stale_write_refused() {
    let Some(moto) = moto("a state is kept") else { return };
    for kind in KINDS {
        let name = workspace(moto, kind).await;
        let (here, there) = (kind.at(&moto.url, &name), kind.at(&moto.url, &name));
        assert_eq!(here.read_versioned(STAGE).await.unwrap(), (None, StateVersion::Absent), "{kind:?}");
        let first = here.write_versioned(STAGE, &state("api"), &StateVersion::Absent).await.unwrap();
        let (kept, version) = there.read_versioned(STAGE).await.unwrap();
        assert_eq!((kept.as_ref(), &version), (Some(&state("api")), &first), "{kind:?}");

        let second = there.write_versioned(STAGE, &state("auth"), &version).await.unwrap();
        assert_ne!(second, first, "{kind:?}");
        let error = here.write_versioned(STAGE, &state("web"), &first).await.unwrap_err();
        assert_eq!((error.code(), error.is_retryable()), (ErrorCode::StateConflict, true), "{kind:?}");
        assert!(error.message().contains(&name) && error.message().contains("somebody else"), "{error}");
        assert_eq!(here.read(STAGE).await.unwrap(), Some(state("auth")), "{kind:?}: what they wrote stays");

        let error = here.write_versioned(STAGE, &state("web"), &StateVersion::Absent).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::StateConflict, "{kind:?}");
        here.write_versioned(STAGE, &state("web"), &second).await.unwrap();
        assert_eq!(there.read(STAGE).await.unwrap(), Some(state("web")), "{kind:?}");
        assert_eq!(there.read("other").await.unwrap(), None, "{kind:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn i5_many_machines_lose_no_change() {
    let Some(moto) = moto("many machines lose no change") else { return };
    for kind in KINDS {
        let name = workspace(moto, kind).await;
        let relay = Relay::in_turns(&moto.url).await;
        let machines = (0..4).map(|machine| {
            let store = kind.at(&relay.url, &name);
            tokio::spawn(async move {
                let mut conflicts = 0;
                for change in 0..5 {
                    loop {
                        let (kept, version) = store.read_versioned(STAGE).await.unwrap();
                        let mut next = kept.unwrap_or_else(|| State::new(STAGE));
                        next.applications.insert(format!("app-{machine}-{change}"), "id".to_owned());
                        match store.write_versioned(STAGE, &next, &version).await {
                            Ok(_) => break,
                            Err(error) if error.code() == ErrorCode::StateConflict => conflicts += 1,
                            Err(error) => panic!("{error:?}"),
                        }
                    }
                }
                conflicts
            })
        });
        let mut conflicts = 0;
        for machine in machines.collect::<Vec<_>>() {
            conflicts += machine.await.unwrap();
        }
        let kept = kind.at(&moto.url, &name).read(STAGE).await.unwrap().unwrap();
        assert_eq!(kept.applications.len(), 20, "{kind:?}: {:?}", kept.applications.keys());
        assert!(conflicts > 0, "{kind:?}: they never met");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn i2_a_write_whose_answer_is_lost_is_neither_lost_nor_a_conflict() {
    let Some(moto) = moto("a lost answer") else { return };
    for kind in KINDS {
        for fault in [Fault::DropBefore, Fault::DropAfter, Fault::Answer(503, String::new())] {
            let name = workspace(moto, kind).await;
            let relay = Relay::before(&moto.url).await;
            let shared = SharedState::start(kind.at(&relay.url, &name), State::new(STAGE));
            for nth in 0..3 {
                let case = format!("{kind:?} {fault:?} write {nth}");
                relay.spoil(&kind.write(&name), fault.clone());
                let mut tries = 0;
                // The first try may fail, telling so; a change is there or can be made again, and never meets itself.
                loop {
                    tries += 1;
                    let change = |state: &mut State| drop(state.applications.insert(format!("app-{nth}"), "id".into()));
                    match shared.update(change).await {
                        Ok(()) => break,
                        Err(error) => assert_eq!((error.code(), tries), (ErrorCode::StateIo, 1), "{case}: {error:?}"),
                    }
                }
                let kept = kind.at(&moto.url, &name).read(STAGE).await.unwrap().unwrap();
                assert_eq!(kept, *shared.snapshot(), "{case}");
                assert_eq!(kept.applications.len(), nth + 1, "{case}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn throttling_is_waited_for() {
    let Some(moto) = moto("throttling") else { return };
    for kind in KINDS {
        let name = workspace(moto, kind).await;
        let relay = Relay::before(&moto.url).await;
        let throttled = match kind {
            Kind::Ssm => Fault::Answer(400, r#"{"__type":"ThrottlingException","message":"Rate exceeded"}"#.to_owned()),
            Kind::S3 => Fault::Answer(503, "<Error><Code>SlowDown</Code></Error>".to_owned()),
        };
        relay.spoil_times(&kind.write(&name), 0, 2, throttled);
        let store = kind.at(&relay.url, &name);
        store.write_versioned(STAGE, &state("api"), &StateVersion::Absent).await.unwrap();
        assert_eq!(store.read(STAGE).await.unwrap(), Some(state("api")), "{kind:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn i5_what_is_no_state_is_an_error_and_stays() {
    let Some(moto) = moto("what is no state") else { return };
    for kind in KINDS {
        let name = workspace(moto, kind).await;
        put_raw(moto, kind, &name, "{\"canary\":").await;
        let store = kind.at(&moto.url, &name);
        let error = store.read(STAGE).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::StateCorrupt, "{kind:?}");
        assert!(error.message().contains(&name) && !error.message().contains("canary"), "{error}");
        let error = store.write_versioned(STAGE, &state("api"), &StateVersion::Absent).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::StateConflict, "{kind:?}");
    }
}

async fn put_raw(moto: &Moto, kind: Kind, name: &str, text: &str) {
    let client = reqwest::Client::new();
    let sent = match kind {
        Kind::S3 => client.put(format!("{}/{name}/gkm/{name}/{STAGE}.json", moto.url)).body(text.to_owned()),
        Kind::Ssm => {
            let parameter = serde_json::json!({
                "Name": format!("/gkm/{name}/{STAGE}/state"), "Value": text, "Type": "SecureString",
            });
            client
                .post(&moto.url)
                .header("x-amz-target", "AmazonSSM.PutParameter")
                .header("authorization", "AWS4-HMAC-SHA256 Credential=x/20260101/eu-central-1/ssm/aws4_request")
                .body(parameter.to_string())
        }
    };
    let answer = sent.send().await.unwrap();
    assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn i6_refusals_are_told_without_the_key() {
    let Some(moto) = moto("refusals") else { return };
    for kind in KINDS {
        let name = workspace(moto, kind).await;
        let relay = Relay::before(&moto.url).await;
        let denied = match kind {
            Kind::Ssm => r#"{"__type":"AccessDeniedException","Message":"not authorized"}"#,
            Kind::S3 => "<Error><Code>AccessDenied</Code><Message>not authorized</Message></Error>",
        };
        relay.spoil_times("", 0, 100, Fault::Answer(403, denied.to_owned()));
        let error = kind.at(&relay.url, &name).read(STAGE).await.unwrap_err();
        assert_eq!((error.code(), error.reason_name()), (ErrorCode::StateIo, Some("unauthorized")), "{kind:?}");
        assert!(error.hint_text().unwrap().contains("Allow Get"), "{error:?}");
        assert!(!format!("{error:?}").contains("canary"), "{error:?}");
        assert_eq!(relay.seen().len(), 1, "{kind:?}: a refusal was tried again");
    }
}
