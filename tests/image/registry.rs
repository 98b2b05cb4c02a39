//! Digests of tags, asked of a real registry.

use crate::machine::{PASSWORD, Registry, USER};
use deploy_native::ErrorCode;
use deploy_native::image::{ImageReference, RegistryClient, RegistryLogin, Resolution};
use deploy_native::secrets::Secret;
use reqwest::header::{CONTENT_TYPE, LOCATION};
use sha2::{Digest, Sha256};
use std::time::Duration;

/// A manifest of an index without images: the smallest that a registry takes.
const INDEX: &str = r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}"#;

fn digest_of(bytes: &[u8]) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(bytes)))
}

fn login(registry: &str, password: &str) -> RegistryLogin {
    RegistryLogin { registry: registry.to_owned(), username: USER.to_owned(), password: Secret::new(password) }
}

fn image(text: &str) -> ImageReference {
    ImageReference::parse(text).unwrap()
}

/// Pushes an image of one empty blob and returns the bytes of its manifest.
async fn push(host: &str, repository: &str, tag: &str) -> Vec<u8> {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let with_login = |request: reqwest::RequestBuilder| request.basic_auth(USER, Some(PASSWORD));
    let config = b"{}".to_vec();
    let digest = digest_of(&config);
    let upload = client.post(format!("http://{host}/v2/{repository}/blobs/uploads/"));
    let upload = with_login(upload).send().await.unwrap();
    let place = reqwest::Url::parse(upload.headers()[LOCATION].to_str().unwrap()).unwrap();
    let done = with_login(client.put(place)).query(&[("digest", &digest)]).body(config).send().await.unwrap();
    assert!(done.status().is_success(), "{done:?}");
    let manifest = format!(
        r#"{{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"{digest}","size":2}},"layers":[]}}"#
    );
    let put = client
        .put(format!("http://{host}/v2/{repository}/manifests/{tag}"))
        .header(CONTENT_TYPE, "application/vnd.oci.image.manifest.v1+json")
        .body(manifest.clone());
    let put = with_login(put).send().await.unwrap();
    assert!(put.status().is_success(), "{put:?}");
    manifest.into_bytes()
}

#[tokio::test]
async fn i9_a_tag_stands_for_the_digest_that_its_registry_says() {
    let test = "i9_a_tag_stands_for_the_digest_that_its_registry_says";
    let Some(registry) = Registry::start(test, false) else { return };
    let manifest = push(&registry.host, "org/shop-api", "v1").await;
    let client = RegistryClient::new(None).unwrap();
    let ask = async |name: &str| client.resolve(&image(&format!("{}/{name}", registry.host)), None).await;
    assert_eq!(ask("org/shop-api:v1").await, Resolution::Digest(digest_of(&manifest)));
    assert_eq!(ask("org/shop-api:v2").await, Resolution::NotFound);
    assert_eq!(ask("org/nothing:v1").await, Resolution::NotFound);
    assert_eq!(ask("org/shop-api").await, Resolution::NotFound, "no tag means latest");
    let pinned = digest_of(INDEX.as_bytes());
    assert_eq!(ask(&format!("x@{pinned}")).await, Resolution::Digest(pinned), "a digest is not asked for");
}

#[tokio::test]
async fn a_login_is_shown_to_its_registry_and_a_wrong_one_is_refused() {
    let test = "a_login_is_shown_to_its_registry_and_a_wrong_one_is_refused";
    let Some(registry) = Registry::start(test, true) else { return };
    let manifest = push(&registry.host, "shop-api", "v1").await;
    let client = RegistryClient::new(None).unwrap();
    let reference = image(&format!("{}/shop-api:v1", registry.host));
    let right = login(&registry.host, PASSWORD);
    assert_eq!(client.resolve(&reference, Some(&right)).await, Resolution::Digest(digest_of(&manifest)));
    for wrong in [None, Some(login(&registry.host, "wrong")), Some(login("other.example.com", PASSWORD))] {
        let resolution = client.resolve(&reference, wrong.as_ref()).await;
        assert!(matches!(resolution, Resolution::Refused { .. }), "{resolution:?}");
        let error = resolution.into_digest(&reference).unwrap_err();
        assert_eq!((error.code(), error.reason_name()), (ErrorCode::ImageRegistry, Some("login-refused")));
    }
}

#[tokio::test]
async fn a_registry_that_does_not_answer_is_unreachable() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = RegistryClient::new(Some(Duration::from_millis(300))).unwrap();
    for host in ["127.0.0.1:1".to_owned(), silent.local_addr().unwrap().to_string()] {
        let reference = image(&format!("{host}/shop-api:1"));
        let resolution = client.resolve(&reference, None).await;
        assert!(matches!(resolution, Resolution::Unreachable { .. }), "{resolution:?}");
        let error = resolution.into_digest(&reference).unwrap_err();
        assert_eq!((error.reason_name(), error.is_retryable()), (Some("registry-unreachable"), true));
    }
}
