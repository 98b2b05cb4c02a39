//! The image catalogue: which image references exist, what their registries ask for, and what the server has pulled.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::image::Image;

/// All declared images, the registries' logins, and what the server has pulled.
#[derive(Debug, Default)]
pub(crate) struct Catalogue {
    images: HashMap<String, Image>,
    registries: HashMap<String, (String, String)>,
    pulled: HashSet<String>,
}

impl Catalogue {
    pub(crate) fn declare(&mut self, image: Image) {
        if image.is_cached() {
            self.pull(&image);
        }
        self.images.insert(image.reference().to_owned(), image);
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
        found.map_or_else(|| Image::new(reference), |image| image.called(reference))
    }

    /// The login that pulling `image` needs.
    pub(crate) fn needed_login(&self, image: &Image) -> Option<(String, String)> {
        image.own_login().or_else(|| self.registries.get(registry_host(image.reference()))).cloned()
    }

    /// Whether a registry takes this login. One that nobody declared takes any.
    pub(crate) fn accepts(&self, host: &str, username: &str, password: &str) -> bool {
        let mut known = self.registries.get(host).into_iter().chain(
            self.images.values().filter(|image| registry_host(image.reference()) == host).filter_map(|i| i.own_login()),
        );
        let Some(first) = known.next() else { return true };
        std::iter::once(first).chain(known).any(|(user, secret)| user == username && secret == password)
    }

    /// Notes a pull and says whether the image was new to the server.
    pub(crate) fn pull(&mut self, image: &Image) -> bool {
        self.pulled.insert(format!("{} {}", repository(image.reference()), image.manifest_digest()))
    }

    pub(crate) fn is_pulled(&self, image: &Image) -> bool {
        self.pulled.contains(&format!("{} {}", repository(image.reference()), image.manifest_digest()))
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
