//! Image references: `registry/repository:tag@digest`.

use crate::{DeployError, ErrorCode};
use std::fmt;

/// Where a reference without a registry points to.
const DEFAULT_REGISTRY: &str = "docker.io";

/// The longest repository with its registry that registries take.
const LONGEST_NAME: usize = 255;

/// The longest tag that registries take.
const LONGEST_TAG: usize = 128;

/// A reference to an image, valid and as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageReference {
    registry: Option<String>,
    repository: String,
    tag: Option<String>,
    digest: Option<String>,
}

impl ImageReference {
    /// Reads a reference such as `ghcr.io/org/shop-api:1` or `nginx@sha256:…`.
    ///
    /// # Errors
    ///
    /// `INVALID_REQUEST` naming the reference and the part of it that is wrong.
    pub fn parse(text: &str) -> Result<Self, DeployError> {
        split(text).map_err(|fault| {
            let shown = text.escape_debug();
            DeployError::new(ErrorCode::InvalidRequest, format!("`{shown}` is no image reference: {fault}"))
                .hint("Write it as registry/repository:tag, for instance ghcr.io/org/shop-api:1.2.3")
        })
    }

    /// The reference of an app's image: `{registry}/{workspace}-{app}:{tag}`, its name in lower case.
    ///
    /// A scheme before the registry and a slash after it are passed by.
    ///
    /// # Errors
    ///
    /// `INVALID_REQUEST` for a tag that registries refuse, `INVALID_WORKSPACE` for names that they refuse.
    pub fn for_app(registry: Option<&str>, workspace: &str, app: &str, tag: &str) -> Result<Self, DeployError> {
        if let Err(fault) = check_tag(tag) {
            return Err(DeployError::new(ErrorCode::InvalidRequest, format!("tag: `{}`: {fault}", tag.escape_debug())));
        }
        let image = format!("{workspace}-{app}").to_lowercase();
        let name = match registry.map(bare_registry).filter(|registry| !registry.is_empty()) {
            Some(registry) => format!("{}/{image}", registry.to_lowercase()),
            None => image,
        };
        split(&format!("{name}:{tag}")).map_err(|fault| {
            let message = format!("apps.{app}: the image name `{}` is refused: {fault}", name.escape_debug());
            DeployError::new(ErrorCode::InvalidWorkspace, message)
                .app(app)
                .hint("Change the name of the workspace, of the app, or deploy.dokploy.registry")
        })
    }

    /// The registry and the repository as written: what a digest is appended to.
    pub fn name(&self) -> String {
        match &self.registry {
            Some(registry) => format!("{registry}/{}", self.repository),
            None => self.repository.clone(),
        }
    }

    /// The registry, with its port if one was written; `docker.io` by default.
    pub fn registry(&self) -> &str {
        self.registry.as_deref().unwrap_or(DEFAULT_REGISTRY)
    }

    /// The repository within its registry, as the registry knows it: `library/nginx` for `nginx`.
    pub fn repository(&self) -> String {
        if self.registry() == DEFAULT_REGISTRY && !self.repository.contains('/') {
            return format!("library/{}", self.repository);
        }
        self.repository.clone()
    }

    /// The tag, if one was written.
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// The digest, if one was written.
    pub fn digest(&self) -> Option<&str> {
        self.digest.as_deref()
    }

    /// The same image, pinned: `name@digest` without a tag (design: Details, images).
    ///
    /// # Errors
    ///
    /// `IMAGE_REGISTRY` when that is no digest.
    pub fn pinned(&self, digest: &str) -> Result<Self, DeployError> {
        if !is_digest(digest) {
            let message = format!("`{}` is no digest of {}", digest.escape_debug(), self.name());
            return Err(DeployError::new(ErrorCode::ImageRegistry, message));
        }
        Ok(Self { tag: None, digest: Some(digest.to_owned()), ..self.clone() })
    }
}

impl fmt::Display for ImageReference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.name())?;
        if let Some(tag) = &self.tag {
            write!(formatter, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(formatter, "@{digest}")?;
        }
        Ok(())
    }
}

/// A registry as it is written in front of a repository.
pub(super) fn bare_registry(registry: &str) -> &str {
    let registry = registry.trim();
    let registry = registry.strip_prefix("https://").or_else(|| registry.strip_prefix("http://")).unwrap_or(registry);
    registry.trim_end_matches('/')
}

/// Takes a reference apart; the error says what is wrong, as a clause.
fn split(text: &str) -> Result<ImageReference, String> {
    let (rest, digest) = match text.split_once('@') {
        Some((rest, digest)) => (rest, Some(digest)),
        None => (text, None),
    };
    if let Some(digest) = digest.filter(|digest| !is_digest(digest)) {
        return Err(format!("`{}` is no digest", digest.escape_debug()));
    }
    // A colon before the last slash belongs to a port.
    let last = rest.rfind('/').map_or(0, |slash| slash + 1);
    let (name, tag) = match rest[last..].find(':') {
        Some(colon) => (&rest[..last + colon], Some(&rest[last + colon + 1..])),
        None => (rest, None),
    };
    tag.map_or(Ok(()), check_tag)?;
    let (registry, repository) = match name.split_once('/') {
        Some((first, rest)) if is_registry(first) => (Some(first), rest),
        _ => (None, name),
    };
    registry.map_or(Ok(()), check_registry)?;
    for part in repository.split('/') {
        check_part(part)?;
    }
    if name.len() > LONGEST_NAME {
        return Err(format!("its name is longer than {LONGEST_NAME} characters"));
    }
    let owned = |part: Option<&str>| part.map(str::to_owned);
    Ok(ImageReference {
        registry: owned(registry),
        repository: repository.to_owned(),
        tag: owned(tag),
        digest: owned(digest),
    })
}

/// Whether the first part of a name is a host: it has a dot, a port or a bracket, or is `localhost`.
fn is_registry(first: &str) -> bool {
    first == "localhost" || first.contains(['.', ':', '['])
}

/// Checks `host`, `host:port` or `[v6]:port`.
fn check_registry(registry: &str) -> Result<(), String> {
    let fault = || format!("`{}` is no registry", registry.escape_debug());
    let (host, port) = match registry.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, rest)) => {
            address.parse::<std::net::Ipv6Addr>().map_err(|_| fault())?;
            (None, rest.strip_prefix(':').or_else(|| (!rest.is_empty()).then_some(rest)))
        }
        None => match registry.split_once(':') {
            Some((host, port)) => (Some(host), Some(port)),
            None => (Some(registry), None),
        },
    };
    let label = |label: &str| {
        let inner = label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        inner && !label.is_empty() && !label.starts_with('-') && !label.ends_with('-')
    };
    let port_is_right = port.is_none_or(|port| port.parse::<u16>().is_ok_and(|number| number > 0));
    if port_is_right && host.is_none_or(|host| host.split('.').all(label)) { Ok(()) } else { Err(fault()) }
}

/// Checks a part of a repository: lower-case letters and digits, with single separators (`.`, `_`, `__`, `-…`) between.
fn check_part(part: &str) -> Result<(), String> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let separators = part.split(|c: char| c.is_ascii() && plain(c as u8)).filter(|separator| !separator.is_empty());
    let edges = part.bytes().next().is_some_and(plain) && part.bytes().last().is_some_and(plain);
    let between = |separator: &str| matches!(separator, "." | "_" | "__") || separator.bytes().all(|b| b == b'-');
    if edges && separators.into_iter().all(between) {
        return Ok(());
    }
    let shown = part.escape_debug();
    Err(format!("`{shown}` is not lower-case letters and digits with single `.`, `_` or `-` between them"))
}

fn check_tag(tag: &str) -> Result<(), String> {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let allowed = |byte: u8| word(byte) || byte == b'.' || byte == b'-';
    if tag.len() <= LONGEST_TAG && tag.bytes().next().is_some_and(word) && tag.bytes().all(allowed) {
        return Ok(());
    }
    Err(format!("`{}` is not a tag of up to {LONGEST_TAG} letters, digits, `_`, `.` and `-`", tag.escape_debug()))
}

/// Whether a text is a SHA-256 or SHA-512 digest.
pub(super) fn is_digest(text: &str) -> bool {
    let hex = |hex: &str, length| {
        hex.len() == length && hex.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f'))
    };
    match text.split_once(':') {
        Some(("sha256", rest)) => hex(rest, 64),
        Some(("sha512", rest)) => hex(rest, 128),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn digest() -> String {
        format!("sha256:{}", "0a".repeat(32))
    }

    #[test]
    fn references_are_taken_apart_as_docker_does() {
        let pinned = format!("reg.example.com:5000/a/b:1@{}", digest());
        let only_digest = digest();
        let table = [
            ("nginx", "docker.io", "library/nginx", None, None),
            ("nginx:1.27", "docker.io", "library/nginx", Some("1.27"), None),
            ("org/app", "docker.io", "org/app", None, None),
            ("localhost/app:x", "localhost", "app", Some("x"), None),
            ("localhost:5000/app", "localhost:5000", "app", None, None),
            ("127.0.0.1:5000/a/b:T_1.-", "127.0.0.1:5000", "a/b", Some("T_1.-"), None),
            ("[::1]:5000/app:1", "[::1]:5000", "app", Some("1"), None),
            ("ghcr.io/org/a__b.c-d--e_f", "ghcr.io", "org/a__b.c-d--e_f", None, None),
            (pinned.as_str(), "reg.example.com:5000", "a/b", Some("1"), Some(only_digest.as_str())),
        ];
        for (text, registry, repository, tag, digest) in table {
            let reference = ImageReference::parse(text).unwrap();
            assert_eq!(reference.registry(), registry, "{text}");
            assert_eq!(reference.repository(), repository, "{text}");
            assert_eq!((reference.tag(), reference.digest()), (tag, digest), "{text}");
            assert_eq!(reference.to_string(), text);
        }
    }

    #[test]
    fn what_registries_refuse_is_refused_here() {
        let long = format!("{}:1", "a".repeat(256));
        let long_tag = format!("a:{}", "b".repeat(129));
        let upper_digest = digest().to_uppercase();
        let table = [
            "",
            ":",
            "@",
            "a:",
            "a@",
            "A",
            "Org/app",
            "a b",
            "a/",
            "/a",
            "a//b",
            "a..b",
            "a___b",
            "-a",
            "a-",
            "a:.x",
            "a:b:c",
            "reg.io:0/a",
            "reg.io:x/a",
            "reg.io:70000/a",
            "-reg.io/a",
            "reg..io/a",
            "[::g]:1/a",
            "[::1]x/a",
            "a@sha256:00",
            "a@md5:00",
            "ü",
            "a:ü",
            "https://a.io/b",
            long.as_str(),
            long_tag.as_str(),
            &format!("a@{upper_digest}"),
        ];
        for text in table {
            let error = ImageReference::parse(text).unwrap_err();
            assert_eq!(error.code(), ErrorCode::InvalidRequest, "{text}");
        }
    }

    #[test]
    fn app_images_are_named_after_workspace_and_app_in_lower_case() {
        let name = |registry, workspace, app, tag| {
            ImageReference::for_app(registry, workspace, app, tag).map(|reference| reference.to_string())
        };
        assert_eq!(name(Some("ghcr.io/Org"), "Shop", "api", "S-1").unwrap(), "ghcr.io/org/shop-api:S-1");
        assert_eq!(name(Some("https://reg.io:5000/"), "shop", "api", "1").unwrap(), "reg.io:5000/shop-api:1");
        assert_eq!(name(None, "shop", "admin-auth", "1").unwrap(), "shop-admin-auth:1");
        assert_eq!(name(Some(" "), "shop", "api", "1").unwrap(), "shop-api:1");
        let error = name(Some("ghcr.io"), "my shop", "api", "1").unwrap_err();
        assert_eq!((error.code(), error.app_name()), (ErrorCode::InvalidWorkspace, Some("api")));
        assert!(error.message().contains("my shop-api"), "{error}");
        let error = name(None, "shop", "api", "feature/x").unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidRequest);
        assert!(error.message().starts_with("tag: `feature/x`"), "{error}");
    }

    #[test]
    fn a_pinned_reference_has_no_tag() {
        let reference = ImageReference::parse("127.0.0.1:5000/a:1").unwrap();
        assert_eq!(reference.pinned(&digest()).unwrap().to_string(), format!("127.0.0.1:5000/a@{}", digest()));
        assert_eq!(reference.pinned("latest").unwrap_err().code(), ErrorCode::ImageRegistry);
    }

    proptest! {
        #[test]
        fn reading_and_printing_is_the_identity(text in "([a-z.:0-9]{1,6}/)?[a-z0-9._-]{1,6}(:[a-zA-Z0-9._-]{1,5})?") {
            if let Ok(reference) = ImageReference::parse(&text) {
                prop_assert_eq!(reference.to_string(), text);
            }
        }

        #[test]
        fn any_text_is_a_reference_or_an_error(text in any::<String>()) {
            let _ = ImageReference::parse(&text);
        }
    }
}
