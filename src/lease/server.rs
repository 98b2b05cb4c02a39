//! The entry of a lease as Dokploy keeps it: a tag, whose name is unique, and whose colour says who holds it.
//!
//! A tag is of the organization and not of a project, so it can be made where nothing else exists yet; it is not part of
//! anything that runs, and nothing but the web interface's list of tags shows it.

use super::holder::LeaseHolder;
use super::protocol::{Answer, Ask, Clocks, Entry};
use super::terms::LeaseName;
use crate::dokploy::{ApiError, Dokploy, Tag};
use crate::system::uptime;

/// A server that keeps the entry of one lease.
#[derive(Debug, Clone)]
pub(super) struct LeaseServer {
    client: Dokploy,
    name: LeaseName,
}

/// Why nothing can be leased.
#[derive(Debug)]
pub(super) enum Unleasable {
    /// The key may not make tags, or the server has none, or its answers tell no time.
    Unavailable(String),
    /// The call failed.
    Failed(ApiError),
}

impl From<ApiError> for Unleasable {
    fn from(error: ApiError) -> Self {
        if error.is_unavailable() { Self::Unavailable(error.to_string()) } else { Self::Failed(error) }
    }
}

impl LeaseServer {
    pub(super) fn new(client: Dokploy, name: LeaseName) -> Self {
        Self { client, name }
    }

    /// What is leased.
    pub(super) fn name(&self) -> &LeaseName {
        &self.name
    }

    /// What the clocks say; asks the server for something if it has told nothing yet.
    pub(super) async fn clocks(&self) -> Result<Clocks, Unleasable> {
        if self.client.server_time().is_none() {
            self.client.tag().all().await?;
        }
        self.clocks_now()
    }

    /// What the clocks say, by what the server has told last.
    pub(super) fn clocks_now(&self) -> Result<Clocks, Unleasable> {
        let untold = || Unleasable::Unavailable("the server's answers have no `Date`".to_owned());
        let (told, elapsed) = (self.client.server_time().ok_or_else(untold)?, uptime());
        Ok(Clocks { elapsed, server_at_least: told.at_least(elapsed), server_at_most: told.at_most(elapsed) })
    }

    /// Asks, and tells the answer. An answer that gets lost is one as well.
    pub(super) async fn ask(&self, ask: &Ask) -> Result<Answer, Unleasable> {
        let tags = self.client.tag();
        let answer = match ask {
            Ask::Look => return Ok(Answer::Found(self.entry().await?)),
            Ask::Make(holder) => match tags.create(self.name.tag(), &holder.format()).await {
                Err(error) if error.is_unavailable() => Err(error),
                Err(error) if error.may_be_taken() => Ok(Answer::Refused),
                made => made.map(|tag| Answer::Made(tag.tag_id)),
            },
            Ask::Renew { id, holder } => {
                let renewed = tags.update(id, &holder.format()).await;
                renewed.map(|tag| tag.map_or(Answer::Gone, |_| Answer::Renewed))
            }
            Ask::Remove { id } => tags.remove(id).await.map(|()| Answer::Removed),
        };
        match answer {
            Err(error) if error.outcome_unknown() => Ok(Answer::Lost),
            answer => Ok(answer?),
        }
    }

    /// The entry that there is.
    pub(super) async fn entry(&self) -> Result<Option<Entry>, ApiError> {
        let tags = self.client.tag().all().await?;
        let ours = |tag: &Tag| tag.name == self.name.tag();
        let entry =
            |tag: Tag| Entry { holder: LeaseHolder::parse(tag.color.as_deref().unwrap_or_default()), id: tag.tag_id };
        Ok(tags.into_iter().find(ours).map(entry))
    }
}
