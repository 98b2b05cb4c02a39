//! Roles and schemas become what is wanted, from whatever stood there.

use crate::database::*;
use deploy_native::postgres::{preview, provision};

#[tokio::test]
async fn every_app_works_in_its_own_schema_and_reaches_no_other() {
    for binaries in installations() {
        let cluster = cluster(&binaries).await;
        let wanted = roles(&["api", "auth", "admin-auth"]);
        provision(&master(&cluster), &wanted).await.unwrap();
        for (app, schema) in [("api", "public"), ("auth", "auth"), ("admin-auth", "admin_auth")] {
            let client = as_app(&cluster, app).await;
            client.batch_execute("CREATE TABLE users (id serial PRIMARY KEY, name text)").await.unwrap();
            client.batch_execute("INSERT INTO users (name) VALUES ('x'); ALTER TABLE users ADD age int").await.unwrap();
            assert_eq!(value(&client, "SELECT current_schema()").await, schema);
            assert_eq!(
                value(&client, "SELECT tablename FROM pg_tables WHERE tableowner = current_user").await,
                "users"
            );
        }
        let auth = as_app(&cluster, "auth").await;
        for statement in [
            "SELECT * FROM admin_auth.users",
            "SELECT * FROM public.users",
            "CREATE TABLE public.mine (a int)",
            "CREATE TEMPORARY TABLE mine (a int)",
            "CREATE SCHEMA mine",
            "SET ROLE api",
            "SET ROLE postgres",
        ] {
            assert_eq!(refusal(&auth, statement).await.as_deref(), Some("42501"), "{statement}");
        }
        for other in ["postgres", "template1"] {
            let refused = connect(&cluster, "auth", &password("auth"), other).await.err().unwrap();
            assert_eq!(refused.code().unwrap().code(), "42501");
        }
    }
}

#[tokio::test]
async fn i9_a_second_provisioning_changes_nothing() {
    for binaries in installations() {
        let cluster = cluster(&binaries).await;
        let wanted = roles_with(&["api", "auth", "admin-auth"], |apps| apps[0].shared_with.push("auth".to_owned()));
        let transport = master(&cluster);
        let announced = preview(&transport, &wanted).await.unwrap();
        let first = provision(&transport, &wanted).await.unwrap();
        assert_eq!(announced, first);
        assert!(first.changes.contains(&"+ role auth: LOGIN".to_owned()), "{:#?}", first.changes);
        as_app(&cluster, "api").await.batch_execute("CREATE TABLE t (a serial)").await.unwrap();
        transport.sql(DATABASE, "CREATE TABLE auth.t (a serial)").await.unwrap();
        provision(&transport, &wanted).await.unwrap();
        assert_eq!(provision(&transport, &wanted).await.unwrap().changes, Vec::<String>::new());
    }
}

#[tokio::test]
async fn i6_no_password_reaches_the_servers_log() {
    for binaries in installations() {
        let cluster = cluster(&binaries).await;
        let wanted = roles(&["api", "auth"]);
        provision(&master(&cluster), &wanted).await.unwrap();
        let log = cluster.log().unwrap();
        assert!(log.contains("deploy_native.wanted") && log.contains("SCRAM-SHA-256$4096"), "statements are logged");
        for app in ["api", "auth"] {
            as_app(&cluster, app).await;
            assert!(!log.contains(&format!("{app}PASSWORD")));
        }
        assert!(!log.contains(MASTER_PASSWORD));
    }
}
