//! The state in a bucket.

use crate::moto::{account, moto};
use crate::relay::{Fault, Relay};
use crate::stores::{bucket, make_bucket};
use crate::unique;
use deploy_native::ErrorCode;
use deploy_native::state::{S3StateStore, State, StateProvider, StateVersion};

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_ignores_conditions_is_refused_before_the_first_write() {
    let Some(moto) = moto("a store that ignores conditions") else { return };
    let name = unique("shop");
    make_bucket(moto, &name).await;
    let relay = Relay::before(&moto.url).await;
    relay.spoil_times("PUT ", 0, 100, Fault::Without("if-none-match"));
    let store = S3StateStore::new(&name, &bucket(&name, account(&relay.url))).unwrap();
    let error = store.write_versioned("staging", &State::new("staging"), &StateVersion::Absent).await.unwrap_err();
    assert_eq!((error.code(), error.reason_name()), (ErrorCode::StateIo, Some("unconditional")), "{error:?}");
    assert_eq!(relay.count("staging.json"), 0, "the state was written");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_is_not_there_is_named() {
    let Some(moto) = moto("a bucket that is not there") else { return };
    let name = unique("nothing");
    let store = S3StateStore::new("shop", &bucket(&name, account(&moto.url))).unwrap();
    let error = store.read("staging").await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::StateIo);
    assert!(error.message().contains("NoSuchBucket"), "{error}");
    assert!(error.resource_name().unwrap().contains(&name), "{error:?}");
}
