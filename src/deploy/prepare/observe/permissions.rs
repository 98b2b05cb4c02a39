//! Whether our key may do what a plan needs (I1).

use crate::DeployError;
use crate::deploy::context::RunContext;
use crate::dokploy::Access;
use crate::plan::{Blueprint, DatabaseRoute, DatabaseWay, Operation};

/// Finds out that our key may do what only the plan shows to be needed. `way`: the one to the database.
///
/// # Errors
///
/// `DOKPLOY_*`.
pub(crate) async fn check_permissions(
    context: &RunContext,
    blueprint: &Blueprint,
    way: Option<&DatabaseWay>,
) -> Result<(), DeployError> {
    let any = |is: fn(&Operation) -> bool| blueprint.operations.values().any(is);
    // Whatever the request says, an app's next login waits for it to run with the one before.
    let rotates = any(|operation| {
        matches!(operation, Operation::OpenSecondLogins { .. } | Operation::ChangePasswords { .. })
            || matches!(operation, Operation::CloseSecondLogins { .. })
    });
    let works = rotates || any(|it| matches!(it, Operation::ApplyRoles | Operation::DropRoles { .. }));
    // Its application is followed through the queue; a way that falls back on the port can do without.
    let inside = way.is_some_and(|way| way.route == DatabaseRoute::Internal && !way.falls_back);
    let needed = Access { containers: rotates, queue: rotates || (works && inside) };
    context.client.check_access(needed.beyond(context.access())).await
}
