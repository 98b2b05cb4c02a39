//! The state in the parameter store: turns, and who writes without taking one.

use crate::moto::{account, moto};
use crate::relay::{Fault, Relay};
use crate::unique;
use deploy_native::ErrorCode;
use deploy_native::state::{SsmStateOptions, SsmStateStore, State, StateProvider, StateVersion, Turns};
use deploy_native::workspace::SsmTier;
use std::time::{Duration, Instant};

const STAGE: &str = "staging";

fn store(url: &str, workspace: &str, turns: Turns) -> SsmStateStore {
    let options = SsmStateOptions::default().aws(account(url)).turns(turns);
    SsmStateStore::new(workspace, options).unwrap()
}

fn state(app: &str) -> State {
    let mut state = State::new(STAGE);
    state.applications.insert(app.to_owned(), "id".to_owned());
    state
}

/// Sends a call as somebody else would; returns the answer.
async fn call(url: &str, operation: &str, body: serde_json::Value) -> serde_json::Value {
    let sent = reqwest::Client::new()
        .post(url)
        .header("x-amz-target", format!("AmazonSSM.{operation}"))
        .header("authorization", "AWS4-HMAC-SHA256 Credential=x/20260101/eu-central-1/ssm/aws4_request")
        .body(body.to_string());
    serde_json::from_str(&sent.send().await.unwrap().text().await.unwrap()).unwrap_or_default()
}

async fn put(url: &str, name: &str, value: &str) {
    let body = serde_json::json!({ "Name": name, "Value": value, "Type": "SecureString", "Overwrite": true });
    let answer = call(url, "PutParameter", body).await;
    assert!(answer["Version"].is_number(), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_state_is_where_the_cli_keeps_it_encrypted_and_short() {
    let Some(moto) = moto("where the CLI keeps it") else { return };
    let name = unique("shop");
    let store = store(&moto.url, &name, Turns::default());
    store.write_versioned(STAGE, &state("api"), &StateVersion::Absent).await.unwrap();
    let path = format!("/gkm/{name}/{STAGE}/state");
    let found = call(&moto.url, "GetParameter", serde_json::json!({ "Name": path, "WithDecryption": true })).await;
    assert_eq!(found["Parameter"]["Type"], "SecureString");
    let text = found["Parameter"]["Value"].as_str().unwrap();
    let value: serde_json::Value = serde_json::from_str(text).unwrap();
    assert_eq!(value["applications"]["api"], "id");
    assert_eq!(text, value.to_string(), "it has blanks");
}

#[tokio::test(flavor = "multi_thread")]
async fn i5_who_writes_without_a_turn_is_not_overwritten() {
    let Some(moto) = moto("who writes without a turn") else { return };
    let name = unique("shop");
    let relay = Relay::before(&moto.url).await;
    let store = store(&relay.url, &name, Turns::default());
    let version = store.write_versioned(STAGE, &state("api"), &StateVersion::Absent).await.unwrap();
    let path = format!("/gkm/{name}/{STAGE}/state");
    // Between our look and our write: the write waits while the CLI writes.
    let write = format!("PutParameter {{\"Name\":\"{path}\"");
    relay.spoil(&write, Fault::Hold(Duration::from_secs(5)));
    let theirs = serde_json::to_string(&state("theirs")).unwrap();
    let own = state("ours");
    let (ours, ()) = tokio::join!(store.write_versioned(STAGE, &own, &version), async {
        while relay.count(&write) < 2 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        put(&moto.url, &path, &theirs).await;
    });
    let error = ours.unwrap_err();
    assert_eq!(error.code(), ErrorCode::StateConflict);
    assert!(error.message().contains("put back"), "{error}");
    assert_eq!(store.read(STAGE).await.unwrap(), Some(state("theirs")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_turn_is_waited_for_and_taken_from_a_writer_that_is_gone() {
    let Some(moto) = moto("a turn is waited for") else { return };
    let name = unique("shop");
    let lock = format!("/gkm/{name}/{STAGE}/state-lock");
    let turns = Turns { stale: Duration::from_secs(2), patience: Duration::from_mins(1) };
    let here = store(&moto.url, &name, turns.clone());
    let version = here.write_versioned(STAGE, &state("api"), &StateVersion::Absent).await.unwrap();
    put(&moto.url, &lock, "another machine that died").await;
    let begun = Instant::now();
    let version = here.write_versioned(STAGE, &state("auth"), &version).await.unwrap();
    assert!(begun.elapsed() > Duration::from_millis(900), "the turn was not waited for: {:?}", begun.elapsed());
    let left = call(&moto.url, "GetParameter", serde_json::json!({ "Name": lock })).await;
    assert!(left["__type"].as_str().unwrap_or_default().contains("NotFound"), "the turn was not freed: {left}");

    put(&moto.url, &lock, "another machine that lives").await;
    let impatient =
        store(&moto.url, &name, Turns { stale: Duration::from_hours(1), patience: Duration::from_millis(300) });
    let error = impatient.write_versioned(STAGE, &state("web"), &version).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::StateConflict);
    assert_eq!(here.read(STAGE).await.unwrap(), Some(state("auth")));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_that_take_a_stale_turn_one_has_it() {
    let Some(moto) = moto("many take a stale turn") else { return };
    let name = unique("shop");
    let turns = Turns { stale: Duration::from_millis(1), patience: Duration::from_mins(1) };
    let first = store(&moto.url, &name, turns.clone());
    let mut version = first.write_versioned(STAGE, &state("api"), &StateVersion::Absent).await.unwrap();
    let lock = format!("/gkm/{name}/{STAGE}/state-lock");
    for round in 0..5 {
        put(&moto.url, &lock, "another machine that died").await;
        tokio::time::sleep(Duration::from_millis(1100)).await;
        // Not stale any more once one has taken it.
        let turns = Turns { stale: Duration::from_secs(1), patience: Duration::from_mins(1) };
        let stores: Vec<_> = (0..4).map(|_| store(&moto.url, &name, turns.clone())).collect();
        let apps: Vec<State> = (0..4).map(|machine| state(&format!("app-{round}-{machine}"))).collect();
        let writes = stores.iter().zip(&apps).map(|(store, state)| store.write_versioned(STAGE, state, &version));
        let done = futures_util::future::join_all(writes).await;
        let won: Vec<usize> = (0..4).filter(|machine| done[*machine].is_ok()).collect();
        assert_eq!(won.len(), 1, "{done:?}");
        for error in done.iter().filter_map(|result| result.as_ref().err()) {
            assert_eq!(error.code(), ErrorCode::StateConflict, "{error:?}");
        }
        assert_eq!(first.read(STAGE).await.unwrap().as_ref(), Some(&apps[won[0]]));
        version = done[won[0]].clone().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_turn_that_cannot_be_freed_is_still_ours() {
    let Some(moto) = moto("a turn that cannot be freed") else { return };
    let name = unique("shop");
    let relay = Relay::before(&moto.url).await;
    let denied = Fault::Answer(400, r#"{"__type":"AccessDeniedException","Message":"no"}"#.to_owned());
    relay.spoil_times("DeleteParameter", 0, 100, denied);
    let store = store(&relay.url, &name, Turns::default());
    let mut version = store.write_versioned(STAGE, &state("api"), &StateVersion::Absent).await.unwrap();
    let begun = Instant::now();
    for app in ["auth", "web"] {
        version = store.write_versioned(STAGE, &state(app), &version).await.unwrap();
    }
    assert!(begun.elapsed() < Duration::from_secs(10));
    assert_eq!(version, StateVersion::Known("3".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_that_does_not_fit_is_refused_and_the_way_out_named() {
    let Some(moto) = moto("a state that does not fit") else { return };
    let name = unique("shop");
    let mut large = State::new(STAGE);
    for app in 0..120 {
        large.applications.insert(format!("app-{app}"), "x".repeat(30));
    }
    let relay = Relay::before(&moto.url).await;
    let standard = store(&relay.url, &name, Turns::default());
    let error = standard.check_size(&large).unwrap_err();
    assert_eq!((error.code(), error.reason_name()), (ErrorCode::StateIo, Some("too-large")));
    assert!(error.message().contains("holds 4096"), "{error}");
    let hint = error.hint_text().unwrap();
    assert!(hint.contains("state.tier to 'advanced'") && hint.contains("provider: 's3'"), "{hint}");
    let error = standard.write_versioned(STAGE, &large, &StateVersion::Absent).await.unwrap_err();
    assert_eq!(error.reason_name(), Some("too-large"));
    assert_eq!(relay.seen().len(), 0, "it was sent all the same");

    let options = SsmStateOptions::default().aws(account(&moto.url)).tier(SsmTier::Advanced);
    let advanced = SsmStateStore::new(&name, options).unwrap();
    advanced.write_versioned(STAGE, &large, &StateVersion::Absent).await.unwrap();
    let found = call(
        &moto.url,
        "DescribeParameters",
        serde_json::json!({ "ParameterFilters": [{ "Key": "Name", "Values": [format!("/gkm/{name}/{STAGE}/state")] }] }),
    )
    .await;
    assert_eq!(found["Parameters"][0]["Tier"], "Advanced", "{found}");
}
