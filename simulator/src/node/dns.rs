//! The DNS around a simulator, as JavaScript holds it.

use super::options::RecordIn;
use super::server::{NativeSimulator, json};
use super::{failed, read};
use crate::dns::{DnsSimulator, Fault, FaultKind, RecordedRequest, Vendor};
use napi::Result;
use napi_derive::napi;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::PoisonError;
use std::time::Duration;

/// What goes wrong with requests to the vendors' APIs.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct FaultIn {
    vendor: Option<VendorIn>,
    method: Option<String>,
    path: Option<String>,
    nth: Option<usize>,
    times: Option<usize>,
    action: Action,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
enum VendorIn {
    Cloudflare,
    Hostinger,
}

#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
enum Action {
    Fail { status: u16 },
    Throttle { retry_after_seconds: u32 },
    DropBefore,
    DropAfter,
    Delay { millis: u32 },
    Garble { body: String },
}

impl From<FaultIn> for Fault {
    fn from(FaultIn { vendor, method, path, nth, times, action }: FaultIn) -> Self {
        let mut fault = Self::new(match action {
            Action::Fail { status } => FaultKind::Fail(status),
            Action::Throttle { retry_after_seconds } => FaultKind::Throttle(retry_after_seconds.into()),
            Action::DropBefore => FaultKind::DropBefore,
            Action::DropAfter => FaultKind::DropAfter,
            Action::Delay { millis } => FaultKind::Delay(Duration::from_millis(millis.into())),
            Action::Garble { body } => FaultKind::Garble(body),
        });
        if let Some(vendor) = vendor {
            fault = fault.vendor(match vendor {
                VendorIn::Cloudflare => Vendor::Cloudflare,
                VendorIn::Hostinger => Vendor::Hostinger,
            });
        }
        if let Some(method) = method {
            fault = fault.method(&method);
        }
        if let Some(path) = path {
            fault = fault.path(&path);
        }
        if let Some(nth) = nth {
            fault = fault.nth(nth);
        }
        times.map_or(fault.clone(), |times| fault.times(times))
    }
}

#[napi]
impl NativeSimulator {
    /// Where everything about DNS is reached; `null` without DNS.
    #[napi]
    pub fn dns_addresses(&self) -> Value {
        let addresses = self.with_dns(|dns| {
            json!({
                "cloudflareUrl": dns.cloudflare_url(),
                "hostingerUrl": dns.hostinger_url(),
                "resolver": dns.resolver_addr().to_string(),
                "authoritativePort": dns.authoritative_port(),
            })
        });
        addresses.unwrap_or(Value::Null)
    }

    /// The records of a zone as its vendor shows them.
    #[napi]
    pub fn dns_records(&self, zone: String) -> Result<Value> {
        self.with_dns(|dns| json(dns.records(&zone)))?
    }

    /// Adds a record by a foreign hand.
    #[napi]
    pub fn put_dns_record(&self, record: Value) -> Result<()> {
        let record: RecordIn = read("record", record)?;
        self.with_dns(|dns| dns.put_record(&record.zone, record.record()))
    }

    /// Removes the records of a name and type by a foreign hand.
    #[napi]
    pub fn remove_dns_record(&self, zone: String, name: String, record_type: String) -> Result<()> {
        self.with_dns(|dns| dns.remove_record(&zone, &name, &record_type))
    }

    /// Every request that the vendors' APIs got.
    #[napi]
    pub fn dns_requests(&self) -> Result<Vec<Value>> {
        self.with_dns(|dns| dns.requests().into_iter().map(shown).collect())
    }

    /// Adds a fault to the vendors' APIs.
    #[napi]
    pub fn dns_fault(&self, fault: Value) -> Result<()> {
        let fault: FaultIn = read("fault", fault)?;
        self.with_dns(|dns| dns.add_fault(fault.into()))
    }

    fn with_dns<R>(&self, act: impl FnOnce(&DnsSimulator) -> R) -> Result<R> {
        let dns = self.dns.lock().unwrap_or_else(PoisonError::into_inner);
        dns.as_ref().map(act).ok_or_else(|| failed("The simulator has no DNS, or is stopped"))
    }
}

fn shown(request: RecordedRequest) -> Value {
    let RecordedRequest { vendor, method, path, query, body, status } = request;
    let vendor = match vendor {
        Vendor::Cloudflare => "cloudflare",
        Vendor::Hostinger => "hostinger",
    };
    json!({ "vendor": vendor, "method": method, "path": path, "query": query, "body": body, "status": status })
}
