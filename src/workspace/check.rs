//! What is to be said of a workspace before anything is done with it.

use super::fault::Faults;
use super::validate::read_workspace;
use super::{Workspace, WorkspaceFault};
use serde::Serialize;
use serde_json::Value;

/// What is wrong with a workspace, and what of it a deployment does not do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct WorkspaceCheck {
    /// What makes it unusable, in the order of the document; empty for a workspace that can be deployed.
    pub faults: Vec<WorkspaceFault>,
    /// What it declares and a deployment does not do, in the order of the document.
    pub warnings: Vec<WorkspaceFault>,
}

impl Workspace {
    /// Finds every fault of the CLI's normalised workspace, and of its host names in `stage` if one is given. Reads
    /// nothing but the document.
    pub fn check(value: &Value, stage: Option<&str>, main_frontend_at_apex: bool) -> WorkspaceCheck {
        let mut faults = Faults::default();
        let workspace = read_workspace(value, &mut faults);
        let mut check = WorkspaceCheck { faults: faults.take_faults(value), warnings: faults.take_warnings(value) };
        if let Some(workspace) = workspace {
            if let (Some(stage), true) = (stage, check.faults.is_empty()) {
                check.faults = workspace.host_faults(stage, main_frontend_at_apex);
            }
            check.warnings = workspace.warnings;
        }
        check
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn workspace() -> Value {
        json!({
            "name": "w", "root": "/w", "services": { "mail": true },
            "apps": { "api": { "path": "a", "port": 1 }, "web": { "type": "web", "framework": "vite", "path": "b", "port": 2 } },
            "deploy": { "dokploy": { "domains": { "staging": "example.com" } } },
        })
    }

    fn paths(found: &[WorkspaceFault]) -> Vec<&str> {
        found.iter().map(|fault| fault.path.as_str()).collect()
    }

    #[test]
    fn every_fault_and_warning_has_its_path() {
        let check = Workspace::check(&workspace(), None, false);
        assert_eq!((paths(&check.faults), paths(&check.warnings)), (vec![], vec!["services.mail"]));
        let mut broken = workspace();
        broken["apps"]["api"]["port"] = json!(0);
        broken["apps"]["web"]["path"] = json!("../..");
        let check = Workspace::check(&broken, Some("staging"), false);
        assert_eq!(paths(&check.faults), ["apps.api.port", "apps.web.path"]);
        assert_eq!(paths(&check.warnings), ["services.mail"]);
        assert_eq!(paths(&Workspace::check(&json!([]), None, false).faults), [""]);
    }

    #[test]
    fn the_host_names_of_a_stage_are_checked_when_one_is_given() {
        assert_eq!(paths(&Workspace::check(&workspace(), Some("staging"), false).faults), Vec::<&str>::new());
        let check = Workspace::check(&workspace(), Some("production"), false);
        assert_eq!(paths(&check.faults), ["apps.api.domain", "apps.web.domain"]);
        assert!(check.faults[0].message.contains("production"), "{check:?}");
        let mut shared = workspace();
        shared["apps"]["web"]["domain"] = json!("api.example.com");
        assert_eq!(paths(&Workspace::check(&shared, Some("staging"), false).faults), ["apps.web.domain"]);
    }
}
