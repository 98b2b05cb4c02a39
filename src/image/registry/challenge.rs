//! What a registry asks for before it answers: the `WWW-Authenticate` header (RFC 9110, 11.6.1).

use std::collections::BTreeMap;

/// One way of authenticating that is offered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Challenge {
    /// Its name in lower case: `basic` or `bearer`.
    pub(super) scheme: String,
    /// Its parameters, their names in lower case.
    pub(super) parameters: BTreeMap<String, String>,
}

/// Reads the challenges of a header; what cannot be read is passed by.
pub(super) fn parse(header: &str) -> Vec<Challenge> {
    let mut challenges: Vec<Challenge> = Vec::new();
    let mut rest = header;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        let (name, after) = token(rest);
        if name.is_empty() {
            return challenges;
        }
        let parameter = after.trim_start().strip_prefix('=').map(str::trim_start);
        match (parameter, challenges.last_mut()) {
            (Some(value), Some(challenge)) => {
                let (value, after) = value_of(value);
                challenge.parameters.insert(name.to_ascii_lowercase(), value);
                rest = after;
            }
            (Some(value), None) => rest = value_of(value).1,
            (None, _) => {
                challenges.push(Challenge { scheme: name.to_ascii_lowercase(), parameters: BTreeMap::new() });
                rest = after;
            }
        }
    }
}

/// Takes a name off the front.
fn token(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && !"!#$%&'*+-.^_`|~/".contains(c));
    text.split_at(end.unwrap_or(text.len()))
}

/// Takes a value off the front: a quoted one, or all up to the next comma; some registries do not quote their URLs.
fn value_of(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let (value, rest) = text.split_at(text.find([',', ' ', '\t']).unwrap_or(text.len()));
        return (value.to_owned(), rest);
    };
    let mut value = String::new();
    let mut chars = quoted.char_indices();
    while let Some((index, next)) = chars.next() {
        match next {
            '"' => return (value, &quoted[index + 1..]),
            '\\' => value.extend(chars.next().map(|(_, escaped)| escaped)),
            next => value.push(next),
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn challenge(scheme: &str, parameters: &[(&str, &str)]) -> Challenge {
        let parameters = parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Challenge { scheme: scheme.to_owned(), parameters }
    }

    #[test]
    fn challenges_are_read_as_registries_write_them() {
        let hub =
            r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull""#;
        let parameters = [
            ("realm", "https://auth.docker.io/token"),
            ("service", "registry.docker.io"),
            ("scope", "repository:a/b:pull"),
        ];
        assert_eq!(parse(hub), [challenge("bearer", &parameters)]);
        assert_eq!(parse("Basic realm=\"a \\\"b\\\", c\""), [challenge("basic", &[("realm", "a \"b\", c")])]);
        let two = parse("BEARER Realm = x , error=y, Basic realm=\"z\"");
        assert_eq!(
            two,
            [challenge("bearer", &[("realm", "x"), ("error", "y")]), challenge("basic", &[("realm", "z")])]
        );
        let bare = [("realm", "http://127.0.0.1:5000/v2/token?a=b"), ("service", "reg")];
        assert_eq!(parse("bearer realm=http://127.0.0.1:5000/v2/token?a=b,service=reg"), [challenge("bearer", &bare)]);
        assert_eq!(parse("Negotiate"), [challenge("negotiate", &[])]);
        assert_eq!(parse(""), []);
        assert_eq!(parse("realm=\"x\""), []);
    }

    proptest! {
        #[test]
        fn any_header_ends(header in any::<String>()) {
            parse(&header);
        }
    }
}
