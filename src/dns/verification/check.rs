//! Verification: every authoritative server of a host's zone must answer with the server's address.
//!
//! An AAAA record at the name is not ours and is never touched. Browsers and certificate authorities prefer it to the A
//! record, so one that points elsewhere breaks visitors and certificates: it is reported as a note, and does not stop
//! the verification of the address that we answer for.

use super::delegation::{Delegation, NameServer, find_delegation, locate};
use super::result::{Answer, AnswerSource, Expectation, ServerAnswer, Verification, VerificationOutcome};
use crate::dns::lookup::{Authoritative, LookupOptions, Recursive, Reply};
use crate::dns::zone::{lies_within, normalize_host};
use crate::{DeployError, ErrorCode};
use derive_setters::Setters;
use futures_util::future::join_all;
use hickory_resolver::proto::rr::RecordType;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout_at};

/// How many referrals are followed, from the zone that the resolvers know to the one that holds the host.
const MOST_REFERRALS: usize = 8;

/// How long a verification is waited for.
#[derive(Debug, Clone, Setters)]
#[non_exhaustive]
pub struct WaitOptions {
    /// For how long at most; default 300 s. A last check may end up to one check later.
    pub deadline: Duration,
    /// The first pause between two checks; each is half as long again as the one before. Default 1 s.
    pub first_pause: Duration,
    /// The longest pause between two checks; default 15 s.
    pub longest_pause: Duration,
}

impl Default for WaitOptions {
    fn default() -> Self {
        Self {
            deadline: Duration::from_mins(5),
            first_pause: Duration::from_secs(1),
            longest_pause: Duration::from_secs(15),
        }
    }
}

/// Asks every authoritative server once whether a host name has its address.
///
/// When no authoritative server can be found (a private zone, a resolver that refuses), the recursive resolvers are
/// asked instead, and the result says so.
///
/// # Errors
///
/// `INVALID_REQUEST` when the host is no host name, `DNS_RESOLUTION` when the system's resolvers cannot be read. What
/// the servers answer, or that they do not, is a result and no error.
pub async fn verify(expectation: &Expectation<'_>, options: &LookupOptions) -> Result<Verification, DeployError> {
    let host = normalize_host(expectation.host).ok_or_else(|| {
        let message = format!("`{}` is not a host name", expectation.host);
        DeployError::new(ErrorCode::InvalidRequest, message).resource(expectation.host)
    })?;
    let zone = expectation.zone.and_then(normalize_host);
    let recursive = Recursive::new(options, false)?;
    let check = Check { host: &host, expected: expectation.address, recursive: &recursive, options };
    let delegation = find_delegation(&host, zone.as_deref(), &recursive, options).await;
    match delegation.filter(Delegation::is_reachable) {
        Some(delegation) => Ok(check.ask_authoritative(delegation).await),
        None => Ok(check.ask_recursive(zone.as_deref()).await),
    }
}

/// Verifies again and again until the host name is right everywhere or the deadline is over; returns the last result.
///
/// `on_check` sees every result. Dropping the future ends everything it began.
///
/// # Errors
///
/// As [`verify`].
pub async fn wait_verified(
    expectation: &Expectation<'_>,
    options: &LookupOptions,
    wait: &WaitOptions,
    on_check: &mut (dyn FnMut(&Verification) + Send),
) -> Result<Verification, DeployError> {
    let end = Instant::now() + wait.deadline;
    let mut pause = wait.first_pause;
    loop {
        let last = Instant::now() >= end;
        let verification = verify(expectation, options).await?;
        on_check(&verification);
        if verification.is_verified() || last {
            return Ok(verification);
        }
        // The timeout only cuts the pause short: there is always a check at the end.
        let _ = timeout_at(end, sleep(pause)).await;
        pause = (pause * 3 / 2).min(wait.longest_pause);
    }
}

/// One check of one host.
struct Check<'a> {
    host: &'a str,
    expected: IpAddr,
    recursive: &'a Recursive,
    options: &'a LookupOptions,
}

/// What a server says to both questions.
struct Replies {
    server: NameServer,
    desired: Reply,
    stray: Reply,
}

impl Check<'_> {
    /// The type of the record that must be right, and of the one that must not stray.
    fn types(&self) -> [RecordType; 2] {
        if self.expected.is_ipv4() { [RecordType::A, RecordType::AAAA] } else { [RecordType::AAAA, RecordType::A] }
    }

    async fn ask_authoritative(&self, mut delegation: Delegation) -> Verification {
        let mut asked = BTreeSet::new();
        for _ in 0..MOST_REFERRALS {
            asked.extend(delegation.servers.iter().cloned());
            let replies = join_all(delegation.servers.iter().map(|server| self.ask_server(server))).await;
            let referral = replies.iter().find_map(|replies| match &replies.desired {
                Reply::Referral { name_servers, glue } => Some((name_servers.clone(), glue.clone())),
                _ => None,
            });
            let below = match referral {
                None => None,
                Some((names, glue)) => Some(locate(&names, &glue, self.recursive, self.options).await),
            };
            // Servers that refer to themselves would be asked for ever.
            match below.filter(|servers| servers.iter().any(|server| !asked.contains(server))) {
                Some(servers) => delegation.servers = servers,
                None => return self.conclude(&delegation.zone, replies).await,
            }
        }
        self.conclude(&delegation.zone, Vec::new()).await
    }

    async fn ask_server(&self, server: &NameServer) -> Replies {
        let unasked = |why: &str| Replies {
            server: server.clone(),
            desired: Reply::Silent(why.to_owned()),
            stray: Reply::Silent(why.to_owned()),
        };
        let Some(address) = server.address else { return unasked("its name has no address") };
        let Ok(authoritative) = Authoritative::new(address.ip(), self.options) else {
            return unasked("it cannot be asked");
        };
        let [desired, stray] = self.types();
        let (desired, stray) = tokio::join!(authoritative.ask(self.host, desired), authoritative.ask(self.host, stray));
        Replies { server: server.clone(), desired, stray }
    }

    async fn conclude(&self, zone: &str, replies: Vec<Replies>) -> Verification {
        let mut strays = BTreeSet::new();
        let mut servers = Vec::with_capacity(replies.len());
        for Replies { server, desired, stray } in replies {
            if let Reply::Addresses { addresses, .. } = stray {
                strays.extend(addresses);
            }
            let answer = self.answer(zone, desired).await;
            servers.push(ServerAnswer { server: server.name, address: server.address, answer });
        }
        let outcome = VerificationOutcome::judge(self.expected, &servers);
        self.result(outcome, AnswerSource::Authoritative, servers, self.stray_note(&strays))
    }

    /// What a reply comes to; an alias that leads out of the zone is followed through the recursive resolvers.
    async fn answer(&self, zone: &str, reply: Reply) -> Answer {
        let unusable = |why: &str| Answer::Unusable { why: why.to_owned() };
        match reply {
            Reply::Addresses { addresses, aliases } => Answer::Addresses { addresses, aliases },
            Reply::Nothing { exists } => Answer::Nothing { exists },
            Reply::Alias { target, .. } if lies_within(&target, zone) => Answer::Nothing { exists: true },
            Reply::Alias { aliases, target } => match self.recursive.addresses(&target, self.types()[0]).await {
                Err(error) => unusable(&format!("alias of {target}, which cannot be resolved ({error})")),
                Ok(found) => addresses_or_nothing(found, aliases),
            },
            Reply::Referral { .. } => unusable("refers to servers that were asked already"),
            Reply::NotAuthoritative => unusable("does not hold the zone"),
            Reply::Refused(why) | Reply::Silent(why) => unusable(&why),
        }
    }

    async fn ask_recursive(&self, zone: Option<&str>) -> Verification {
        let [desired, stray] = self.types();
        let (desired, stray) =
            tokio::join!(self.recursive.addresses(self.host, desired), self.recursive.addresses(self.host, stray));
        let answer = match desired {
            Err(error) => Answer::Unusable { why: error.to_string() },
            Ok(found) => addresses_or_nothing(found, Vec::new()),
        };
        let server = self.options.name_servers.first().copied();
        let servers = vec![ServerAnswer { server: "recursive resolver".to_owned(), address: server, answer }];
        let zone = zone.map(|zone| format!(" of `{zone}`")).unwrap_or_default();
        let fallback =
            format!("No authoritative name server{zone} was found; the recursive resolver was asked instead");
        let strays = stray.unwrap_or_default().into_iter().collect();
        let notes = [fallback].into_iter().chain(self.stray_note(&strays)).collect();
        let outcome = VerificationOutcome::judge(self.expected, &servers);
        self.result(outcome, AnswerSource::Recursive, servers, notes)
    }

    /// A warning about addresses of the other family, which we do not write.
    fn stray_note(&self, strays: &BTreeSet<IpAddr>) -> Vec<String> {
        if strays.is_empty() {
            return Vec::new();
        }
        let list: Vec<String> = strays.iter().map(IpAddr::to_string).collect();
        let [_, kind] = self.types();
        vec![format!(
            "`{}` also has an {kind} record ({}), which is not ours and stays: if it is not this server's, delete it, \
             or visitors and Let's Encrypt may go there",
            self.host,
            list.join(", ")
        )]
    }

    fn result(
        &self,
        outcome: VerificationOutcome,
        source: AnswerSource,
        servers: Vec<ServerAnswer>,
        notes: Vec<String>,
    ) -> Verification {
        Verification { host: self.host.to_owned(), expected: self.expected, outcome, source, servers, notes }
    }
}

fn addresses_or_nothing(mut addresses: Vec<IpAddr>, aliases: Vec<String>) -> Answer {
    addresses.sort_unstable();
    addresses.dedup();
    if addresses.is_empty() { Answer::Nothing { exists: true } } else { Answer::Addresses { addresses, aliases } }
}
