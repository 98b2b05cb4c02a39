//! One call as the routers get it, and what they answer.

use std::sync::Arc;

use serde_json::Value;

use super::error::ApiError;
use super::model::{Record, text};
use crate::world::{Access, World};

/// A call that passed authentication, method check and validation.
pub(crate) struct Call {
    pub(crate) world: Arc<World>,
    pub(crate) access: Access,
    pub(crate) input: Record,
    pub(crate) procedure: String,
}

impl Call {
    /// A string of the input, or the empty string.
    pub(crate) fn text(&self, field: &str) -> &str {
        text(&self.input, field)
    }

    /// Refuses members, in the words the service calls use.
    pub(crate) fn require_service_access(&self) -> Result<(), ApiError> {
        match self.access {
            Access::Owner | Access::Granted => Ok(()),
            Access::Member => Err(ApiError::denied("You don't have access to this service")),
        }
    }

    /// Refuses members, in the words the permission check uses.
    pub(crate) fn require_permission(&self, resource: &str) -> Result<(), ApiError> {
        match self.access {
            Access::Owner => Ok(()),
            Access::Granted if resource == "project" => Ok(()),
            Access::Granted | Access::Member => {
                Err(ApiError::denied(format!("unauthorized to access resource \"{resource}\"")))
            }
        }
    }
}

/// What a call answers: a JSON value, or a body of zero bytes.
pub(crate) enum Reply {
    Json(Value),
    Empty,
}

impl<T: Into<Value>> From<T> for Reply {
    fn from(value: T) -> Self {
        Self::Json(value.into())
    }
}

pub(crate) type Answer = Result<Reply, ApiError>;
