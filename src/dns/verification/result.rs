//! What the servers said about a host name, and what follows from it: pure.

use serde::Serialize;
use std::fmt;
use std::net::{IpAddr, SocketAddr};

/// A host name and the address that it must have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expectation<'a> {
    /// The host name.
    pub host: &'a str,
    /// Its address: the server's.
    pub address: IpAddr,
    /// The zone that holds it, when it is known.
    pub zone: Option<&'a str>,
}

/// The result of a verification.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Verification {
    /// The host name.
    pub host: String,
    /// The address that it must have.
    pub expected: IpAddr,
    /// What follows from the answers.
    pub outcome: VerificationOutcome,
    /// Who was asked.
    pub source: AnswerSource,
    /// Each server and what it answers.
    pub servers: Vec<ServerAnswer>,
    /// What is worth knowing although it does not change the outcome, for instance a stray IPv6 address.
    pub notes: Vec<String>,
}

/// What follows from the answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum VerificationOutcome {
    /// Every server answers with the expected address and no other.
    Verified,
    /// A server answers with another address, or they disagree.
    Mismatch,
    /// Every server that answers knows no address.
    NoRecords,
    /// A server gives no usable answer, and no other one is wrong.
    Unreachable,
}

/// Who was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum AnswerSource {
    /// Every authoritative server of the zone.
    Authoritative,
    /// The recursive resolvers, because no authoritative server could be found.
    Recursive,
}

/// A server and what it answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ServerAnswer {
    /// The server's name.
    pub server: String,
    /// Where it was asked; absent when its name has no address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<SocketAddr>,
    /// Its answer.
    pub answer: Answer,
}

/// What a server answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
#[non_exhaustive]
pub enum Answer {
    /// These addresses, sorted, at the end of these aliases.
    Addresses {
        /// The addresses.
        addresses: Vec<IpAddr>,
        /// The aliases (CNAME) that led there, in order.
        aliases: Vec<String>,
    },
    /// No address.
    Nothing {
        /// Whether the name exists with other records.
        exists: bool,
    },
    /// Nothing that counts.
    Unusable {
        /// Why.
        why: String,
    },
}

impl VerificationOutcome {
    /// Judges answers: all of them have to be right.
    pub(super) fn judge(expected: IpAddr, servers: &[ServerAnswer]) -> Self {
        let mut right = 0_usize;
        let mut nothing = 0_usize;
        for server in servers {
            match &server.answer {
                Answer::Addresses { addresses, .. } if *addresses == [expected] => right += 1,
                Answer::Addresses { .. } => return Self::Mismatch,
                Answer::Nothing { .. } => nothing += 1,
                Answer::Unusable { .. } => {}
            }
        }
        match (right, nothing) {
            (right, 0) if right > 0 && right == servers.len() => Self::Verified,
            (0, nothing) if nothing > 0 => Self::NoRecords,
            (_, 0) => Self::Unreachable,
            _ => Self::Mismatch,
        }
    }
}

impl Verification {
    /// Whether the name may be relied upon.
    pub fn is_verified(&self) -> bool {
        self.outcome == VerificationOutcome::Verified
    }

    /// The result in words, for a report.
    pub fn message(&self) -> String {
        let (host, expected) = (&self.host, self.expected);
        let mut message = match self.outcome {
            VerificationOutcome::Verified => format!("`{host}` resolves to {expected} at every name server"),
            VerificationOutcome::Mismatch => format!("`{host}` does not resolve to {expected} everywhere"),
            VerificationOutcome::NoRecords => format!("`{host}` has no address yet, it should be {expected}"),
            VerificationOutcome::Unreachable => format!("Not every name server of `{host}` can be asked"),
        };
        if !self.is_verified() && !self.servers.is_empty() {
            let answers: Vec<String> = self.servers.iter().map(ServerAnswer::to_string).collect();
            message = format!("{message} ({})", answers.join("; "));
        }
        for note in &self.notes {
            message = format!("{message}. {note}");
        }
        message
    }
}

impl fmt::Display for ServerAnswer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.server)?;
        if let Some(address) = self.address {
            write!(formatter, " [{}]", address.ip())?;
        }
        write!(formatter, ": {}", self.answer)
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Addresses { addresses, aliases } => {
                let list: Vec<String> = addresses.iter().map(IpAddr::to_string).collect();
                formatter.write_str(&list.join(", "))?;
                if let Some(alias) = aliases.last() { write!(formatter, " through {alias}") } else { Ok(()) }
            }
            Self::Nothing { exists: true } => formatter.write_str("no address"),
            Self::Nothing { exists: false } => formatter.write_str("no such name"),
            Self::Unusable { why } => formatter.write_str(why),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXPECTED: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(203, 0, 113, 7));

    fn server(answer: Answer) -> ServerAnswer {
        ServerAnswer { server: "ns".to_owned(), address: None, answer }
    }

    fn addresses(list: &[&str]) -> ServerAnswer {
        let addresses = list.iter().map(|text| text.parse().unwrap()).collect();
        server(Answer::Addresses { addresses, aliases: Vec::new() })
    }

    #[test]
    fn only_a_unanimous_and_exact_answer_verifies() {
        let right = || addresses(&["203.0.113.7"]);
        let wrong = || addresses(&["198.51.100.1"]);
        let both = || addresses(&["198.51.100.1", "203.0.113.7"]);
        let nothing = || server(Answer::Nothing { exists: false });
        let silent = || server(Answer::Unusable { why: "no answer in time".to_owned() });
        for (servers, outcome) in [
            (vec![right(), right()], VerificationOutcome::Verified),
            (vec![right(), wrong()], VerificationOutcome::Mismatch),
            (vec![both()], VerificationOutcome::Mismatch),
            (vec![right(), nothing()], VerificationOutcome::Mismatch),
            (vec![wrong(), silent()], VerificationOutcome::Mismatch),
            (vec![nothing(), nothing()], VerificationOutcome::NoRecords),
            (vec![nothing(), silent()], VerificationOutcome::NoRecords),
            (vec![right(), silent()], VerificationOutcome::Unreachable),
            (vec![silent()], VerificationOutcome::Unreachable),
            (vec![], VerificationOutcome::Unreachable),
        ] {
            assert_eq!(VerificationOutcome::judge(EXPECTED, &servers), outcome, "{servers:?}");
        }
    }
}
