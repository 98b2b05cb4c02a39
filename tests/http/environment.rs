//! The variables of a process, as they are set for Node.js.

use crate::authority::Authority;
use crate::gateway::Gateway;
use crate::proxy::{Proxy, Rules};
use deploy_native::dokploy::Dokploy;
use deploy_native::secrets::Secret;
use deploy_native_simulator::Simulator;
use std::process::Stdio;
use tokio::process::Command;

/// The variable in which the child finds the key of the server that it is to ask.
const TOKEN: &str = "DEPLOY_NATIVE_TEST_TOKEN";

#[tokio::test]
async fn they_count_by_default() {
    let (authority, simulator) = (Authority::new(), Simulator::builder().start().await.unwrap());
    let gateway = Gateway::start(authority.issue(&["dokploy.test"]), simulator.url()).await;
    let routes = [("dokploy.test:443".to_owned(), gateway.address)].into();
    let proxy = Proxy::start(Rules { routes, login: None }).await;
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "environment::the_child_that_has_them", "--ignored"])
        .env(TOKEN, simulator.token())
        .env("NODE_EXTRA_CA_CERTS", authority.file())
        .env("HTTPS_PROXY", format!("http://{}", proxy.address))
        .env_remove("NO_PROXY")
        .env_remove("no_proxy")
        .stdout(Stdio::null())
        .status()
        .await
        .unwrap();
    assert!(status.success());
    assert_eq!(proxy.seen(), ["CONNECT dokploy.test:443"]);
    assert_eq!(simulator.requests().len(), 1);
}

#[tokio::test]
#[ignore = "a child process of the test above"]
async fn the_child_that_has_them() {
    let token = Secret::new(std::env::var(TOKEN).unwrap());
    Dokploy::new("https://dokploy.test", &token).unwrap().project().all().await.unwrap();
}
