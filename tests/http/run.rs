//! A whole deployment whose every server is behind a private authority and a proxy.

use crate::authority::Authority;
use crate::gateway::Gateway;
use crate::proxy::{Proxy, Rules};
use deploy_native::ErrorCode;
use deploy_native::deploy::{AppStatus, DeployRequest, deploy};
use deploy_native::http::HttpSettings;
use deploy_native_test_support::World;
use serde_json::{Value, json};

/// The world's request, for one app, with every server under a name that only the proxy knows.
fn request(world: &World) -> Value {
    let mut request = world.request();
    request["workspace"]["deploy"]["dokploy"]["endpoint"] = "https://dokploy.test".into();
    request["credentials"]["cloudflare"]["baseUrl"] = "https://cloudflare.test/client/v4".into();
    request["apps"] = json!(["api"]);
    request
}

#[tokio::test]
async fn a_deployment_works_behind_a_private_authority_and_a_proxy() {
    let (authority, world) = (Authority::new(), World::start().await);
    let dokploy = Gateway::start(authority.issue(&["dokploy.test"]), world.simulator.url()).await;
    let cloudflare = Gateway::start(authority.issue(&["cloudflare.test"]), &world.dns.cloudflare_url()).await;
    let routes = [("dokploy.test:443", dokploy.address), ("cloudflare.test:443", cloudflare.address)];
    let routes = routes.map(|(host, address)| (host.to_owned(), address)).into();
    let proxy = Proxy::start(Rules { routes, login: None }).await;
    let file = authority.file();
    let proxy_url = format!("http://{}", proxy.address);
    let variables = [("NODE_EXTRA_CA_CERTS", file.to_str().unwrap()), ("HTTPS_PROXY", proxy_url.as_str())];
    let mut options = world.options();
    options.surroundings.http = HttpSettings::from_variables(variables);
    let report = Box::pin(deploy(DeployRequest::from_json(request(&world)).unwrap(), options)).await.unwrap();
    assert_eq!(report.apps[0].status, AppStatus::Running);
    let seen = proxy.seen();
    for host in ["CONNECT dokploy.test:443", "CONNECT cloudflare.test:443"] {
        assert!(seen.iter().any(|line| line == host), "{seen:?}");
    }
}

#[tokio::test]
async fn i1_a_vendors_certificate_that_is_not_trusted_stops_before_any_change() {
    let (authority, world) = (Authority::new(), World::start().await);
    let cloudflare = Gateway::start(authority.issue(&["localhost"]), &world.dns.cloudflare_url()).await;
    let mut request = world.request();
    request["credentials"]["cloudflare"]["baseUrl"] =
        format!("https://localhost:{}/client/v4", cloudflare.address.port()).into();
    let failure = world.deploy(request).await.unwrap_err();
    let error = &failure.error;
    assert_eq!((error.code(), error.reason_name()), (ErrorCode::DnsProvider, Some("certificate")), "{error:?}");
    assert!(error.hint_text().unwrap().contains("NODE_EXTRA_CA_CERTS"));
    // Its two questions are asked side by side.
    assert!(cloudflare.connections() <= 2, "it is told at once");
    assert!(world.simulator.mutations().is_empty());
}
