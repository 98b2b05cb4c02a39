//! What the names of a workspace become elsewhere, and which names can become it.
//!
//! An app's name turns into a DNS label, an image repository, a Dokploy `appName`, a Postgres role and schema, and the
//! stem of an environment variable. The accepted names are those that survive every one of these: letters, digits, `-`
//! and `_`, a letter first, a letter or digit last, at most 63 characters. Upper case is accepted and folded where the
//! target has none (DNS, images, `appName`); two apps that fold to the same name are refused.

/// Longest DNS label, Postgres identifier and Docker service name, in bytes.
const LONGEST: usize = 63;

/// Longest base of a Dokploy `appName`: the server appends seven characters, and Docker allows 63 in all.
const LONGEST_APP_NAME_BASE: usize = 56;

/// Longest stage, so that its state file, image tag and environment keep room for the rest.
const LONGEST_STAGE: usize = 40;

/// Folds a name to lower-case letters, digits and `-`: a DNS label, an image repository, a Dokploy `appName`.
pub fn slug(name: &str) -> String {
    let mut slug = String::with_capacity(name.len());
    for letter in name.chars() {
        if letter.is_ascii_alphanumeric() {
            slug.push(letter.to_ascii_lowercase());
        } else if !slug.is_empty() && (letter == '-' || !slug.ends_with('-')) {
            slug.push('-');
        }
    }
    slug.truncate(LONGEST);
    slug.trim_end_matches('-').to_owned()
}

/// The base of an application's or service's `appName` on the server: `{workspace}-{name}`, at most 56 characters.
pub(super) fn app_name_base(workspace_slug: &str, name: &str) -> String {
    let name = slug(name);
    let room = LONGEST_APP_NAME_BASE.saturating_sub(name.len() + 1);
    let prefix: String = workspace_slug.chars().take(room).collect();
    let prefix = prefix.trim_end_matches('-');
    let mut base = if prefix.is_empty() { name } else { format!("{prefix}-{name}") };
    base.truncate(LONGEST_APP_NAME_BASE);
    base.trim_end_matches('-').to_owned()
}

/// The schema of an app that does not own `public`: its name with `-` as `_`.
pub fn schema_name(app: &str) -> String {
    app.replace('-', "_")
}

/// The stems under which an app's address may be asked for, the plain one first: `userApi` → `USERAPI`, `USER_API`.
pub fn variable_stems(app: &str) -> Vec<String> {
    let plain = app.replace('-', "_").to_uppercase();
    let mut split = String::with_capacity(app.len() + 4);
    let mut before = '_';
    for letter in app.chars() {
        if letter.is_uppercase() && (before.is_lowercase() || before.is_ascii_digit()) {
            split.push('_');
        }
        split.push(if letter == '-' { '_' } else { letter });
        before = letter;
    }
    let split = split.to_uppercase();
    if split == plain { vec![plain] } else { vec![plain, split] }
}

/// Whether a name can be that of an environment variable, which reaches the app through dotenv: letters, digits, `_`,
/// `.` and `-`.
///
/// `__proto__` cannot: as a property of a JavaScript object it vanishes.
pub fn is_variable_name(name: &str) -> bool {
    !name.is_empty() && name != "__proto__" && name.chars().all(is_variable_character)
}

/// Whether dotenv takes a character in a variable's name.
pub(crate) fn is_variable_character(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '_' | '.' | '-')
}

/// Why a name cannot be an app's; `None` when it can.
pub(super) fn app_name_fault(name: &str) -> Option<String> {
    if name.len() > LONGEST {
        return Some(format!("an app name has at most {LONGEST} characters, this one has {}", name.len()));
    }
    if !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_') {
        return Some(
            "an app name consists of letters, digits, `-` and `_`: it becomes a host name and a database role"
                .to_owned(),
        );
    }
    let starts = name.starts_with(|c: char| c.is_ascii_alphabetic());
    let ends = name.ends_with(|c: char| c.is_ascii_alphanumeric());
    if !starts || !ends {
        return Some("an app name starts with a letter and ends with a letter or digit".to_owned());
    }
    reserved_label(&slug(name)).then(|| {
        "an app name has no `--` as its third and fourth character: DNS reserves such labels, and no certificate \
         is given for them"
            .to_owned()
    })
}

/// Why Postgres would not take an app's name as that of a role and a schema; `None` when it would.
pub fn database_name_fault(app: &str) -> Option<&'static str> {
    let schema = schema_name(app);
    match schema.as_str() {
        "public" | "none" => Some("Postgres reserves this name"),
        "postgres" => Some("this is the database's own superuser"),
        "information_schema" => Some("Postgres has a schema of this name"),
        _ if schema.starts_with("pg_") => Some("Postgres reserves names that begin with `pg_`"),
        _ => None,
    }
}

/// Whether a DNS label looks like an internationalised one without being one.
fn reserved_label(label: &str) -> bool {
    label.get(2..4) == Some("--") && !label.starts_with("xn--")
}

/// Why a name cannot be a stage's; `None` when it can.
///
/// A stage becomes part of a file name, of an image tag and of the environment's name on the server.
pub fn stage_fault(stage: &str) -> Option<&'static str> {
    let plain = stage.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_' || c == '.');
    if stage.is_empty() {
        return Some("a stage is not empty");
    }
    if stage.len() > LONGEST_STAGE {
        return Some("a stage has at most 40 characters");
    }
    if !plain || !stage.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        return Some("a stage consists of letters, digits, `-`, `_` and `.`, a letter or digit first");
    }
    None
}

/// The canonical form of a host name: lower case, international names in their DNS form, no final dot.
///
/// # Errors
///
/// What is wrong with it, in words.
pub fn host_name(text: &str) -> Result<String, &'static str> {
    if text.contains("://") || text.contains('/') {
        return Err("a host name without scheme and path");
    }
    if text.contains(':') || text.contains('@') {
        return Err("a host name without port and user");
    }
    let trimmed = text.strip_suffix('.').unwrap_or(text);
    let Ok(url::Host::Domain(host)) = url::Host::parse(trimmed) else {
        return Err("a host name such as app.example.com");
    };
    if host.len() > 253 {
        return Err("a host name of at most 253 characters");
    }
    let good = |label: &str| {
        !label.is_empty()
            && label.len() <= LONGEST
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
            && !label.starts_with('-')
            && !label.ends_with('-')
            && !reserved_label(label)
    };
    if host.split('.').all(good) {
        Ok(host)
    } else {
        Err("a host name whose labels are letters, digits and inner hyphens, at most 63 characters each")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fold_to_slugs() {
        for (name, expected) in [
            ("admin-auth", "admin-auth"),
            ("userApi", "userapi"),
            ("my_app", "my-app"),
            ("@org/Shop Web", "org-shop-web"),
            ("--x--", "x"),
            ("a--b, c", "a--b-c"),
            ("größe", "gr-e"),
        ] {
            assert_eq!(slug(name), expected);
        }
    }

    #[test]
    fn an_app_name_base_keeps_the_app_and_fits_docker() {
        assert_eq!(app_name_base("shop", "admin-auth"), "shop-admin-auth");
        let long = app_name_base(&"w".repeat(63), "auth");
        assert_eq!((long.len(), long.ends_with("-auth")), (56, true));
        assert_eq!(app_name_base("shop", &"a".repeat(63)).len(), 56);
    }

    #[test]
    fn stems_are_upper_case_with_underscores() {
        assert_eq!(variable_stems("admin-auth"), ["ADMIN_AUTH"]);
        assert_eq!(variable_stems("userApi"), ["USERAPI", "USER_API"]);
        assert_eq!(variable_stems("v2Api"), ["V2API", "V2_API"]);
    }

    #[test]
    fn names_that_cannot_become_what_they_must_are_refused() {
        for name in ["", "1api", "api-", "-api", "a b", "o'; DROP", "a.b", "ä", "ab--c", &"a".repeat(64)] {
            assert!(app_name_fault(name).is_some(), "{name} was accepted");
        }
        for name in ["api", "admin-auth", "userApi", "my_app", "a", "abc--d", &"a".repeat(63)] {
            assert_eq!(app_name_fault(name), None, "{name}");
        }
        for name in ["postgres", "public", "pg_stat", "pg-stat", "information-schema"] {
            assert!(database_name_fault(name).is_some(), "{name} was accepted");
        }
        assert_eq!(database_name_fault("auth"), None);
    }

    #[test]
    fn stages_cannot_leave_their_folder() {
        for stage in ["", "..", "../x", "a/b", "-x", "a b", "a\0", &"s".repeat(41)] {
            assert!(stage_fault(stage).is_some(), "{stage} was accepted");
        }
        assert_eq!(stage_fault("staging"), None);
        assert_eq!(stage_fault("pr-12_a.b"), None);
    }

    #[test]
    fn host_names_are_made_canonical() {
        assert_eq!(host_name("App.Example.COM.").as_deref(), Ok("app.example.com"));
        assert_eq!(host_name("bücher.example").as_deref(), Ok("xn--bcher-kva.example"));
        for host in
            ["https://x.y", "x.y/z", "x.y:80", "a_b.example", "-a.example", "a..b", "1.2.3.4", "", "*.x.y", "a b.c"]
        {
            assert!(host_name(host).is_err(), "{host} was accepted");
        }
    }
}
