//! `redis.*`

use super::database::{self, Kind};
use super::model::redis_template;
use super::{Answer, Call};

const KIND: Kind = Kind {
    label: "Redis",
    router: "redis",
    id: "redisId",
    template: redis_template,
    table: |state| &state.redis,
    table_mut: |state| &mut state.redis,
    has_backups: false,
};

pub(super) async fn perform(name: &str, call: &Call) -> Answer {
    database::perform(&KIND, name, call).await
}
