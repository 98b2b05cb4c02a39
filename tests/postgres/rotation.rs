//! Passwords change under running apps, and apps leave, with and without their data.

use crate::database::*;
use deploy_native::postgres::{
    change_password, close_second_login, disable_role, drop_role, open_second_login, prove, provision,
    second_login_name,
};
use deploy_native::secrets::Secret;
use deploy_native_simulator::postgres::Cluster;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use tokio::sync::Mutex;
use tokio_postgres::Client;

/// An app that is in use all the time: a session that stays, and logins as it is configured, until it is stopped.
struct Busy {
    configured: Arc<Mutex<(String, String)>>,
    stop: Arc<AtomicBool>,
    logins: Arc<AtomicUsize>,
    running: tokio::task::JoinHandle<()>,
}

impl Busy {
    fn start(cluster: Arc<Cluster>, session: Client, user: &str, password: &str) -> Self {
        let configured = Arc::new(Mutex::new((user.to_owned(), password.to_owned())));
        let stop = Arc::new(AtomicBool::new(false));
        let logins = Arc::new(AtomicUsize::new(0));
        let (config, end, count) = (Arc::clone(&configured), Arc::clone(&stop), Arc::clone(&logins));
        let running = tokio::spawn(async move {
            while !end.load(Ordering::SeqCst) {
                let (user, password) = config.lock().await.clone();
                let fresh = connect(&cluster, &user, &password, DATABASE).await.expect("a live app is refused");
                fresh.batch_execute("INSERT INTO t VALUES (1)").await.expect("a live app is refused");
                session.batch_execute("SELECT * FROM t LIMIT 1").await.expect("a standing session is refused");
                count.fetch_add(1, Ordering::SeqCst);
            }
        });
        Self { configured, stop, logins, running }
    }

    /// Deploys the app anew: from here on it logs in like this.
    async fn configure(&self, user: &str, password: &str) {
        *self.configured.lock().await = (user.to_owned(), password.to_owned());
        // The login that is under way may be of before; the one after it is not.
        let seen = self.logins.load(Ordering::SeqCst);
        while self.logins.load(Ordering::SeqCst) < seen + 2 {
            assert!(!self.running.is_finished(), "the app was refused");
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    }

    async fn stop(self) {
        self.stop.store(true, Ordering::SeqCst);
        self.running.await.unwrap();
    }
}

#[tokio::test]
async fn a_live_app_is_never_refused_during_a_rotation_and_every_step_may_be_repeated() {
    for binaries in installations() {
        let cluster = Arc::new(cluster(&binaries).await);
        let transport = master(&cluster);
        let wanted = roles(&["api", "admin-auth"]);
        provision(&transport, &wanted).await.unwrap();
        let app = &wanted.apps()[1];
        let session = as_app(&cluster, "admin-auth").await;
        session.batch_execute("CREATE TABLE t (a int)").await.unwrap();
        let busy = Busy::start(Arc::clone(&cluster), session, "admin-auth", &password("admin-auth"));
        let (second, interim, next) = (second_login_name(&app.user), Secret::new("interim"), Secret::new("next"));

        for _ in 0..2 {
            open_second_login(&transport, DATABASE, app, &interim).await.unwrap();
        }
        busy.configure(&second, "interim").await;
        let acting = connect(&cluster, &second, "interim", DATABASE).await.unwrap();
        let who = "SELECT current_user || ' ' || current_schema()";
        assert_eq!(value(&acting, who).await, "admin-auth admin_auth");
        acting.batch_execute("CREATE TABLE made_meanwhile (a int)").await.unwrap();
        prove(&transport, &wanted).await.unwrap();

        for _ in 0..2 {
            change_password(&transport, DATABASE, &app.user, &next).await.unwrap();
        }
        assert!(connect(&cluster, "admin-auth", &password("admin-auth"), DATABASE).await.is_err());
        busy.configure("admin-auth", "next").await;
        for _ in 0..2 {
            close_second_login(&transport, DATABASE, &app.user).await.unwrap();
        }
        assert!(connect(&cluster, &second, "interim", DATABASE).await.is_err());
        let owner = "SELECT tableowner FROM pg_tables WHERE tablename = 'made_meanwhile'";
        assert_eq!(transport.sql(DATABASE, owner).await.unwrap(), "admin-auth\n");
        busy.stop().await;
        assert!(!cluster.log().unwrap().contains("interim"), "the password of the second login was not sent");
    }
}

#[tokio::test]
async fn a_role_that_has_the_name_of_a_second_login_is_left_alone() {
    let cluster = cluster(&embedded()).await;
    let transport = master(&cluster);
    let wanted = roles(&["auth"]);
    provision(&transport, &wanted).await.unwrap();
    transport.sql(DATABASE, "CREATE ROLE \"auth--next\"").await.unwrap();
    let error = open_second_login(&transport, DATABASE, &wanted.apps()[0], &"x".into()).await.unwrap_err();
    assert_eq!(error.reason_name(), Some("login-taken"));
    close_second_login(&transport, DATABASE, "auth").await.unwrap();
    let count = "SELECT count(*) FROM pg_roles WHERE rolname = 'auth--next'";
    assert_eq!(transport.sql(DATABASE, count).await.unwrap(), "1\n");
}

#[tokio::test]
async fn a_removed_apps_role_is_barred_and_its_data_kept() {
    for binaries in installations() {
        let cluster = cluster(&binaries).await;
        let transport = master(&cluster);
        let wanted = roles(&["api", "auth"]);
        provision(&transport, &wanted).await.unwrap();
        let session = as_app(&cluster, "auth").await;
        session.batch_execute("CREATE TABLE t (a int); INSERT INTO t VALUES (7)").await.unwrap();
        for _ in 0..2 {
            let kept = disable_role(&transport, DATABASE, "auth").await.unwrap();
            assert_eq!(kept, ["schema auth: 1 tables"]);
        }
        assert!(session.batch_execute("SELECT 1").await.is_err(), "its sessions end");
        assert!(connect(&cluster, "auth", &password("auth"), DATABASE).await.is_err());
        assert_eq!(transport.sql(DATABASE, "SELECT a FROM auth.t").await.unwrap(), "7\n");
        provision(&transport, &wanted).await.unwrap();
        assert_eq!(value(&as_app(&cluster, "auth").await, "SELECT a FROM t").await, "7");
    }
}

#[tokio::test]
async fn i8_a_dropped_app_goes_with_its_data_and_nobody_elses() {
    for binaries in installations() {
        let cluster = cluster(&binaries).await;
        let transport = master(&cluster);
        let wanted = roles_with(&["api", "auth"], |apps| apps[0].shared_with.push("auth".to_owned()));
        provision(&transport, &wanted).await.unwrap();
        for app in ["api", "auth"] {
            as_app(&cluster, app).await.batch_execute("CREATE TABLE t (a serial)").await.unwrap();
        }
        let strange = "CREATE TABLE public.strange (a int); CREATE TABLE public.auths (a int); \
                       ALTER TABLE public.auths OWNER TO auth";
        transport.sql(DATABASE, strange).await.unwrap();
        open_second_login(&transport, DATABASE, &wanted.apps()[1], &"x".into()).await.unwrap();
        let removed = drop_role(&transport, DATABASE, "auth", "auth").await.unwrap();
        assert_eq!(removed, ["schema auth", "role auth"]);
        assert_eq!(drop_role(&transport, DATABASE, "auth", "auth").await.unwrap(), Vec::<String>::new());
        let tables = "SELECT string_agg(schemaname || '.' || tablename || ' ' || tableowner, ', ' ORDER BY tablename) \
                      FROM pg_tables WHERE schemaname !~ '^(pg_|information_schema)'";
        let left = transport.sql(DATABASE, tables).await.unwrap();
        assert_eq!(left, "public.auths postgres, public.strange postgres, public.t api\n");
        assert_eq!(drop_role(&transport, DATABASE, "api", "public").await.unwrap(), ["role api"]);
        let left = transport.sql(DATABASE, tables).await.unwrap();
        assert_eq!(left, "public.auths postgres, public.strange postgres\n");
    }
}
