//! Projects: one per workspace.

use super::environment::Environment;
use super::nullable::null_as_default;
use crate::dokploy::transport::{ApiError, Call, Transport};
use serde::{Deserialize, Serialize};

pub(super) const ALL: Call = Call::get("project.all", &[]);
pub(super) const ONE: Call = Call::get("project.one", &["projectId"]);
pub(super) const CREATE: Call = Call::post("project.create", &["name", "description"]);
pub(super) const UPDATE: Call = Call::post("project.update", &["projectId"]).sometimes(&["name", "description"]);
pub(super) const REMOVE: Call = Call::post("project.remove", &["projectId"]);

/// A project in the list of all projects.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProjectSummary {
    /// Its id.
    pub project_id: String,
    /// Its name; not unique.
    pub name: String,
    /// Its description, with our mark if it is ours.
    pub description: Option<String>,
    /// When it was made, as ISO 8601.
    #[serde(default)]
    pub created_at: String,
    /// Its environments, where they are listed: without descriptions, and with databases that have an id and no name.
    #[serde(default, deserialize_with = "null_as_default")]
    pub environments: Vec<Environment>,
}

impl ProjectSummary {
    /// Whether it is as it was made: nothing lives in it, and it has no environment but the one that came with it.
    pub fn is_unused(&self) -> bool {
        self.environments.iter().all(|environment| environment.is_default && environment.is_empty())
    }
}

/// A project with its environments and their services.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Project {
    /// Its id.
    pub project_id: String,
    /// Its name; not unique.
    pub name: String,
    /// Its description, with our mark if it is ours.
    pub description: Option<String>,
    /// Its environments.
    #[serde(default, deserialize_with = "null_as_default")]
    pub environments: Vec<Environment>,
}

/// A project that was just made, and the environment that came with it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct CreatedProject {
    /// The project.
    pub project: ProjectSummary,
    /// Its default environment, always called `production`.
    pub environment: Environment,
}

#[derive(Serialize)]
struct Create<'a> {
    name: &'a str,
    description: Option<&'a str>,
}

/// What to change of a project; what is `None` stays.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UpdateProject<'a> {
    /// The project.
    pub project_id: &'a str,
    /// Its new name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<&'a str>,
    /// Its new description.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ById<'a> {
    project_id: &'a str,
}

/// The calls of the project router.
#[derive(Debug, Clone, Copy)]
pub struct ProjectApi<'a>(pub(in crate::dokploy) &'a Transport);

impl ProjectApi<'_> {
    /// Lists the projects that the key may see.
    ///
    /// # Errors
    ///
    /// Every [`ApiError`].
    pub async fn all(self) -> Result<Vec<ProjectSummary>, ApiError> {
        self.0.get(&ALL, &[]).await
    }

    /// Reads a project.
    ///
    /// # Errors
    ///
    /// Not found, and every other [`ApiError`].
    pub async fn one(self, project_id: &str) -> Result<Project, ApiError> {
        self.0.get(&ONE, &[("projectId", project_id)]).await
    }

    /// Makes a project; a second one of the same name is another project.
    ///
    /// # Errors
    ///
    /// Every [`ApiError`].
    pub async fn create(self, name: &str, description: Option<&str>) -> Result<CreatedProject, ApiError> {
        self.0.post(&CREATE, &Create { name, description }).await
    }

    /// Changes a project.
    ///
    /// # Errors
    ///
    /// Every [`ApiError`].
    pub async fn update(self, update: &UpdateProject<'_>) -> Result<(), ApiError> {
        self.0.post_ignoring_response(&UPDATE, update).await
    }

    /// Removes a project without looking what lives in it: services that are left keep running as orphans.
    ///
    /// # Errors
    ///
    /// Every [`ApiError`].
    pub async fn remove(self, project_id: &str) -> Result<(), ApiError> {
        self.0.post_ignoring_response(&REMOVE, &ById { project_id }).await
    }
}
