//! Both ways to the database in one run: what each takes, and for how long the database is away.

use crate::internal_database_access::Inside;
use deploy_native::deploy::provision_services;
use deploy_native::plan::DatabaseRoute;
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio_postgres::NoTls;

/// How long one try to reach the database may take.
const TRY: Duration = Duration::from_secs(1);

/// Logs in again and again until told to stop; says for how long that did not work.
async fn outage(world: &Inside, over: &AtomicBool) -> Duration {
    let password = world.world.state().await.deploy_native.passwords.postgres.unwrap();
    let database = world.database();
    let (mut away, mut last) = (Duration::ZERO, Instant::now());
    while !over.load(Ordering::SeqCst) {
        let login = async {
            let address = world.backend.address(&database).await.ok()?;
            let (host, port) = (address.ip(), address.port());
            let login = format!("host={host} port={port} user=postgres dbname=shop password={}", password.expose());
            let (client, connection) = tokio_postgres::connect(&login, NoTls).await.ok()?;
            let connection = tokio::spawn(connection);
            let answered = client.simple_query("SELECT 1").await.ok();
            connection.abort();
            answered
        };
        let served = world.serves() && tokio::time::timeout(TRY, login).await.is_ok_and(|answer| answer.is_some());
        let now = Instant::now();
        if !served {
            away += now - last;
        }
        last = now;
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    away
}

impl Inside {
    /// The tasks of the database, as the simulated Swarm has them.
    fn tasks(&self) -> Value {
        let database = self.database();
        let services = self.records("services");
        services.iter().find(|service| service["name"] == database.as_str()).unwrap()["tasks"].clone()
    }

    /// Whether a container of the database is up.
    fn serves(&self) -> bool {
        self.tasks().to_string().contains("\"Running\"")
    }

    /// How many containers the database has had.
    fn containers(&self) -> usize {
        self.tasks().as_array().unwrap().len()
    }
}

#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::print_stdout, reason = "the figures are the result")]
async fn i4_side_by_side_the_way_from_inside_takes_the_database_away_from_nobody() {
    let mut figures = Vec::new();
    for access in ["internal", "external-port"] {
        let world = Inside::with(|builder| builder).await;
        provision_services(world.request(access), world.world.options()).await.unwrap();
        // The database is up before anything is measured.
        drop(world.session().await);
        while !world.serves() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let before = world.containers();
        let over = Arc::new(AtomicBool::new(false));
        let work = async {
            let begun = Instant::now();
            let report = world.apply(access).await;
            let took = begun.elapsed();
            over.store(true, Ordering::SeqCst);
            (report.unwrap(), took)
        };
        let ((report, took), away) = tokio::join!(work, outage(&world, &over));
        let inside = report.database_access.unwrap().way == DatabaseRoute::Internal;
        assert_eq!(inside, access == "internal");
        assert_eq!(world.containers() == before, inside, "{access}: a container takes the place of another one");
        assert!(!inside || away.is_zero(), "from inside: away for {away:?}");
        figures.push((took, away));
    }
    let [(inside, _), (port, away)] = figures[..] else { panic!("two ways") };
    println!(
        "from inside: {} ms, the database never away; through the port: {:.1} times as long, away for {:.0} % of it",
        inside.as_millis(),
        port.as_secs_f64() / inside.as_secs_f64(),
        100.0 * away.as_secs_f64() / port.as_secs_f64(),
    );
}
