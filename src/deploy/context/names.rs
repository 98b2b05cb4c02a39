//! The names and marks of a stage's resources on the server.

use crate::dokploy::{Mark, MarkKind};
use crate::workspace::Workspace;
use std::collections::BTreeMap;

/// The name of the Postgres service (facts: the CLI calls it so).
pub(crate) const POSTGRES_NAME: &str = "db";
/// The name of the Redis service.
pub(crate) const REDIS_NAME: &str = "cache";
/// The name that Dokploy gives the environment of every new project.
pub(crate) const DEFAULT_ENVIRONMENT: &str = "production";

/// Makes the marks by which the resources of a stage are known as ours (I8).
#[derive(Debug, Clone)]
pub(crate) struct Marks {
    /// The workspace's name.
    pub(crate) workspace: String,
    /// The stage.
    pub(crate) stage: String,
}

impl Marks {
    /// The mark of a resource of this stage.
    pub(crate) fn of(&self, kind: MarkKind, name: &str) -> Mark {
        let stage = (kind != MarkKind::Project).then(|| self.stage.clone());
        Mark { workspace: self.workspace.clone(), stage, kind, name: name.to_owned() }
    }

    /// The project's mark. A project serves every stage of a workspace, so its mark names none.
    pub(crate) fn of_project(&self) -> Mark {
        self.of(MarkKind::Project, &self.workspace)
    }

    /// The app whose release an application of this stage is, by its description.
    pub(crate) fn app_of_release(&self, description: Option<&str>) -> Option<String> {
        let mark = description.and_then(Mark::parse).filter(|mark| mark.kind == MarkKind::Release)?;
        (mark == self.of(MarkKind::Release, &mark.name)).then_some(mark.name)
    }

    /// Whether a description carries the mark of this resource.
    pub(crate) fn are_in(&self, description: Option<&str>, kind: MarkKind, name: &str) -> bool {
        carries(description, &self.of(kind, name))
    }
}

/// Whether a description carries this mark.
pub(crate) fn carries(description: Option<&str>, mark: &Mark) -> bool {
    description.and_then(Mark::parse).as_ref() == Some(mark)
}

/// The base of the name of each service and application on the server, which appends a suffix.
pub(crate) fn base_names(workspace: &Workspace) -> BTreeMap<String, String> {
    let names = workspace.apps.keys().map(String::as_str).chain([POSTGRES_NAME, REDIS_NAME]);
    names.map(|name| (name.to_owned(), workspace.app_name_base(name))).collect()
}
