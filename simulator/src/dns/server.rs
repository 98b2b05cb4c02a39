//! The DNS servers: authoritative ones, and one that plays the recursive resolver, over UDP and TCP.

use super::shared::Shared;
use super::zone::{ZoneRecord, full_name};
use async_trait::async_trait;
use hickory_server::net::runtime::Time;
use hickory_server::net::xfer::Protocol;
use hickory_server::proto::op::{Header, HeaderCounts, MessageType, Metadata, ResponseCode};
use hickory_server::proto::rr::rdata::SOA;
use hickory_server::proto::rr::{Name, RData, Record, RecordType};
use hickory_server::server::{Request, RequestHandler, ResponseHandler, ResponseInfo};
use hickory_server::zone_handler::MessageResponseBuilder;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long a negative answer may be cached, in seconds; every zone's SOA says so.
const NEGATIVE_TTL: u32 = 300;

/// How many aliases are followed; more are taken for a circle.
const MOST_ALIASES: usize = 8;

/// The address with which a proxied name is answered in place of its own.
const PROXY: &str = "198.51.100.80";

/// One question that a server got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DnsQuery {
    /// Whether the recursive resolver was asked, not an authoritative server.
    pub recursive: bool,
    /// The server's address.
    pub server: IpAddr,
    /// The name, lower-case and without the final dot.
    pub name: String,
    /// The type, for instance `A`.
    pub record_type: String,
    /// Whether it came over TCP.
    pub tcp: bool,
}

/// How a server behaves; can be changed while it runs.
#[derive(Debug, Clone, Default)]
pub(super) struct Behaviour {
    /// How late it learns of a change.
    pub(super) lag: Duration,
    /// Whether it stays silent.
    pub(super) silent: bool,
    /// Whether it cuts every answer over UDP short, so that the client has to come by TCP.
    pub(super) truncate: bool,
    /// Whether it refuses questions for name servers.
    pub(super) refuse_ns: bool,
}

/// One server.
#[derive(Debug)]
pub(super) struct DnsServer {
    pub(super) shared: Arc<Shared>,
    pub(super) recursive: bool,
    pub(super) address: IpAddr,
    pub(super) name_servers: Vec<IpAddr>,
    pub(super) behaviour: Arc<Mutex<Behaviour>>,
    pub(super) queries: Arc<Mutex<Vec<DnsQuery>>>,
    pub(super) negative: Mutex<BTreeMap<(String, String), Instant>>,
}

/// What a server answers.
#[derive(Debug, Default)]
struct Answer {
    code: ResponseCode,
    answers: Vec<Record>,
    authorities: Vec<Record>,
    additionals: Vec<Record>,
    referral: bool,
}

impl DnsServer {
    /// Every record of a zone as this server sees it, with the name servers that each zone has.
    fn zone_records(&self, zone: &str, lag: Duration) -> Vec<ZoneRecord> {
        let mut records = self.shared.zones.served(zone, lag).unwrap_or_default();
        records.retain(|record| !record.disabled);
        for (index, address) in self.name_servers.iter().enumerate() {
            let host = format!("ns{}", index + 1);
            let record_type = if address.is_ipv4() { "A" } else { "AAAA" };
            records.push(ZoneRecord::new("@", "NS", 300, &format!("{host}.{zone}.")));
            records.push(ZoneRecord::new(&host, record_type, 300, &address.to_string()));
        }
        records
    }

    fn resolve(&self, name: &str, record_type: RecordType, behaviour: &Behaviour) -> Answer {
        let mut answer = Answer::default();
        if record_type == RecordType::NS && behaviour.refuse_ns {
            answer.code = ResponseCode::Refused;
            return answer;
        }
        let mut name = name.to_owned();
        for _ in 0..MOST_ALIASES {
            match self.step(&mut answer, &name, record_type, behaviour) {
                Some(target) => name = target,
                None => return answer,
            }
        }
        answer.code = ResponseCode::ServFail;
        answer
    }

    /// Adds what there is at one name; returns the target of an alias that is to be followed.
    fn step(&self, answer: &mut Answer, name: &str, record_type: RecordType, behaviour: &Behaviour) -> Option<String> {
        let Some(zone) = self.shared.zones.enclosing(name) else {
            if answer.answers.is_empty() {
                answer.code = if self.recursive { ResponseCode::NXDomain } else { ResponseCode::Refused };
            }
            return None;
        };
        let records = self.zone_records(&zone, behaviour.lag);
        if !self.recursive && refer(answer, &records, &zone, name) {
            return None;
        }
        let here: Vec<&ZoneRecord> = records.iter().filter(|record| full_name(&record.name, &zone) == name).collect();
        let of_type =
            |wanted: RecordType| here.iter().filter(move |record| record.record_type == wanted.to_string()).copied();
        let found: Vec<Record> = of_type(record_type).filter_map(|record| wire(record, name)).collect();
        if !found.is_empty() {
            answer.answers.extend(found);
            return None;
        }
        if let Some(alias) = of_type(RecordType::CNAME).next() {
            answer.answers.extend(wire(alias, name));
            return Some(alias.content.trim_end_matches('.').to_ascii_lowercase());
        }
        let below = format!(".{name}");
        let is_above = || records.iter().any(|record| full_name(&record.name, &zone).ends_with(&below));
        if name != zone && here.is_empty() && !is_above() {
            answer.code = ResponseCode::NXDomain;
        }
        answer.authorities.extend(soa(&zone));
        None
    }

    /// What the recursive resolver still remembers not to exist.
    fn remembered(&self, key: &(String, String)) -> bool {
        let negative = self.negative.lock().unwrap_or_else(PoisonError::into_inner);
        negative.get(key).is_some_and(|until| *until > Instant::now())
    }

    fn answer(&self, name: &str, record_type: RecordType, behaviour: &Behaviour) -> Answer {
        if !self.recursive {
            return self.resolve(name, record_type, behaviour);
        }
        // A name that does not exist is remembered for every type (RFC 2308).
        let keys = [(name.to_owned(), String::new()), (name.to_owned(), record_type.to_string())];
        if self.remembered(&keys[0]) {
            return Answer { code: ResponseCode::NXDomain, ..Answer::default() };
        }
        if self.remembered(&keys[1]) {
            return Answer::default();
        }
        let answer = self.resolve(name, record_type, behaviour);
        let [name_key, type_key] = keys;
        if answer.answers.is_empty() && answer.code != ResponseCode::Refused {
            let key = if answer.code == ResponseCode::NXDomain { name_key } else { type_key };
            let until = Instant::now() + Duration::from_secs(NEGATIVE_TTL.into());
            self.negative.lock().unwrap_or_else(PoisonError::into_inner).insert(key, until);
        }
        answer
    }
}

/// Answers with the name servers of a zone below, when one is cut off above `name`.
fn refer(answer: &mut Answer, records: &[ZoneRecord], zone: &str, name: &str) -> bool {
    let cut = records.iter().filter(|record| record.record_type == "NS" && record.name != "@").find(|record| {
        let cut = full_name(&record.name, zone);
        name == cut || name.ends_with(&format!(".{cut}"))
    });
    let Some(cut) = cut else { return false };
    let same = records.iter().filter(|record| record.is(&cut.name, "NS"));
    let owner = full_name(&cut.name, zone);
    for record in same {
        answer.authorities.extend(wire(record, &owner));
        let host = record.content.trim_end_matches('.');
        let glue = records.iter().filter(|glue| full_name(&glue.name, zone) == host);
        answer.additionals.extend(glue.filter_map(|glue| wire(glue, host)));
    }
    answer.referral = answer.answers.is_empty();
    true
}

/// A record as DNS carries it; none when its value is not one of its type.
fn wire(record: &ZoneRecord, name: &str) -> Option<Record> {
    let owner = Name::from_ascii(format!("{name}.")).ok()?;
    let record_type = RecordType::from_str(&record.record_type).ok()?;
    let content = match record_type {
        RecordType::CNAME | RecordType::NS => format!("{}.", record.content.trim_end_matches('.')),
        RecordType::A if record.proxied => PROXY.to_owned(),
        _ => record.content.clone(),
    };
    let data = RData::try_from_str(record_type, &content).ok()?;
    Some(Record::from_rdata(owner, if record.ttl == 1 { 300 } else { record.ttl }, data))
}

fn soa(zone: &str) -> Option<Record> {
    let name = |text: String| Name::from_ascii(text).ok();
    let data =
        SOA::new(name(format!("ns1.{zone}."))?, name(format!("admin.{zone}."))?, 1, 3600, 600, 86_400, NEGATIVE_TTL);
    Some(Record::from_rdata(name(format!("{zone}."))?, NEGATIVE_TTL, RData::SOA(data)))
}

#[async_trait]
impl RequestHandler for DnsServer {
    async fn handle_request<R: ResponseHandler, T: Time>(&self, request: &Request, mut response: R) -> ResponseInfo {
        let mut metadata = Metadata::response_from_request(&request.metadata);
        let nothing = |metadata: Metadata| ResponseInfo::from(Header { metadata, counts: HeaderCounts::default() });
        let Ok(info) = request.request_info() else { return nothing(metadata) };
        let name = info.query.name().to_string().trim_end_matches('.').to_ascii_lowercase();
        let record_type = info.query.query_type();
        let tcp = info.protocol == Protocol::Tcp;
        self.queries.lock().unwrap_or_else(PoisonError::into_inner).push(DnsQuery {
            recursive: self.recursive,
            server: self.address,
            name: name.clone(),
            record_type: record_type.to_string(),
            tcp,
        });
        let behaviour = self.behaviour.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if behaviour.silent || request.metadata.message_type != MessageType::Query {
            return nothing(metadata);
        }
        let mut answer = self.answer(&name, record_type, &behaviour);
        metadata.response_code = answer.code;
        metadata.authoritative = !self.recursive && !answer.referral && answer.code != ResponseCode::Refused;
        metadata.recursion_available = self.recursive;
        if behaviour.truncate && !tcp {
            metadata.truncation = true;
            answer = Answer::default();
        }
        let message = MessageResponseBuilder::from_message_request(request).build(
            metadata,
            answer.answers.iter(),
            answer.authorities.iter(),
            std::iter::empty(),
            answer.additionals.iter(),
        );
        response.send_response(message).await.unwrap_or_else(|_| nothing(metadata))
    }
}
