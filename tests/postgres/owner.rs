//! Migrations with the rights of the database's owner, and nothing of them left behind.

use crate::database::*;
use deploy_native::postgres::{close_owner_login, open_owner_login, owner_login_name, prove, provision};
use deploy_native::secrets::Secret;

#[tokio::test]
async fn an_owners_migration_works_in_the_apps_schema_and_leaves_it_to_the_app() {
    for binaries in installations() {
        let cluster = cluster(&binaries).await;
        let transport = master(&cluster);
        let wanted = roles(&["api", "admin-auth"]);
        provision(&transport, &wanted).await.unwrap();
        for app in wanted.apps() {
            let (login, secret) = (owner_login_name(&app.user), Secret::new("for-this-time"));
            for _ in 0..2 {
                open_owner_login(&transport, &wanted, app, &secret).await.unwrap();
            }
            let owner = connect(&cluster, &login, "for-this-time", DATABASE).await.unwrap();
            assert_eq!(
                value(&owner, "SELECT current_user || ' ' || current_schema()").await,
                format!("postgres {}", app.schema)
            );
            // What an app's own role may not do.
            owner.batch_execute("CREATE TABLE migrated (a int); CREATE ROLE helper; DROP ROLE helper").await.unwrap();
            for _ in 0..2 {
                close_owner_login(&transport, &wanted, &app.user).await.unwrap();
            }
            assert!(owner.batch_execute("SELECT 1").await.is_err(), "its sessions end");
            assert!(connect(&cluster, &login, "for-this-time", DATABASE).await.is_err());
        }
        provision(&transport, &wanted).await.unwrap();
        let report = prove(&transport, &wanted).await.unwrap();
        assert!(report.is_isolated(), "{report:?}");
        for app in ["api", "admin-auth"] {
            let session = as_app(&cluster, app).await;
            session.batch_execute("ALTER TABLE migrated ADD b int; INSERT INTO migrated VALUES (1, 2)").await.unwrap();
        }
        let left = "SELECT count(*) FROM pg_roles WHERE rolname LIKE '%--owner'";
        assert_eq!(transport.sql(DATABASE, left).await.unwrap(), "0\n");
        assert!(!cluster.log().unwrap().contains("for-this-time"), "its password was not sent");
    }
}

#[tokio::test]
async fn i8_a_role_that_has_the_name_of_such_a_login_is_left_alone() {
    let cluster = cluster(&embedded()).await;
    let transport = master(&cluster);
    let wanted = roles(&["auth"]);
    provision(&transport, &wanted).await.unwrap();
    transport.sql(DATABASE, "CREATE ROLE \"auth--owner\"").await.unwrap();
    let error = open_owner_login(&transport, &wanted, &wanted.apps()[0], &"x".into()).await.unwrap_err();
    assert_eq!(error.reason_name(), Some("login-taken"));
    close_owner_login(&transport, &wanted, "auth").await.unwrap();
    let count = "SELECT count(*) FROM pg_roles WHERE rolname = 'auth--owner'";
    assert_eq!(transport.sql(DATABASE, count).await.unwrap(), "1\n");
}
