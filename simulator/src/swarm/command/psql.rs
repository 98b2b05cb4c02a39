//! `psql`: its options, its environment, and its exit statuses.

use std::collections::BTreeMap;

use crate::swarm::model::Service;
use crate::world::World;

type Variables = BTreeMap<String, String>;

/// What a `psql` process printed on its error output, and how it ended.
pub(super) struct Finished {
    pub(super) status: i64,
    pub(super) errors: String,
}

/// What the options say.
#[derive(Default)]
pub(super) struct Connection {
    env: Variables,
    commands: Vec<String>,
    stops_on_error: bool,
    reads_input: bool,
}

impl Connection {
    fn host(&self) -> &str {
        self.env.get("PGHOST").map_or("", String::as_str)
    }

    /// Whether the database accepts connections.
    pub(super) fn is_served(&self, world: &World) -> bool {
        world.read(|state| state.services.get(self.host()).is_some_and(Service::accepts_connections))
    }

    fn unreachable(&self, world: &World) -> String {
        let host = self.host();
        if world.read(|state| state.services.contains_key(host)) {
            return format!("psql: error: connection to server at \"{host}\", port 5432 failed: Connection refused");
        }
        format!("psql: error: could not translate host name \"{host}\" to address: Name or service not known")
    }
}

/// Options that take a value, with the variable that each stands for.
const VALUED: &[(char, &str, &str)] = &[
    ('h', "host", "PGHOST"),
    ('U', "username", "PGUSER"),
    ('d', "dbname", "PGDATABASE"),
    ('p', "port", "PGPORT"),
    ('c', "command", "-c"),
    ('f', "file", "-f"),
    ('v', "set", "-v"),
    ('v', "variable", "-v"),
    ('F', "field-separator", ""),
    ('P', "pset", ""),
    ('o', "output", ""),
];

/// Reads the options of `psql`.
pub(super) fn connection(arguments: &[String], env: &Variables) -> Connection {
    let mut connection = Connection { env: env.clone(), ..Connection::default() };
    let mut positional = ["PGDATABASE", "PGUSER"].into_iter();
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        if let Some((variable, glued)) = valued(argument) {
            let value = glued.or_else(|| arguments.next().cloned()).unwrap_or_default();
            set(&mut connection, variable, value);
        } else if !argument.starts_with('-') {
            set(&mut connection, positional.next().unwrap_or_default(), argument.clone());
        }
    }
    connection
}

/// The variable that an option sets, and its value when it is part of the same argument.
///
/// In a cluster of short options only the last one can take a value, as in `-Atc`.
fn valued(argument: &str) -> Option<(&'static str, Option<String>)> {
    if let Some(long) = argument.strip_prefix("--") {
        let (name, value) = long.split_once('=').map_or((long, None), |(name, value)| (name, Some(value.to_owned())));
        return VALUED.iter().find(|(_, known, _)| *known == name).map(|(_, _, variable)| (*variable, value));
    }
    let short = argument.strip_prefix('-')?;
    short.char_indices().find_map(|(at, letter)| {
        let (_, _, variable) = VALUED.iter().find(|(known, _, _)| *known == letter)?;
        let value = &short[at + letter.len_utf8()..];
        Some((*variable, (!value.is_empty()).then(|| value.to_owned())))
    })
}

fn set(connection: &mut Connection, variable: &str, value: String) {
    match variable {
        "-c" => connection.commands.push(value),
        "-f" => connection.reads_input |= value == "-" || value == "/dev/stdin",
        "-v" => connection.stops_on_error |= value == "ON_ERROR_STOP=1" || value == "ON_ERROR_STOP=on",
        "" => {}
        "PGDATABASE" if value.contains("://") => set_uri(connection, &value),
        variable => {
            connection.env.insert(variable.to_owned(), value);
        }
    }
}

/// `postgresql://user:password@host:port/database`, without percent-decoding: generated passwords need none.
fn set_uri(connection: &mut Connection, uri: &str) {
    let rest = uri.split_once("://").map_or(uri, |(_, rest)| rest);
    let (login, address) = rest.rsplit_once('@').unwrap_or(("", rest));
    let (user, password) = login.split_once(':').unwrap_or((login, ""));
    let (host, database) = address.split_once('/').unwrap_or((address, ""));
    let database = database.split('?').next().unwrap_or_default();
    let host = host.split(':').next().unwrap_or_default();
    for (name, value) in [("PGUSER", user), ("PGPASSWORD", password), ("PGHOST", host), ("PGDATABASE", database)] {
        if !value.is_empty() {
            connection.env.insert(name.to_owned(), value.to_owned());
        }
    }
}

/// Runs `psql` with these options, environment and standard input; `print` takes its output.
pub(super) async fn run(
    world: &World,
    arguments: &[String],
    env: &Variables,
    input: Option<String>,
    print: &mut (dyn for<'a> FnMut(&'a str) + Send),
) -> Finished {
    let connection = connection(arguments, env);
    if !connection.is_served(world) {
        return Finished { status: 2, errors: connection.unreachable(world) };
    }
    let from_input = connection.commands.is_empty() || connection.reads_input;
    let texts: Vec<String> = connection.commands.iter().cloned().chain(input.filter(|_| from_input)).collect();
    let env: Vec<(String, String)> = connection.env.clone().into_iter().collect();
    let Err(errors) = world.backend.run_session(connection.host(), &env, &texts, print).await else {
        return Finished { status: 0, errors: String::new() };
    };
    let refused = errors.starts_with("psql: error: connection");
    // An error in standard input ends psql only with ON_ERROR_STOP, and then with another status.
    let status = match (refused, from_input, connection.stops_on_error) {
        (true, _, _) => 2,
        (false, true, true) => 3,
        (false, true, false) => 0,
        (false, false, _) => 1,
    };
    Finished { status, errors: errors + "\n" }
}
