//! Image builds.

use crate::DeployError;
use crate::deploy::apply::Done;
use crate::deploy::session::Session;
use crate::plan::{DesiredImage, Step};
use crate::state::PushedImage;
use serde_json::Map;

/// Builds and pushes an app's image, and remembers what it was built from.
pub(super) async fn build(session: &Session, step: &Step, app: &str) -> Result<Done, DeployError> {
    let DesiredImage::Build { build, fingerprint } = &session.desired.apps[app].image else {
        return Ok(Done::Nothing("its image is given".to_owned()));
    };
    let log = |line: &str| session.log(step, line);
    let built = session.images.build(build, &log).await.map_err(|error| error.app(app))?;
    session.world().images.insert(app.to_owned(), built.reference.clone());
    if let Some(fingerprint) = fingerprint {
        let pushed = PushedImage { reference: built.reference, fingerprint: fingerprint.clone(), unknown: Map::new() };
        session.state.update(|state| state.deploy_native.images.insert(app.to_owned(), pushed)).await?;
    }
    Ok(Done::Changed)
}
