//! Which way requests take.

use crate::authority::Authority;
use crate::gateway::Gateway;
use crate::proxy::{Proxy, Rules};
use deploy_native::dokploy::{ClientSettings, Dokploy};
use deploy_native::http::HttpSettings;
use deploy_native::secrets::{Redactor, Secret};
use deploy_native::{DeployError, ErrorCode};
use deploy_native_simulator::Simulator;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// The `Proxy-Authorization` of user `ci` with the password `hunter2`.
const LOGIN: &str = "Basic Y2k6aHVudGVyMg==";

fn address(url: &str) -> SocketAddr {
    url.trim_start_matches("http://").parse().unwrap()
}

async fn ask(simulator: &Simulator, endpoint: &str, variables: &[(&str, &str)]) -> Result<(), DeployError> {
    let settings = ClientSettings::default()
        .http(HttpSettings::from_variables(variables.iter().copied()))
        .retry_delay(Duration::from_millis(1))
        .retries(1);
    let token = Secret::new(simulator.token());
    let client = Dokploy::with_settings(endpoint, &token, settings, Arc::new(Redactor::new()))?;
    client.project().all().await.map(|_| ()).map_err(DeployError::from)
}

#[tokio::test]
async fn https_goes_through_a_tunnel_with_a_login() {
    let (authority, simulator) = (Authority::new(), Simulator::builder().start().await.unwrap());
    let gateway = Gateway::start(authority.issue(&["dokploy.test"]), simulator.url()).await;
    let routes = [("dokploy.test:443".to_owned(), gateway.address)].into();
    let proxy = Proxy::start(Rules { routes, login: Some(LOGIN) }).await;
    let file = authority.file();
    let extra = ("NODE_EXTRA_CA_CERTS", file.to_str().unwrap());
    let with_login = format!("http://ci:hunter2@{}", proxy.address);
    for variable in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"] {
        ask(&simulator, "https://dokploy.test", &[(variable, &with_login), extra]).await.unwrap();
    }
    assert_eq!(proxy.seen(), ["CONNECT dokploy.test:443"; 3]);
}

#[tokio::test]
async fn i6_a_login_that_a_proxy_refuses_is_told_at_once_without_the_password() {
    let simulator = Simulator::builder().start().await.unwrap();
    let proxy = Proxy::start(Rules { login: Some(LOGIN), ..Rules::default() }).await;
    let wrong = format!("http://ci:hunter3@{}", proxy.address);
    let error = ask(&simulator, "https://dokploy.test", &[("HTTPS_PROXY", &wrong)]).await.unwrap_err();
    assert_eq!((error.code(), error.reason_name()), (ErrorCode::DokployUnreachable, Some("proxy-login")), "{error:?}");
    assert!(!error.is_retryable() && !format!("{error:?}").contains("hunter3"), "{error:?}");
    assert!(error.message().contains(&format!("{} of HTTPS_PROXY", proxy.address)), "{error:?}");
    assert_eq!(proxy.seen().len(), 1);
}

#[tokio::test]
async fn a_proxy_that_is_in_the_way_is_named() {
    let simulator = Simulator::builder().start().await.unwrap();
    let proxy = Proxy::start(Rules::default()).await;
    let url = format!("http://{}", proxy.address);
    let error = ask(&simulator, "https://dokploy.test", &[("HTTPS_PROXY", &url)]).await.unwrap_err();
    assert_eq!((error.code(), error.reason_name()), (ErrorCode::DokployUnreachable, Some("unreachable")), "{error:?}");
    assert!(error.message().contains(&format!("{} of HTTPS_PROXY", proxy.address)), "{error:?}");
}

#[tokio::test]
async fn plain_http_has_a_proxy_of_its_own() {
    let simulator = Simulator::builder().start().await.unwrap();
    let routes = [("dokploy.test:3000".to_owned(), address(simulator.url()))].into();
    let proxy = Proxy::start(Rules { routes, login: None }).await;
    let place = proxy.address.to_string();
    ask(&simulator, "http://dokploy.test:3000", &[("HTTP_PROXY", &place)]).await.unwrap();
    assert_eq!(proxy.seen(), ["GET dokploy.test:3000"]);
    ask(&simulator, "http://dokploy.test:3000", &[("HTTPS_PROXY", &place)]).await.unwrap_err();
    assert_eq!(proxy.seen().len(), 1);
}

#[tokio::test]
async fn this_machine_and_what_no_proxy_lists_are_reached_without_one() {
    let simulator = Simulator::builder().start().await.unwrap();
    let proxy = Proxy::start(Rules::default()).await;
    let place = proxy.address.to_string();
    let variables = [("HTTP_PROXY", place.as_str()), ("NO_PROXY", "example.com,dokploy.test:1")];
    ask(&simulator, simulator.url(), &variables).await.unwrap();
    ask(&simulator, "http://dokploy.test:1", &variables).await.unwrap_err();
    assert!(proxy.seen().is_empty(), "{:?}", proxy.seen());
    ask(&simulator, "http://dokploy.test:2", &variables).await.unwrap_err();
    assert!(!proxy.seen().is_empty());
}

#[tokio::test]
async fn a_variable_that_is_no_proxy_is_refused_before_anything_is_sent() {
    let simulator = Simulator::builder().start().await.unwrap();
    let error = ask(&simulator, simulator.url(), &[("HTTPS_PROXY", "ftp://proxy.test")]).await.unwrap_err();
    assert_eq!((error.code(), error.reason_name()), (ErrorCode::InvalidRequest, Some("proxy")), "{error:?}");
    assert!(simulator.requests().is_empty());
}
