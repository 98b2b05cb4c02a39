//! `postgres.*`

use super::database::{self, Kind};
use crate::dokploy::call::{Answer, Call};
use crate::dokploy::model::postgres_template;

const KIND: Kind = Kind {
    label: "Postgres",
    router: "postgres",
    id: "postgresId",
    template: postgres_template,
    table: |state| &state.postgres,
    table_mut: |state| &mut state.postgres,
    has_backups: true,
};

pub(super) async fn perform(name: &str, call: &Call) -> Answer {
    database::perform(&KIND, name, call).await
}
