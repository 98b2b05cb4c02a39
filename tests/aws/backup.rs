//! Backups: what AWS has, what the server has, and what the state remembers.

use crate::moto::{Moto, account, moto};
use crate::relay::{Fault, Relay};
use crate::unique;
use deploy_native::backup::{
    BackupPlan, BackupTools, Ensured, FinalBackup, ensure_backups, final_backup, look_at_backups, remove_bucket,
    remove_schedule,
};
use deploy_native::dokploy::{CreatePostgres, Dokploy};
use deploy_native::secrets::{Secret, SystemEntropy};
use deploy_native::state::{BackupState, LocalStateStore, SharedState, State};
use deploy_native::{DeployError, ErrorCode};
use deploy_native_simulator::{Fault as ServerFault, FaultAction, Simulator};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use tempfile::{TempDir, tempdir};
use time::OffsetDateTime;

const STAGE: &str = "staging";

/// A server with a database that runs, an account, and a state.
struct World {
    simulator: Simulator,
    client: Dokploy,
    postgres: String,
    relay: Relay,
    plan: BackupPlan,
    root: TempDir,
}

impl World {
    async fn start(moto: &Moto) -> Self {
        let simulator = Simulator::builder().time_scale(0.02).start().await.unwrap();
        let client = Dokploy::new(simulator.url(), &Secret::new(simulator.token())).unwrap();
        let project = client.project().create("shop", None).await.unwrap();
        let create = CreatePostgres {
            name: "db",
            environment_id: &project.environment.environment_id,
            database_name: "shop",
            database_user: "postgres",
            database_password: &Secret::new("password"),
            app_name: None,
            docker_image: None,
            description: None,
        };
        let postgres = client.postgres().create(&create).await.unwrap().postgres_id;
        client.postgres().deploy(&postgres).await.unwrap();
        let relay = Relay::before(&moto.url).await;
        let plan = BackupPlan {
            workspace: unique("shop"),
            stage: STAGE.to_owned(),
            schedule: "0 2 * * *".to_owned(),
            retention: 30,
            database: "shop".to_owned(),
        };
        Self { simulator, client, postgres, relay, plan, root: tempdir().unwrap() }
    }

    async fn state(&self) -> SharedState {
        let store = Arc::new(LocalStateStore::new(self.root.path()));
        let loaded = SharedState::load(store.clone(), STAGE).await.unwrap();
        loaded.unwrap_or_else(|| SharedState::start(store, State::new(STAGE)))
    }

    async fn backups(&self) -> BackupState {
        self.state().await.snapshot().backups.clone().unwrap()
    }

    async fn ensure(&self) -> Result<Ensured, DeployError> {
        let aws = account(&self.relay.url);
        let tools = BackupTools {
            client: &self.client,
            aws: &aws,
            entropy: &SystemEntropy,
            now: OffsetDateTime::now_utc,
            landing: Duration::from_millis(400),
            settling: Duration::from_millis(200),
        };
        ensure_backups(&self.plan, &self.postgres, &tools, &self.state().await).await
    }

    /// What is not as it should be.
    async fn reasons(&self) -> Vec<String> {
        let (aws, state) = (account(&self.relay.url), self.state().await);
        let snapshot = state.snapshot();
        let look = look_at_backups(&self.plan, Some(&self.postgres), &self.client, &aws, snapshot.backups.as_ref());
        look.await.unwrap().reasons
    }

    fn table(&self, name: &str) -> Vec<Value> {
        self.simulator.snapshot()[name].as_array().unwrap().clone()
    }

    async fn objects(&self, bucket: &str) -> String {
        let url = format!("{}/{bucket}?versions", self.relay.url);
        reqwest::get(url).await.unwrap().text().await.unwrap()
    }

    /// How many access keys the user has.
    async fn keys(&self) -> usize {
        let body =
            format!("Action=ListAccessKeys&Version=2010-05-08&UserName=dokploy-backup-{}-staging", self.plan.workspace);
        iam(&self.relay.url, body).await.matches("<AccessKeyId>").count()
    }
}

/// Calls IAM as somebody else would; returns the answer.
async fn iam(url: &str, body: String) -> String {
    let sent = reqwest::Client::new()
        .post(url)
        .header("authorization", "AWS4-HMAC-SHA256 Credential=x/20260101/us-east-1/iam/aws4_request")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(body);
    sent.send().await.unwrap().text().await.unwrap()
}

fn last(wait: u64) -> FinalBackup {
    FinalBackup {
        patience: Duration::from_millis(wait),
        look_every: Duration::from_millis(20),
        landing: Duration::from_millis(400),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn backups_are_set_up_once_and_left_alone() {
    let Some(moto) = moto("backups are set up") else { return };
    let world = World::start(moto).await;
    assert_eq!(world.reasons().await.len(), 1);
    let done = world.ensure().await.unwrap();
    assert_eq!(done.warnings, Vec::<String>::new());
    assert_eq!(done.changes.len(), 4, "{done:?}");

    let backups = world.backups().await;
    assert!(backups.bucket_name.starts_with(&format!("{}-staging-backups-", world.plan.workspace)));
    assert_eq!(backups.bucket_arn, format!("arn:aws:s3:::{}", backups.bucket_name));
    assert_eq!(backups.iam_user_name, format!("dokploy-backup-{}-staging", world.plan.workspace));
    let destination = &world.table("destinations")[0];
    assert_eq!(destination["name"], format!("{}-staging-s3", world.plan.workspace));
    assert_eq!(destination["accessKey"], backups.iam_access_key_id);
    assert_eq!(destination["secretAccessKey"], backups.iam_secret_access_key.expose());
    let backup = &world.table("backups")[0];
    assert_eq!((&backup["schedule"], &backup["keepLatestCount"]), (&"0 2 * * *".into(), &30.into()));
    assert_eq!((&backup["prefix"], &backup["database"]), (&"staging/postgres".into(), &"shop".into()));
    assert_eq!(world.simulator.violations(), Vec::<String>::new());
    let policy = world.relay.seen().into_iter().find(|request| request.contains("PutUserPolicy")).unwrap();
    for action in ["GetObject", "PutObject", "DeleteObject", "ListBucket", "GetBucketLocation"] {
        assert!(policy.contains(&format!("s3%3A{action}")), "{policy}");
    }
    let versioning = reqwest::get(format!("{}/{}?versioning", moto.url, backups.bucket_name)).await.unwrap();
    assert!(versioning.text().await.unwrap().contains("Enabled"));

    assert_eq!(world.reasons().await, Vec::<String>::new());
    let before = (world.simulator.mutations().len(), world.relay.count("PUT "), world.relay.count("Action=Create"));
    assert_eq!(world.ensure().await.unwrap(), Ensured::default());
    assert_eq!(world.simulator.mutations().len(), before.0, "the server was written to again");
    assert_eq!(world.relay.count("Action=CreateAccessKey"), 1);
    assert_eq!(world.backups().await, backups);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changed_is_made_right_and_what_is_gone_made_again() {
    let Some(moto) = moto("what changed") else { return };
    let mut world = World::start(moto).await;
    world.ensure().await.unwrap();
    let before = world.backups().await;

    world.plan.retention = 7;
    assert_eq!(world.reasons().await, ["schedule or retention changed"]);
    world.ensure().await.unwrap();
    assert_eq!(world.table("backups")[0]["keepLatestCount"], 7);
    assert_eq!(world.table("backups").len(), 1);

    // A key that was deleted by hand: the destination gets the new one.
    let body = format!(
        "Action=DeleteAccessKey&Version=2010-05-08&UserName={}&AccessKeyId={}",
        before.iam_user_name, before.iam_access_key_id
    );
    assert!(iam(&moto.url, body).await.contains("DeleteAccessKeyResponse"));
    assert_eq!(world.reasons().await, [format!("the access key {} is gone", before.iam_access_key_id)]);
    world.ensure().await.unwrap();
    let after = world.backups().await;
    assert_ne!(after.iam_access_key_id, before.iam_access_key_id);
    assert_eq!(world.table("destinations").len(), 1);
    assert_eq!(world.table("destinations")[0]["accessKey"], after.iam_access_key_id);
    assert_eq!(after.bucket_name, before.bucket_name);

    world.client.destination().remove(&after.destination_id).await.unwrap();
    assert_eq!(world.reasons().await.len(), 2);
    world.ensure().await.unwrap();
    assert_eq!((world.table("destinations").len(), world.table("backups").len()), (1, 1));
    assert_eq!(world.reasons().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn i2_a_lost_state_finds_bucket_and_key_on_the_server() {
    let Some(moto) = moto("a lost state") else { return };
    let world = World::start(moto).await;
    world.ensure().await.unwrap();
    let before = world.backups().await;
    std::fs::remove_dir_all(world.root.path().join(".gkm")).unwrap();
    let done = world.ensure().await.unwrap();
    assert!(done.warnings[0].contains("recovered"), "{done:?}");
    let after = world.backups().await;
    assert_eq!(after, BackupState { created_at: after.created_at.clone(), ..before });
    assert_eq!((world.keys().await, world.table("destinations").len(), world.table("backups").len()), (1, 1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn i3_interrupted_anywhere_the_next_run_ends_in_the_same() {
    let Some(moto) = moto("interrupted anywhere") else { return };
    let calls = [
        "?versioning",
        "Action=CreateUser",
        "Action=PutUserPolicy",
        "Action=CreateAccessKey",
        "Action=ListAccessKeys",
        "HEAD ",
    ];
    for call in calls {
        for fault in [Fault::DropBefore, Fault::DropAfter, Fault::Answer(503, String::new())] {
            let world = World::start(moto).await;
            world.relay.spoil_times(call, 0, 20, fault.clone());
            let first = world.ensure().await;
            world.relay.calm();
            let backups = world.state().await.snapshot().backups.clone();
            world.ensure().await.unwrap();
            let case = format!("{call} {fault:?} {first:?}");
            assert_eq!(backups.unwrap().bucket_name, world.backups().await.bucket_name, "{case}");
            assert_eq!((world.table("destinations").len(), world.table("backups").len()), (1, 1), "{case}");
            assert_eq!(world.reasons().await, Vec::<String>::new(), "{case}");
        }
    }
    for call in ["destination.create", "backup.create", "destination.all", "postgres.one"] {
        for kind in [FaultAction::DropBefore, FaultAction::DropAfter] {
            let world = World::start(moto).await;
            world.simulator.fault(ServerFault::new(call, kind.clone()).nth(1));
            let first = world.ensure().await;
            world.ensure().await.unwrap();
            let case = format!("{call} {kind:?} {first:?}");
            assert_eq!((world.table("destinations").len(), world.table("backups").len()), (1, 1), "{case}");
            assert_eq!((world.keys().await, world.reasons().await), (1, Vec::<String>::new()), "{case}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_whose_secret_was_lost_do_not_use_up_what_a_user_may_have() {
    let Some(moto) = moto("lost keys") else { return };
    let world = World::start(moto).await;
    for _ in 0..3 {
        world.relay.spoil("Action=CreateAccessKey", Fault::DropAfter);
        let error = world.ensure().await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::BackupFailed);
    }
    let done = world.ensure().await.unwrap();
    assert!(done.warnings[0].contains("nobody knew any more"), "{done:?}");
    assert!(world.keys().await <= 2);
    assert_eq!(world.reasons().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_cannot_write_to_the_bucket_is_told_as_a_warning() {
    let Some(moto) = moto("a server that cannot write") else { return };
    let world = World::start(moto).await;
    // The server's own request, which is not signed as ours are.
    world.relay.spoil_times("GET /", 0, 1000, Fault::Answer(403, String::new()));
    let done = world.ensure().await.unwrap();
    assert!(done.warnings[0].contains("cannot write to the bucket"), "{done:?}");
    assert!(!format!("{done:?}").contains(world.backups().await.iam_secret_access_key.expose()));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_copy_is_waited_for_and_its_failure_told() {
    let Some(moto) = moto("the last copy") else { return };
    let world = World::start(moto).await;
    world.ensure().await.unwrap();
    let backups = world.backups().await;
    let id = backups.postgres_backup_id.clone().unwrap();
    final_backup(&world.client, &id, &last(20_000)).await.unwrap();
    assert_eq!(world.objects(&backups.bucket_name).await.matches("<Version>").count(), 1);
    assert_eq!(world.table("deployments").last().unwrap()["status"], "done");

    // The answer is lost, as through a proxy, and the copy goes on.
    world.simulator.fault(ServerFault::new("backup.manualBackupPostgres", FaultAction::DropAfter).nth(1));
    final_backup(&world.client, &id, &last(20_000)).await.unwrap();
    assert_eq!(world.objects(&backups.bucket_name).await.matches("<Version>").count(), 2);
    // The request itself is lost: that is not taken for a copy.
    world.simulator.fault(ServerFault::new("backup.manualBackupPostgres", FaultAction::DropBefore).nth(1));
    let error = final_backup(&world.client, &id, &last(20_000)).await.unwrap_err();
    assert_eq!((error.code(), error.reason_name()), (ErrorCode::BackupFailed, Some("final-backup")));

    world.relay.spoil_times("PUT /", 0, 100, Fault::Answer(403, String::new()));
    let error = final_backup(&world.client, &id, &last(20_000)).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::BackupFailed);
    assert!(error.log_tail().unwrap().contains("S3 answers 403"), "{error:?}");
    assert!(error.hint_text().unwrap().contains("finalBackup: false"), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn removal_leaves_the_bucket_unless_it_is_asked_for() {
    let Some(moto) = moto("removal") else { return };
    let world = World::start(moto).await;
    world.ensure().await.unwrap();
    let backups = world.backups().await;
    let id = backups.postgres_backup_id.clone().unwrap();
    for _ in 0..3 {
        final_backup(&world.client, &id, &last(20_000)).await.unwrap();
    }
    remove_schedule(&world.client, &world.state().await).await.unwrap();
    assert_eq!((world.table("destinations").len(), world.table("backups").len()), (0, 0));
    let left = world.backups().await;
    assert_eq!((left.destination_id.as_str(), left.postgres_backup_id), ("", None));
    assert_eq!(world.objects(&backups.bucket_name).await.matches("<Version>").count(), 3);
    remove_schedule(&world.client, &world.state().await).await.unwrap();

    // Set up again, it is the same bucket.
    world.ensure().await.unwrap();
    assert_eq!(world.backups().await.bucket_name, backups.bucket_name);

    // Somebody deletes one by hand: a mark and the version under it.
    let listed = world.objects(&backups.bucket_name).await;
    let key = listed.split("<Key>").nth(1).unwrap().split('<').next().unwrap().to_owned();
    let signature = "AWS4-HMAC-SHA256 Credential=x/20260101/eu-central-1/s3/aws4_request";
    let url = format!("{}/{}/{key}", moto.url, backups.bucket_name);
    reqwest::Client::new().delete(url).header("authorization", signature).send().await.unwrap();
    assert!(world.objects(&backups.bucket_name).await.contains("<DeleteMarker>"));

    remove_schedule(&world.client, &world.state().await).await.unwrap();
    remove_bucket(&account(&world.relay.url), &world.state().await).await.unwrap();
    assert!(world.objects(&backups.bucket_name).await.contains("NoSuchBucket"));
    assert_eq!(world.keys().await, 0);
    assert_eq!(world.state().await.snapshot().backups, None);
    remove_bucket(&account(&world.relay.url), &world.state().await).await.unwrap();
}
