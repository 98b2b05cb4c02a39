//! `redis.*`

use super::database::{self, Kind};
use crate::dokploy::call::{Answer, Call};
use crate::dokploy::model::redis_template;

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
