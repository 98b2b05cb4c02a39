//! Registries behind a private authority.

use crate::authority::Authority;
use crate::gateway::Gateway;
use crate::proxy::{Proxy, Rules};
use axum::Router;
use axum::routing::any;
use deploy_native::ErrorCode;
use deploy_native::http::HttpSettings;
use deploy_native::image::{ImageReference, RegistryClient, Resolution};
use tokio::net::TcpListener;

/// A registry that says the same digest of every image.
async fn registry(digest: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let router = Router::new().fallback(any(move || async move { [("docker-content-digest", digest)] }));
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

#[tokio::test]
async fn a_registry_is_asked_through_the_proxy_and_trusted_where_its_authority_is_named() {
    let digest = format!("sha256:{}", "5".repeat(64));
    let authority = Authority::new();
    let gateway = Gateway::start(authority.issue(&["registry.test"]), &registry(digest.clone()).await).await;
    let routes = [("registry.test:443".to_owned(), gateway.address)].into();
    let proxy = Proxy::start(Rules { routes, login: None }).await;
    let url = format!("http://{}", proxy.address);
    let file = authority.file();
    let reference = ImageReference::parse("registry.test/shop/api:1").unwrap();
    let resolve = async |variables: &[(&str, &str)]| {
        let http = HttpSettings::from_variables(variables.iter().copied());
        RegistryClient::with_http(None, http).unwrap().resolve(&reference, None).await
    };

    let trusted = [("HTTPS_PROXY", url.as_str()), ("NODE_EXTRA_CA_CERTS", file.to_str().unwrap())];
    assert_eq!(resolve(&trusted).await, Resolution::Digest(digest));

    let refused = resolve(&trusted[..1]).await;
    let error = refused.into_digest(&reference).unwrap_err();
    assert_eq!((error.code(), error.reason_name()), (ErrorCode::ImageRegistry, Some("certificate")), "{error:?}");
    assert!(error.hint_text().unwrap().contains("NODE_EXTRA_CA_CERTS") && !error.is_retryable());
}
