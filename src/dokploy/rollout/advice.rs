//! What to do about a failure, by what logs are known to say.

/// What a log says, in lower case, and what to do about it; the first that fits counts.
const ADVICE: &[(&[&str], &str)] = &[
    (
        &[
            "exec format error",
            "no matching manifest for",
            "does not match the detected host platform",
            "does not match the specified platform",
        ],
        "The image is made for another platform than the server's: set `platform` of the request to the server's, for \
         instance linux/arm64, and let the image be built again",
    ),
    (
        &["permission denied for database"],
        "The app's role may make no schema in the database: let the migrations keep their table in the app's own schema and \
         leave its creation out; docs/database.md says how with Drizzle, Prisma, TypeORM and pg-boss",
    ),
    (
        &["permission denied for schema"],
        "An app's tables belong in its own schema, which its connection finds without a name: name no other one; with Prisma \
         add `?schema=` and that schema to DATABASE_URL. See docs/database.md",
    ),
    (
        &[
            "permission denied to create extension",
            "type \"citext\" does not exist",
            "uuid_generate_v4() does not exist",
        ],
        "The database's master makes extensions, once, in the schema `extensions`: docs/database.md has the statements",
    ),
    (
        &["eaddrinuse", "address already in use"],
        "Something in the app's container has the port already: listen on PORT, and once",
    ),
    (
        &["port is already allocated", "host-mode port already in use", "is already in use by"],
        "Something else on the server has the port: free it, or take another one",
    ),
    (
        &["login failed", "unauthorized", "no basic auth credentials", "denied: "],
        "Check credentials.registry: the server could not log in to the registry with them",
    ),
    (&["manifest unknown", "manifest for "], "Check the image's name and tag: its registry does not have it"),
    (
        &["environment variable:"],
        "A value refers to a shared variable of Dokploy that does not exist: ${{…}} is never taken as it is",
    ),
];

/// What to do about a failure of which a log says this.
pub(super) fn advice(log: &str) -> Option<&'static str> {
    let log = log.to_lowercase();
    let fits = |words: &&[&str]| words.iter().any(|word| log.contains(word));
    ADVICE.iter().find(|(words, _)| fits(words)).map(|(_, advice)| *advice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logs_lead_to_what_to_do() {
        for (log, part) in [
            ("exec /usr/local/bin/node: exec format error", "linux/arm64"),
            ("no matching manifest for linux/arm64/v8 in the manifest list entries", "platform"),
            ("error: permission denied for database shop\n  code: '42501'", "docs/database.md"),
            ("error: permission denied for schema public", "?schema="),
            ("permission denied to create extension \"uuid-ossp\"", "schema `extensions`"),
            ("Error: listen EADDRINUSE: address already in use :::3000", "PORT"),
            ("❌ Login failed", "credentials.registry"),
            ("manifest unknown: manifest unknown", "tag"),
            ("Invalid project environment variable: project.X", "${{"),
        ] {
            assert!(advice(log).unwrap().contains(part), "{log}");
        }
        assert_eq!(advice("TypeError: undefined is not a function"), None);
    }
}
