//! What is trusted, and what is said of what is not.

use crate::authority::{Authority, Identity, self_signed};
use crate::gateway::Gateway;
use deploy_native::dokploy::{ClientSettings, Dokploy};
use deploy_native::http::HttpSettings;
use deploy_native::secrets::{Redactor, Secret};
use deploy_native::{DeployError, ErrorCode};
use deploy_native_simulator::Simulator;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// A simulated server behind TLS.
struct Server {
    simulator: Simulator,
    gateway: Gateway,
}

impl Server {
    async fn with(identity: Identity) -> Self {
        let simulator = Simulator::builder().start().await.unwrap();
        let gateway = Gateway::start(identity, simulator.url()).await;
        Self { simulator, gateway }
    }

    /// Asks for its projects under the name `host`, with these variables set.
    async fn ask(&self, host: &str, variables: &[(&str, &Path)]) -> Result<(), DeployError> {
        let variables = variables.iter().map(|(name, file)| (*name, file.to_str().unwrap()));
        let settings = ClientSettings::default()
            .http(HttpSettings::from_variables(variables))
            .retry_delay(Duration::from_millis(1));
        let endpoint = format!("https://{host}:{}", self.gateway.address.port());
        let token = Secret::new(self.simulator.token());
        let client = Dokploy::with_settings(&endpoint, &token, settings, Arc::new(Redactor::new()))?;
        client.project().all().await.map(|_| ()).map_err(DeployError::from)
    }
}

/// What is said of a certificate that is not trusted: hint and message, after one connection.
async fn refused(server: &Server, host: &str, variables: &[(&str, &Path)]) -> (String, String) {
    let error = server.ask(host, variables).await.unwrap_err();
    assert_eq!((error.code(), error.reason_name()), (ErrorCode::DokployUnreachable, Some("certificate")), "{error:?}");
    assert!(!error.is_retryable());
    assert_eq!(server.gateway.connections(), 1, "it is told at once");
    (error.hint_text().unwrap().to_owned(), error.message().to_owned())
}

#[tokio::test]
async fn an_authority_of_ones_own_is_trusted_where_it_is_named() {
    let authority = Authority::new();
    let server = Server::with(authority.issue(&["localhost", "127.0.0.1"])).await;
    let file = authority.file();
    for variable in ["NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE"] {
        server.ask("localhost", &[(variable, &file)]).await.unwrap();
        server.ask("127.0.0.1", &[(variable, &file)]).await.unwrap();
    }
    server.ask("localhost", &[("SSL_CERT_DIR", file.parent().unwrap())]).await.unwrap();
}

#[tokio::test]
async fn extra_authorities_are_trusted_besides_those_of_ssl_cert_file() {
    let (one, other) = (Authority::new(), Authority::new());
    let server = Server::with(one.issue(&["localhost"])).await;
    let variables = [("NODE_EXTRA_CA_CERTS", &*one.file()), ("SSL_CERT_FILE", &*other.file())];
    server.ask("localhost", &variables).await.unwrap();
    let server = Server::with(other.issue(&["localhost"])).await;
    server.ask("localhost", &variables).await.unwrap();
}

#[tokio::test]
async fn an_unknown_authority_is_told_at_once_with_what_to_set() {
    let server = Server::with(Authority::new().issue(&["localhost"])).await;
    let (hint, message) = refused(&server, "localhost", &[]).await;
    assert!(hint.contains("NODE_EXTRA_CA_CERTS"), "{hint}");
    assert!(message.contains("the certificate of localhost is not trusted"), "{message}");
}

#[tokio::test]
async fn a_file_that_cannot_be_used_is_told_with_the_certificate_that_it_was_for() {
    let authority = Authority::new();
    let folder = tempfile::tempdir().unwrap();
    let (absent, empty) = (folder.path().join("absent.pem"), folder.path().join("empty.pem"));
    std::fs::write(&empty, "no certificate").unwrap();
    for (file, why) in [(absent, "cannot be read"), (empty, "holds no certificate")] {
        let server = Server::with(authority.issue(&["localhost"])).await;
        let (hint, _) = refused(&server, "localhost", &[("NODE_EXTRA_CA_CERTS", &file)]).await;
        assert!(hint.contains(file.to_str().unwrap()) && hint.contains(why), "{hint}");
    }
}

#[tokio::test]
async fn an_expired_certificate_and_one_of_another_name_say_so() {
    let authority = Authority::new();
    let file = authority.file();
    let named = [("NODE_EXTRA_CA_CERTS", &*file)];
    let server = Server::with(authority.issue_expired(&["localhost"])).await;
    let (hint, message) = refused(&server, "localhost", &named).await;
    assert!(message.contains("it has expired") && hint.contains("Renew"), "{message} {hint}");
    let server = Server::with(authority.issue(&["dokploy.example.com"])).await;
    let (hint, message) = refused(&server, "localhost", &named).await;
    assert!(message.contains("it is for dokploy.example.com") && hint.contains("name"), "{message} {hint}");
}

#[tokio::test]
async fn a_self_signed_certificate_is_trusted_where_it_is_named_itself_and_nowhere_else() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("server.pem");
    let server = Server::with(self_signed(&["localhost"], &file)).await;
    server.ask("localhost", &[("NODE_EXTRA_CA_CERTS", &file)]).await.unwrap();
    let other = Server::with(self_signed(&["localhost"], &folder.path().join("other.pem"))).await;
    refused(&other, "localhost", &[("NODE_EXTRA_CA_CERTS", &file)]).await;
    let elsewhere = Server::with(self_signed(&["dokploy.example.com"], &file)).await;
    let (_, message) = refused(&elsewhere, "localhost", &[("NODE_EXTRA_CA_CERTS", &file)]).await;
    assert!(message.contains("dokploy.example.com"), "{message}");
}

#[tokio::test]
async fn a_port_that_speaks_no_tls_is_told_at_once() {
    let simulator = Simulator::builder().start().await.unwrap();
    let endpoint = simulator.url().replace("http://", "https://");
    let error = Dokploy::new(&endpoint, &Secret::new("token")).unwrap().project().all().await.unwrap_err();
    let error = DeployError::from(error);
    assert_eq!((error.code(), error.reason_name()), (ErrorCode::DokployUnreachable, Some("tls")), "{error:?}");
    assert!(error.hint_text().unwrap().contains("http://"));
}

#[tokio::test]
async fn an_embedder_has_the_last_word_on_a_client() {
    let simulator = Simulator::builder().start().await.unwrap();
    let address = simulator.url().trim_start_matches("http://").parse().unwrap();
    let http = HttpSettings::default().customized(move |builder| builder.resolve("dokploy.test", address));
    let settings = ClientSettings::default().http(http);
    let token = Secret::new(simulator.token());
    let client = Dokploy::with_settings("http://dokploy.test", &token, settings, Arc::new(Redactor::new())).unwrap();
    client.project().all().await.unwrap();
}
