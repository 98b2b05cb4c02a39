//! Tags of the organization. Of all that the API can make, only a tag's name is unique: whoever makes it first has it.

use crate::dokploy::transport::{ApiError, Call, Transport};
use serde::{Deserialize, Serialize};

pub(super) const ALL: Call = Call::get("tag.all", &[]);
pub(super) const CREATE: Call = Call::post("tag.create", &["name", "color"]);
pub(super) const UPDATE: Call = Call::post("tag.update", &["tagId", "color"]);
pub(super) const REMOVE: Call = Call::post("tag.remove", &["tagId"]);

/// A tag.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tag {
    /// Its id; a tag that is made anew has another.
    pub tag_id: String,
    /// Its name; unique in the organization.
    pub name: String,
    /// Its colour; the server takes any text.
    pub color: Option<String>,
}

#[derive(Serialize)]
struct Create<'a> {
    name: &'a str,
    color: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Update<'a> {
    tag_id: &'a str,
    color: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ById<'a> {
    tag_id: &'a str,
}

/// The calls of the tag router.
#[derive(Debug, Clone, Copy)]
pub struct TagApi<'a>(pub(in crate::dokploy) &'a Transport);

impl TagApi<'_> {
    /// Lists the organization's tags.
    ///
    /// # Errors
    ///
    /// Every [`ApiError`].
    pub async fn all(self) -> Result<Vec<Tag>, ApiError> {
        self.0.get(&ALL, &[]).await
    }

    /// Makes a tag, unless there is one of this name.
    ///
    /// # Errors
    ///
    /// [`ApiError::may_be_taken`] when there is one, and every other [`ApiError`].
    pub async fn create(self, name: &str, color: &str) -> Result<Tag, ApiError> {
        self.0.post(&CREATE, &Create { name, color }).await
    }

    /// Changes a tag's colour; `None` when it was removed meanwhile.
    ///
    /// # Errors
    ///
    /// Every [`ApiError`] but not found.
    pub async fn update(self, tag_id: &str, color: &str) -> Result<Option<Tag>, ApiError> {
        // Removed between the server's look and its change: the answer is a success without a record.
        match self.0.post(&UPDATE, &Update { tag_id, color }).await {
            Err(error) if error.is_not_found() => Ok(None),
            changed => changed,
        }
    }

    /// Removes a tag; that it is gone already is success.
    ///
    /// # Errors
    ///
    /// Every [`ApiError`] but not found.
    pub async fn remove(self, tag_id: &str) -> Result<(), ApiError> {
        match self.0.post_ignoring_response(&REMOVE, &ById { tag_id }).await {
            Err(error) if error.is_not_found() => Ok(()),
            removed => removed,
        }
    }
}
