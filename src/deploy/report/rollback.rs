//! What became of apps that were to go back to an earlier deployment.

use serde::Serialize;

/// An app that went back to an earlier deployment, or was to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct RolledBackApp {
    /// The app.
    pub app_name: String,
    /// The deployment by which a request can name it; absent when there was none to go back to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deployment: Option<String>,
    /// When the run began that made it, as ISO 8601.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// Its image.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// Whether the app was seen running as it was then.
    pub restored: bool,
    /// What stays as it is all the same, in words: what releases have changed in the database since.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_undone: Vec<String>,
    /// Why it was not restored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}
