//! Writing to a DNS zone: one write at a time, which takes along what came during the one before.
//!
//! A vendor reads the zone before it writes to it, so a write for every record would read a zone of n records n times.

use crate::DeployError;
use crate::dns::{DnsProvider, DnsRecord};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{Mutex as AsyncMutex, oneshot};

/// The queues of the zones of a run, by root domain.
#[derive(Default)]
pub(crate) struct ZoneQueues(Mutex<BTreeMap<String, Arc<ZoneQueue>>>);

#[derive(Default)]
struct ZoneQueue {
    waiting: Mutex<Vec<Waiting>>,
    /// Held during a write.
    turn: AsyncMutex<()>,
}

/// A record that waits, and where to tell what became of it.
struct Waiting {
    record: DnsRecord,
    told: oneshot::Sender<Result<(), DeployError>>,
}

impl ZoneQueues {
    /// Makes a record be what is given. Dropping the future gives it up, and what waits with it if its turn has come.
    ///
    /// # Errors
    ///
    /// What the provider fails with for this record; `CANCELLED` when the write that had it was dropped.
    pub(crate) async fn upsert(
        &self,
        provider: &dyn DnsProvider,
        zone: &str,
        record: DnsRecord,
    ) -> Result<(), DeployError> {
        let queue = Arc::clone(lock(&self.0).entry(zone.to_owned()).or_default());
        let (told, mut outcome) = oneshot::channel();
        lock(&queue.waiting).push(Waiting { record, told });
        let _turn = queue.turn.lock().await;
        match outcome.try_recv() {
            Ok(outcome) => return outcome,
            Err(oneshot::error::TryRecvError::Closed) => return Err(DeployError::cancelled()),
            Err(oneshot::error::TryRecvError::Empty) => {}
        }
        // Nobody has taken it yet, so it is among these.
        let batch = std::mem::take(&mut *lock(&queue.waiting));
        write(provider, zone, batch).await;
        outcome.await.unwrap_or_else(|_| Err(DeployError::cancelled()))
    }
}

/// Writes records, and tells each what became of it.
async fn write(provider: &dyn DnsProvider, zone: &str, batch: Vec<Waiting>) {
    let records: Vec<DnsRecord> = batch.iter().map(|waiting| waiting.record.clone()).collect();
    let together = provider.upsert_records(zone, &records).await.map(drop);
    let alone = batch.len() == 1;
    for Waiting { record, told } in batch {
        // One bad record fails a write of many: each is tried by itself then, which is safe to repeat.
        let outcome = match &together {
            Err(_) if !alone => provider.upsert_records(zone, &[record]).await.map(drop),
            outcome => outcome.clone(),
        };
        // Who asked may be gone.
        let _ = told.send(outcome);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorCode;
    use crate::dns::RecordChange;
    use async_trait::async_trait;
    use futures_util::future::join_all;
    use std::time::Duration;

    /// A vendor that is slow, refuses the name `bad`, and remembers what it was given.
    #[derive(Default)]
    struct Vendor(Mutex<Vec<Vec<String>>>);

    #[async_trait]
    impl DnsProvider for Vendor {
        fn name(&self) -> &'static str {
            "vendor"
        }

        async fn get_records(&self, _: &str) -> Result<Vec<DnsRecord>, DeployError> {
            Ok(Vec::new())
        }

        async fn upsert_records(&self, _: &str, records: &[DnsRecord]) -> Result<Vec<RecordChange>, DeployError> {
            let names: Vec<String> = records.iter().map(|record| record.name.clone()).collect();
            lock(&self.0).push(names.clone());
            tokio::time::sleep(Duration::from_secs(1)).await;
            if names.iter().any(|name| name == "bad") {
                return Err(DeployError::new(ErrorCode::DnsProvider, "bad"));
            }
            Ok(Vec::new())
        }

        async fn delete_records(&self, _: &str, _: &[DnsRecord]) -> Result<(), DeployError> {
            Ok(())
        }
    }

    fn record(name: &str) -> DnsRecord {
        DnsRecord { name: name.to_owned(), record_type: "A".to_owned(), ttl: 300, values: Vec::new() }
    }

    #[tokio::test(start_paused = true)]
    async fn what_comes_during_a_write_shares_the_next() {
        let (queues, vendor) = (ZoneQueues::default(), Vendor::default());
        let writes = ["a", "b", "c", "d"].map(|name| queues.upsert(&vendor, "shop.test", record(name)));
        assert!(join_all(writes).await.iter().all(Result::is_ok));
        let given = lock(&vendor.0).clone();
        assert_eq!(given.concat(), ["a", "b", "c", "d"]);
        assert!(given.len() <= 2, "{given:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_record_that_is_refused_fails_no_other() {
        let (queues, vendor) = (ZoneQueues::default(), Vendor::default());
        let writes = ["a", "bad", "c"].map(|name| queues.upsert(&vendor, "shop.test", record(name)));
        let outcomes: Vec<bool> = join_all(writes).await.iter().map(Result::is_ok).collect();
        assert_eq!(outcomes, [true, false, true]);
    }
}
