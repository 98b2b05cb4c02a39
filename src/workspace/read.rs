//! Takes typed values out of the document and notes what is wrong; absent and `null` are the same.

use super::fault::{Faults, Path};
use super::name;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The fields of one object of the document, at their path.
pub(super) struct Fields<'a> {
    pub(super) path: Path,
    fields: &'a Map<String, Value>,
}

impl<'a> Fields<'a> {
    /// The object at `path`; anything else is a fault.
    pub(super) fn of(value: Option<&'a Value>, path: &Path, expected: &str, faults: &mut Faults) -> Option<Self> {
        if let Some(Value::Object(fields)) = value {
            return Some(Self { path: path.clone(), fields });
        }
        faults.expected(path, expected, value);
        None
    }

    /// The value of a field, if it has one.
    pub(super) fn get(&self, key: &str) -> Option<&'a Value> {
        self.fields.get(key).filter(|value| !value.is_null())
    }

    /// The path of a field.
    pub(super) fn at(&self, key: &str) -> Path {
        self.path.key(key)
    }

    /// The fields that have a value, in their order.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&'a String, &'a Value)> + use<'a> {
        self.fields.iter().filter(|(_, value)| !value.is_null())
    }

    /// An optional object.
    pub(super) fn object(&self, key: &str, faults: &mut Faults) -> Option<Self> {
        let value = self.get(key)?;
        Self::of(Some(value), &self.at(key), "an object", faults)
    }

    /// A field read by `read`, which says what it expected when it cannot; `None` when absent or faulty.
    pub(super) fn optional<T>(
        &self,
        key: &str,
        faults: &mut Faults,
        read: impl FnOnce(&Value) -> Result<T, &'static str>,
    ) -> Option<T> {
        let value = self.get(key)?;
        read(value).map_err(|expected| faults.expected(&self.at(key), expected, Some(value))).ok()
    }

    /// As [`Self::optional`], for a field that must be there.
    pub(super) fn required<T>(
        &self,
        key: &str,
        expected: &'static str,
        faults: &mut Faults,
        read: impl FnOnce(&Value) -> Result<T, &'static str>,
    ) -> Option<T> {
        if self.get(key).is_none() {
            faults.expected(&self.at(key), expected, self.fields.get(key));
        }
        self.optional(key, faults, read)
    }

    /// An optional list; each item is read by `read`.
    pub(super) fn list<T>(
        &self,
        key: &str,
        expected: &'static str,
        faults: &mut Faults,
        read: impl Fn(&Value) -> Result<T, &'static str>,
    ) -> Option<Vec<T>> {
        let value = self.get(key)?;
        let path = self.at(key);
        let Value::Array(items) = value else {
            faults.expected(&path, expected, Some(value));
            return None;
        };
        Some(read_items(items, &path, faults, read))
    }

    /// An optional object whose every value is read by `read`.
    pub(super) fn map<T>(
        &self,
        key: &str,
        faults: &mut Faults,
        read: impl Fn(&Value) -> Result<T, &'static str>,
    ) -> BTreeMap<String, T> {
        let Some(object) = self.object(key, faults) else { return BTreeMap::new() };
        object.entries().filter_map(|(name, _)| Some((name.clone(), object.optional(name, faults, &read)?))).collect()
    }

    /// Globs: one, a list, or `{ paths }` with either; absent and `false` are none.
    pub(super) fn globs(&self, key: &str, faults: &mut Faults) -> Vec<String> {
        const EXPECTED: &str = "a glob, a list of globs or { paths }";
        let path = self.at(key);
        let (value, path) = match self.get(key) {
            None | Some(Value::Bool(false)) => return Vec::new(),
            // Other settings of a construct come as an object without paths.
            Some(Value::Object(fields)) => match fields.get("paths") {
                None | Some(Value::Null) => return Vec::new(),
                Some(paths) => (paths, path.key("paths")),
            },
            Some(value) => (value, path),
        };
        match value {
            Value::Array(items) => read_items(items, &path, faults, text),
            value => {
                let glob = text(value).map_err(|_| faults.expected(&path, EXPECTED, Some(value)));
                glob.into_iter().collect()
            }
        }
    }
}

fn read_items<T>(
    items: &[Value],
    path: &Path,
    faults: &mut Faults,
    read: impl Fn(&Value) -> Result<T, &'static str>,
) -> Vec<T> {
    let mut kept = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        match read(item) {
            Ok(value) => kept.push(value),
            Err(expected) => faults.expected(&path.index(index), expected, Some(item)),
        }
    }
    kept
}

/// A string that is not empty and holds no control characters.
pub(super) fn text(value: &Value) -> Result<String, &'static str> {
    match value.as_str() {
        Some(text) if !text.trim().is_empty() && !text.chars().any(char::is_control) => Ok(text.to_owned()),
        _ => Err("a text that is not empty"),
    }
}

/// One of a few strings.
pub(super) fn one_of(value: &Value, allowed: &[&str], expected: &'static str) -> Result<String, &'static str> {
    value.as_str().filter(|text| allowed.contains(text)).map(str::to_owned).ok_or(expected)
}

/// A whole number within bounds; `3000.0` is one.
pub(super) fn whole(value: &Value, low: u32, high: u32) -> Option<u32> {
    let number = value.as_f64().filter(|number| number.fract() == 0.0)?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the bounds were checked")]
    (f64::from(low)..=f64::from(high)).contains(&number).then_some(number as u32)
}

/// What a port is, in words.
pub(super) const PORT: &str = "a whole number from 1 to 65535";

pub(super) fn port(value: &Value) -> Result<u16, &'static str> {
    whole(value, 1, 65535).and_then(|port| u16::try_from(port).ok()).ok_or(PORT)
}

/// A time to live as DNS allows it.
pub(super) fn ttl(value: &Value) -> Result<u32, &'static str> {
    whole(value, 1, i32::MAX.unsigned_abs()).ok_or("a whole number of seconds from 1 to 2147483647")
}

/// An `http` or `https` address, without a final slash.
pub(super) fn endpoint(value: &Value) -> Result<String, &'static str> {
    const EXPECTED: &str = "an http or https address such as https://dokploy.example.com";
    let text = value.as_str().map(str::trim).ok_or(EXPECTED)?;
    let address = url::Url::parse(text).map_err(|_| EXPECTED)?;
    let plain = address.query().is_none() && address.fragment().is_none();
    if matches!(address.scheme(), "http" | "https") && address.has_host() && plain {
        Ok(text.trim_end_matches('/').to_owned())
    } else {
        Err(EXPECTED)
    }
}

pub(super) fn host(value: &Value) -> Result<String, &'static str> {
    name::host_name(value.as_str().ok_or("a host name such as app.example.com")?)
}

/// Where images are pushed: `host[:port][/path]` as Docker takes it.
pub(super) fn registry(value: &Value) -> Result<String, &'static str> {
    const EXPECTED: &str = "a registry such as ghcr.io/org, in lower case and without https://";
    let text = value.as_str().ok_or(EXPECTED)?.trim_end_matches('/');
    let mut parts = text.split('/');
    let host = parts.next().unwrap_or_default();
    let host_fits = !host.is_empty()
        && host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']' | '_'));
    let path_fits = parts.all(|part| {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        part.starts_with(plain) && part.ends_with(plain) && part.chars().all(|c| plain(c) || "._-".contains(c))
    });
    if host_fits && path_fits { Ok(text.to_owned()) } else { Err(EXPECTED) }
}

/// What the folder of an app is, in words.
pub(super) const FOLDER: &str = "a folder within the workspace, relative to its root";

/// A folder within the workspace, relative to its root; one that is given by its absolute path is made relative where the
/// root is known.
pub(super) fn folder(value: &Value, root: Option<&std::path::Path>) -> Result<String, &'static str> {
    let path = text(value).map_err(|_| FOLDER)?;
    if std::path::Path::new(&path).is_absolute() {
        let Some(root) = root else { return Ok(path) };
        let inner = std::path::Path::new(&path).strip_prefix(root).map_err(|_| FOLDER)?;
        let inner = inner.to_string_lossy().into_owned();
        return inner_path(if inner.is_empty() { ".".to_owned() } else { inner });
    }
    inner_path(path)
}

/// A relative path that does not leave where it starts.
fn inner_path(path: String) -> Result<String, &'static str> {
    let mut depth = 0_usize;
    for part in path.split(['/', '\\']) {
        match part {
            "" | "." => {}
            ".." => depth = depth.checked_sub(1).ok_or(FOLDER)?,
            _ => depth += 1,
        }
    }
    let absolute = path.starts_with(['/', '\\']) || path.get(1..2) == Some(":");
    if absolute { Err(FOLDER) } else { Ok(path) }
}

/// A name that an environment variable can have on its way to the app.
pub(super) fn variable(value: &Value) -> Result<String, &'static str> {
    value
        .as_str()
        .filter(|name| name::is_variable_name(name))
        .map(str::to_owned)
        .ok_or("the name of an environment variable")
}

/// The tag of a service's image; a number is taken as its text.
pub(super) fn version(value: &Value) -> Result<String, &'static str> {
    const EXPECTED: &str = "a version such as \"18\", usable as an image tag";
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return Err(EXPECTED),
    };
    let first = text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
    let fits = text.len() <= 128 && text.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c));
    if first && fits { Ok(text) } else { Err(EXPECTED) }
}

/// An image reference, as far as its characters go.
pub(super) fn image(value: &Value) -> Result<String, &'static str> {
    text(value)
        .ok()
        .filter(|image| image.chars().all(|c| c.is_ascii_alphanumeric() || "._-/:@".contains(c)))
        .ok_or("an image such as postgres:18")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::path::Path;

    #[test]
    fn an_absolute_folder_counts_from_the_root() {
        let root = Some(Path::new("/w"));
        for (given, root, folder) in [
            ("/w/apps/api", root, Ok("apps/api")),
            ("/w", root, Ok(".")),
            ("/other/api", root, Err(FOLDER)),
            ("/w/../other", root, Err(FOLDER)),
            ("/other/api", None, Ok("/other/api")),
            ("apps/api", root, Ok("apps/api")),
            ("../api", root, Err(FOLDER)),
        ] {
            assert_eq!(super::folder(&json!(given), root).as_deref().map_err(|it| *it), folder, "{given}");
        }
    }
}
