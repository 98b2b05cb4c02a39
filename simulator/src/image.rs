//! The image catalogue: which image references exist and how their containers behave.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use serde::{Deserialize, Serialize};

/// How a container of an image ends.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "kind")]
pub enum Behaviour {
    /// It runs until it is stopped.
    #[default]
    Healthy,
    /// It exits with status 1 this long after its start. Milliseconds of simulated time.
    Crash {
        /// Milliseconds between start and exit; 0 takes the 350 ms that a real crash at once was seen to last.
        #[serde(default)]
        after_millis: u64,
    },
}

/// What the catalogue knows about one image reference.
///
/// A reference that nobody declared exists, is pulled at once and runs healthy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Image {
    reference: String,
    #[serde(default)]
    absent: bool,
    #[serde(default)]
    behaviour: Behaviour,
    #[serde(default)]
    crash_env: Vec<(String, String)>,
    #[serde(default)]
    pull_millis: u64,
    #[serde(default)]
    login: Option<(String, String)>,
    #[serde(default)]
    psql: Option<bool>,
    #[serde(default)]
    digest: Option<String>,
    #[serde(default)]
    cached: bool,
    #[serde(default)]
    fits_no_node: bool,
}

impl Image {
    /// An image that exists, is public and runs healthy.
    pub fn new(reference: impl Into<String>) -> Self {
        Self {
            reference: reference.into(),
            absent: false,
            behaviour: Behaviour::Healthy,
            crash_env: Vec::new(),
            pull_millis: 0,
            login: None,
            psql: None,
            digest: None,
            cached: false,
            fits_no_node: false,
        }
    }

    /// Pulling it fails with `manifest unknown`.
    #[must_use]
    pub fn absent(mut self) -> Self {
        self.absent = true;
        self
    }

    /// Its container exits with status 1 at once.
    #[must_use]
    pub fn crashes(self) -> Self {
        self.crashes_after(0)
    }

    /// Its container exits with status 1 after `millis` of simulated time.
    #[must_use]
    pub fn crashes_after(mut self, millis: u64) -> Self {
        self.behaviour = Behaviour::Crash { after_millis: millis };
        self
    }

    /// Its container exits with status 1 at once when its environment has `name` with exactly this `value`.
    #[must_use]
    pub fn crashes_with(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.crash_env.push((name.into(), value.into()));
        self
    }

    /// Its first pull takes `millis` of simulated time; later ones find it in the server's cache.
    #[must_use]
    pub fn pull_takes(mut self, millis: u64) -> Self {
        self.pull_millis = millis;
        self
    }

    /// Pulling it needs this login at its registry.
    #[must_use]
    pub fn login(mut self, username: impl Into<String>, password: impl Into<String>) -> Self {
        self.login = Some((username.into(), password.into()));
        self
    }

    /// Whether it contains `psql`. Default: images called `postgres` do.
    #[must_use]
    pub fn psql(mut self, contains: bool) -> Self {
        self.psql = Some(contains);
        self
    }

    /// The digest that its tag stands for now (`sha256:…`), as after a push of other content.
    #[must_use]
    pub fn digest(mut self, digest: impl Into<String>) -> Self {
        self.digest = Some(digest.into());
        self
    }

    /// The server has pulled it before.
    #[must_use]
    pub fn cached(mut self) -> Self {
        self.cached = true;
        self
    }

    /// It is for another platform than that of the only node, so that its tasks stay pending.
    #[must_use]
    pub fn fits_no_node(mut self) -> Self {
        self.fits_no_node = true;
        self
    }

    /// Whether Swarm finds a node for it.
    pub(crate) fn is_placeable(&self) -> bool {
        !self.fits_no_node
    }

    /// The reference this entry is about.
    pub fn reference(&self) -> &str {
        &self.reference
    }

    pub(crate) fn is_absent(&self) -> bool {
        self.absent
    }

    pub(crate) fn pull_millis(&self) -> u64 {
        self.pull_millis
    }

    /// When a container with `env` (`KEY=value` lines) exits by itself, in milliseconds after its start.
    pub(crate) fn crash_after(&self, env: &[String]) -> Option<u64> {
        let at_once = 350;
        if self.crash_env.iter().any(|(name, value)| env.contains(&format!("{name}={value}"))) {
            return Some(at_once);
        }
        match self.behaviour {
            Behaviour::Healthy => None,
            Behaviour::Crash { after_millis: 0 } => Some(at_once),
            Behaviour::Crash { after_millis } => Some(after_millis),
        }
    }

    pub(crate) fn has_psql(&self) -> bool {
        self.psql.unwrap_or_else(|| repository(&self.reference).rsplit('/').next() == Some("postgres"))
    }

    pub(crate) fn manifest_digest(&self) -> String {
        if let Some((_, digest)) = self.reference.split_once('@') {
            return digest.to_owned();
        }
        self.digest.clone().unwrap_or_else(|| derived_digest(&self.reference))
    }
}

/// All declared images, the registries' logins, and what the server has pulled.
#[derive(Debug, Default)]
pub(crate) struct Catalogue {
    images: HashMap<String, Image>,
    registries: HashMap<String, (String, String)>,
    pulled: HashSet<String>,
}

impl Catalogue {
    pub(crate) fn declare(&mut self, image: Image) {
        if image.cached {
            self.pull(&image);
        }
        self.images.insert(image.reference.clone(), image);
    }

    /// Makes every image of `host` private.
    pub(crate) fn registry(&mut self, host: &str, username: &str, password: &str) {
        self.registries.insert(host.to_owned(), (username.to_owned(), password.to_owned()));
    }

    /// The entry for a reference; one that pins a digest falls back to the entry of its name and tag.
    pub(crate) fn get(&self, reference: &str) -> Image {
        let found = self.images.get(reference).or_else(|| {
            let unpinned = reference.split_once('@')?.0;
            self.images.get(unpinned)
        });
        found.map_or_else(|| Image::new(reference), |image| Image { reference: reference.to_owned(), ..image.clone() })
    }

    /// The login that pulling `image` needs.
    pub(crate) fn needed_login(&self, image: &Image) -> Option<(String, String)> {
        image.login.clone().or_else(|| self.registries.get(registry_host(&image.reference)).cloned())
    }

    /// Whether a registry takes this login. One that nobody declared takes any.
    pub(crate) fn accepts(&self, host: &str, username: &str, password: &str) -> bool {
        let mut known = self.registries.get(host).into_iter().chain(
            self.images
                .values()
                .filter(|image| registry_host(&image.reference) == host)
                .filter_map(|i| i.login.as_ref()),
        );
        let Some(first) = known.next() else { return true };
        std::iter::once(first).chain(known).any(|(user, secret)| user == username && secret == password)
    }

    /// Notes a pull and says whether the image was new to the server.
    pub(crate) fn pull(&mut self, image: &Image) -> bool {
        self.pulled.insert(format!("{} {}", repository(&image.reference), image.manifest_digest()))
    }

    pub(crate) fn is_pulled(&self, image: &Image) -> bool {
        self.pulled.contains(&format!("{} {}", repository(&image.reference), image.manifest_digest()))
    }
}

/// The reference without tag and digest.
pub(crate) fn repository(reference: &str) -> &str {
    let name = reference.split('@').next().unwrap_or(reference);
    match name.rfind(':') {
        Some(colon) if !name[colon..].contains('/') => &name[..colon],
        _ => name,
    }
}

/// The registry's `host[:port]`.
pub(crate) fn registry_host(reference: &str) -> &str {
    match reference.split_once('/') {
        Some((host, _)) if host.contains(['.', ':']) || host == "localhost" => host,
        _ => "docker.io",
    }
}

/// A digest that is the same for the same text in every run.
pub(crate) fn derived_digest(text: &str) -> String {
    let parts = (0_u8..4).map(|part| {
        let mut hasher = DefaultHasher::new();
        (part, text).hash(&mut hasher);
        format!("{:016x}", hasher.finish())
    });
    format!("sha256:{}", parts.collect::<String>())
}
