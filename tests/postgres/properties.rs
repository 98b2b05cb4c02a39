//! Laws that hold for any names, passwords, workspaces and histories.

use crate::database::*;
use deploy_native::postgres::{
    AppRole, DatabaseRoles, app_names, drop_role, prove, provision, quote_identifier, quote_literal,
};
use deploy_native::secrets::Secret;
use deploy_native_simulator::postgres::Cluster;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use std::collections::BTreeSet;
use tokio_postgres::Client;

/// Draws `count` values; the seed is fixed, so that a failure is the same each time.
fn samples<S: Strategy>(strategy: &S, count: usize) -> Vec<S::Value> {
    let mut runner = TestRunner::deterministic();
    (0..count).map(|_| strategy.new_tree(&mut runner).unwrap().current()).collect()
}

/// Text with everything that is special to SQL, `format` or a shell in it.
fn hostile() -> impl Strategy<Value = String> {
    let special = prop::sample::select(vec![
        "'",
        "\"",
        "\\",
        "$$",
        "%I",
        "%",
        "--",
        ";",
        "/*",
        "\n",
        "\t",
        " ",
        "-",
        "_",
        ":",
        "ä",
        "\u{1F600}",
        "E'",
        "{",
        "}",
    ]);
    let letters = "[a-zA-Z0-9]{1,3}".prop_map(String::from);
    prop::collection::vec(prop_oneof![special.prop_map(String::from), letters], 1..9).prop_map(|parts| parts.concat())
}

#[tokio::test]
async fn any_text_is_quoted_so_that_the_server_reads_the_same() {
    let cases = samples(&prop_oneof![hostile(), "\\PC{1,20}"], 150);
    for binaries in installations() {
        let cluster = cluster(&binaries).await;
        let client = cluster.admin(DATABASE).await.unwrap();
        for conforming in ["on", "off"] {
            client.batch_execute(&format!("SET standard_conforming_strings = {conforming}")).await.unwrap();
            for text in cases.iter().filter(|text| !text.contains('\0')) {
                assert_eq!(value(&client, &format!("SELECT {}", quote_literal(text))).await, *text);
                let name: String = text
                    .chars()
                    .scan(0, |length, c| {
                        *length += c.len_utf8();
                        (*length <= 63).then_some(c)
                    })
                    .collect();
                let messages = client.simple_query(&format!("SELECT 1 AS {}", quote_identifier(&name))).await.unwrap();
                let column = messages.iter().find_map(|message| match message {
                    tokio_postgres::SimpleQueryMessage::Row(row) => Some(row.columns()[0].name().to_owned()),
                    _ => None,
                });
                assert_eq!(column.unwrap(), name);
            }
        }
        for reserved in ["select", "user", "table", "all", "SELECT"] {
            let statement = format!("CREATE TABLE {0} ({0} int)", quote_identifier(reserved));
            client.batch_execute(&statement).await.unwrap();
        }
    }
}

/// Names of apps as a workspace might have them, and as it should not.
fn app_name() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => "[a-z][a-z0-9]{0,6}(-[a-z0-9]{1,4}){0,2}".prop_map(String::from),
        1 => hostile(),
        1 => Just("user".to_owned()),
        1 => Just("select".to_owned()),
        1 => "[a-z]{63}".prop_map(String::from),
    ]
}

/// A step of a history: who does what in whose schema.
#[derive(Debug, Clone, Copy)]
struct Migration {
    by_master: bool,
    app: prop::sample::Index,
    kind: usize,
    number: usize,
}

fn migration() -> impl Strategy<Value = Migration> {
    (any::<bool>(), any::<prop::sample::Index>(), 0..MIGRATIONS.len(), 0..3_usize)
        .prop_map(|(by_master, app, kind, number)| Migration { by_master, app, kind, number })
}

/// What migrations do, in the schema that the session looks in first.
const MIGRATIONS: [&str; 20] = [
    "CREATE TABLE t# (id serial PRIMARY KEY, v text)",
    "CREATE TABLE i# (id int GENERATED ALWAYS AS IDENTITY, v text) PARTITION BY RANGE (id)",
    "CREATE TABLE p# PARTITION OF i# FOR VALUES FROM (1) TO (9)",
    "CREATE VIEW v# AS SELECT v FROM t#",
    "CREATE MATERIALIZED VIEW m# AS SELECT v FROM t#",
    "CREATE SEQUENCE s#",
    "CREATE FUNCTION f#() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE TYPE e# AS ENUM ('a'); CREATE DOMAIN d# AS text",
    "ALTER TABLE t# ADD w text",
    "DROP TABLE IF EXISTS t# CASCADE",
    "ALTER TABLE t# RENAME COLUMN v TO renamed",
    "CREATE TABLE r# (id int PRIMARY KEY, t int REFERENCES t# (id), e e#, g text GENERATED ALWAYS AS ('x') STORED)",
    "CREATE UNLOGGED TABLE u# () INHERITS (t#)",
    "CREATE TYPE c# AS (a int, b text); CREATE TYPE n# AS RANGE (subtype = int4)",
    "CREATE PROCEDURE k#() LANGUAGE plpgsql AS 'BEGIN NULL; END'",
    "CREATE FUNCTION g#() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; \
     CREATE TRIGGER g# BEFORE INSERT ON t# FOR EACH ROW EXECUTE FUNCTION g#()",
    "CREATE AGGREGATE a# (int) (SFUNC = int4pl, STYPE = int)",
    "CREATE FUNCTION h#() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'; DROP FUNCTION IF EXISTS f#() CASCADE",
    "CREATE EXTENSION citext; CREATE TABLE x# (mail citext)",
    "ALTER TABLE t# ENABLE ROW LEVEL SECURITY; CREATE POLICY own# ON t# USING (true); SELECT lo_create(0)",
];

/// Plays a history; steps that do not apply (a table that is there already) are passed over, as a refusal is not.
async fn play(cluster: &Cluster, roles: &DatabaseRoles, history: &[Migration]) {
    for step in history {
        let app = step.app.get(roles.apps());
        let client: Client = if step.by_master {
            let client = cluster.admin(DATABASE).await.unwrap();
            client.batch_execute(&format!("SET search_path = {}", quote_identifier(&app.schema))).await.unwrap();
            client
        } else {
            connect(cluster, &app.user, app.password.expose(), DATABASE).await.unwrap()
        };
        let refused = refusal(&client, &MIGRATIONS[step.kind].replace('#', &step.number.to_string())).await;
        // Objects that the master made meanwhile are the app's to alter after the next provisioning.
        assert!(refused.as_deref() != Some("42501") || !step.by_master, "{app:?}: {step:?}");
    }
}

/// Every app can alter and drop whatever stands in its schema.
async fn migrate_everything(cluster: &Cluster, roles: &DatabaseRoles) {
    for app in roles.apps() {
        let client = connect(cluster, &app.user, app.password.expose(), DATABASE).await.unwrap();
        let everything = "DO $$ DECLARE item record; BEGIN FOR item IN SELECT oid::regclass AS name FROM pg_class \
                          WHERE relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema()) AND relkind IN ('r', 'p') AND NOT relispartition LOOP \
                          EXECUTE format('ALTER TABLE %s ADD migrated int', item.name); \
                          EXECUTE format('INSERT INTO %s (migrated) SELECT 1 WHERE false', item.name); END LOOP; \
                          FOR item IN SELECT oid::regtype AS name FROM pg_type \
                          WHERE typnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema()) AND typtype = 'e' LOOP \
                          EXECUTE format('ALTER TYPE %s RENAME VALUE ''a'' TO ''b''', item.name); END LOOP; END $$";
        client.batch_execute(everything).await.unwrap();
    }
}

#[tokio::test]
async fn any_workspace_with_any_history_is_isolated_and_can_be_migrated() {
    let names = prop::collection::btree_set(app_name(), 1..5);
    let case = (
        names,
        any::<prop::sample::Index>(),
        any::<prop::sample::Index>(),
        prop::collection::vec(hostile(), 5),
        prop::collection::vec(migration(), 0..24),
    );
    let cases = samples(&case, 24);
    let mut played = 0;
    for binaries in installations() {
        let cluster = cluster(&binaries).await;
        let transport = master(&cluster);
        for (names, owner, reader, passwords, history) in &cases {
            let Some(roles) = workspace(names, *owner, *reader, passwords) else { continue };
            played += 1;
            provision(&transport, &roles).await.unwrap();
            play(&cluster, &roles, history).await;
            prove(&transport, &roles).await.unwrap_or_else(|error| panic!("{error}: {roles:?} {history:?}"));
            provision(&transport, &roles).await.unwrap();
            prove(&transport, &roles).await.unwrap();
            migrate_everything(&cluster, &roles).await;
            for app in roles.apps() {
                drop_role(&transport, DATABASE, &app.user, &app.schema).await.unwrap();
            }
            let left = "SELECT count(*) FROM pg_roles WHERE NOT rolsuper AND rolname !~ '^pg_'";
            assert_eq!(transport.sql(DATABASE, left).await.unwrap(), "0\n");
            let clean = "DROP EXTENSION IF EXISTS citext CASCADE; DROP SCHEMA public CASCADE; CREATE SCHEMA public; GRANT USAGE ON SCHEMA public TO PUBLIC";
            transport.sql(DATABASE, clean).await.unwrap();
        }
    }
    assert!(played > 10, "{played} of the drawn workspaces were valid");
}

/// The roles of a drawn workspace; none where its names cannot be.
fn workspace(
    names: &BTreeSet<String>,
    owner: prop::sample::Index,
    reader: prop::sample::Index,
    passwords: &[String],
) -> Option<DatabaseRoles> {
    let list: Vec<&str> = names.iter().map(String::as_str).collect();
    let public_owner = *owner.get(&list);
    let mut apps: Vec<AppRole> = app_names(list.iter().copied(), Some(public_owner))
        .ok()?
        .into_iter()
        .zip(passwords)
        .map(|(names, password)| AppRole::new(names, Secret::new(password.clone())))
        .collect();
    let reading = reader.get(&list).to_string();
    if reading != public_owner {
        apps.iter_mut().find(|app| app.app == public_owner)?.shared_with.push(reading);
    }
    DatabaseRoles::new(DATABASE, MASTER, apps).ok()
}
