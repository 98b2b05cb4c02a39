//! Who answers in the database's place learns no password.

use crate::database::*;
use deploy_native::ErrorCode;
use deploy_native::postgres::{Login, PortTransport};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::thread;

/// A server that asks for the password in clear, within TLS where it has a certificate; it keeps what it is told.
fn impostor(tls: Option<Arc<ServerConfig>>) -> (u16, Arc<Mutex<Vec<u8>>>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let heard: Arc<Mutex<Vec<u8>>> = Arc::default();
    let told = Arc::clone(&heard);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            stream.read_exact(&mut [0; 8]).unwrap();
            stream.write_all(if tls.is_some() { b"S" } else { b"N" }).unwrap();
            match &tls {
                Some(tls) => {
                    ask(StreamOwned::new(ServerConnection::new(Arc::clone(tls)).unwrap(), stream), &told);
                }
                None => ask(stream, &told),
            }
        }
    });
    (port, heard)
}

fn ask(mut stream: impl Read + Write, heard: &Mutex<Vec<u8>>) {
    let mut bytes = [0; 4096];
    let startup = stream.read(&mut bytes).unwrap();
    heard.lock().unwrap().extend_from_slice(&bytes[..startup]);
    stream.write_all(&[b'R', 0, 0, 0, 8, 0, 0, 0, 3]).unwrap();
    stream.flush().unwrap();
    while let Ok(count @ 1..) = stream.read(&mut bytes) {
        heard.lock().unwrap().extend_from_slice(&bytes[..count]);
    }
}

fn tls() -> Arc<ServerConfig> {
    let certificate = CertificateDer::from_pem_slice(include_bytes!("server.crt")).unwrap();
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("server.key")).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    Arc::new(config.with_no_client_auth().with_single_cert(vec![certificate], key).unwrap())
}

#[tokio::test]
async fn i6_a_server_that_asks_for_the_password_in_clear_does_not_get_it() {
    for tls in [None, Some(tls())] {
        let (port, heard) = impostor(tls);
        let password = MASTER_PASSWORD.into();
        let login = Login { host: "127.0.0.1".to_owned(), port, user: MASTER.to_owned(), password };
        let error = PortTransport::new(login, options()).wait_until_reachable(DATABASE).await.unwrap_err();
        assert_eq!((error.code(), error.reason_name()), (ErrorCode::PostgresAuthentication, Some("cleartext")));
        let heard = String::from_utf8_lossy(&heard.lock().unwrap()).into_owned();
        assert!(heard.contains(MASTER), "it was spoken to: {heard:?}");
        assert!(!heard.contains(MASTER_PASSWORD), "and told nothing more");
    }
}
