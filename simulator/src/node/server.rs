//! A running simulator, as JavaScript holds it.

use super::options::Options;
use super::{failed, read};
use crate::dns::DnsSimulator;
use crate::postgres::PostgresBackend;
use crate::{Fault, Image, Simulator};
use napi::Result;
use napi_derive::napi;
use serde::Serialize;
use serde_json::Value;
use std::sync::{Mutex, PoisonError};

/// A Dokploy server, its databases, and the DNS around it.
#[napi]
pub struct NativeSimulator {
    /// Empty once it is stopped.
    server: Mutex<Option<Simulator>>,
    databases: Option<PostgresBackend>,
    pub(super) dns: Mutex<Option<DnsSimulator>>,
}

/// Starts a simulator.
#[napi]
pub async fn start_simulator(options: Value) -> Result<NativeSimulator> {
    let options: Options = read("options", options)?;
    let databases = options.databases().map_err(failed)?;
    let dns = match options.dns() {
        Some(builder) => Some(builder.start().await.map_err(failed)?),
        None => None,
    };
    let server = options.server(databases.as_ref()).start().await.map_err(failed)?;
    Ok(NativeSimulator { server: Mutex::new(Some(server)), databases, dns: Mutex::new(dns) })
}

#[napi]
impl NativeSimulator {
    /// The base URL.
    #[napi]
    pub fn url(&self) -> Result<String> {
        self.with(|server| server.url().to_owned())
    }

    /// The owner's API key.
    #[napi]
    pub fn token(&self) -> Result<String> {
        self.with(|server| server.token().to_owned())
    }

    /// Every request so far, in the order of arrival.
    #[napi]
    pub fn requests(&self) -> Result<Value> {
        self.with(|server| json(server.requests()))?
    }

    /// Every departure of a request from the API's published schema.
    #[napi]
    pub fn violations(&self) -> Result<Vec<String>> {
        self.with(Simulator::violations)
    }

    /// Adds a fault.
    #[napi]
    pub fn fault(&self, fault: Value) -> Result<()> {
        let fault: Fault = read("fault", fault)?;
        self.with(|server| server.fault(fault))
    }

    /// Removes all faults.
    #[napi]
    pub fn clear_faults(&self) -> Result<()> {
        self.with(Simulator::clear_faults)
    }

    /// Declares an image.
    #[napi]
    pub fn image(&self, image: Value) -> Result<()> {
        let image: Image = read("image", image)?;
        self.with(|server| server.image(image))
    }

    /// Makes every image of a registry private.
    #[napi]
    pub fn registry(&self, host: String, username: String, password: String) -> Result<()> {
        self.with(|server| server.registry(&host, &username, &password))
    }

    /// Everything the server knows.
    #[napi]
    pub fn snapshot(&self) -> Result<Value> {
        self.with(Simulator::snapshot)
    }

    /// Every state an application was in.
    #[napi]
    pub fn history(&self, app_name: String) -> Result<Vec<Value>> {
        self.with(|server| server.history(&app_name))
    }

    /// Changes fields of an application's record.
    #[napi]
    pub fn edit_application(&self, application_id: String, fields: Value) -> Result<bool> {
        self.with(|server| server.edit_application(&application_id, fields))
    }

    /// Adds an application that somebody else made.
    #[napi]
    pub fn create_application(&self, environment_id: String, name: String) -> Result<String> {
        self.with(|server| server.create_application(&environment_id, &name))
    }

    /// Deletes an application behind the caller's back.
    #[napi]
    pub fn delete_application(&self, application_id: String) -> Result<bool> {
        self.with(|server| server.delete_application(&application_id))
    }

    /// Stops an application's containers behind the caller's back.
    #[napi]
    pub fn stop_application(&self, application_id: String) -> Result<bool> {
        self.with(|server| server.stop_application(&application_id))
    }

    /// Restarts the Dokploy server.
    #[napi]
    pub fn restart_server(&self) -> Result<()> {
        self.with(Simulator::restart_server)
    }

    /// Where the real database of a Postgres service listens, behind its door: `address:port`.
    #[napi]
    pub async fn database_address(&self, app_name: String) -> Result<String> {
        let databases = self.databases.as_ref().ok_or_else(|| failed("The simulator has no real databases"))?;
        databases.address(&app_name).await.map(|address| address.to_string()).map_err(failed)
    }

    /// Stops everything; again does nothing.
    #[napi]
    pub async fn stop(&self) {
        let server = self.server.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(server) = server {
            server.shutdown().await;
        }
        self.dns.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    fn with<R>(&self, act: impl FnOnce(&Simulator) -> R) -> Result<R> {
        let server = self.server.lock().unwrap_or_else(PoisonError::into_inner);
        server.as_ref().map(act).ok_or_else(|| failed("The simulator is stopped"))
    }
}

pub(super) fn json(value: impl Serialize) -> Result<Value> {
    serde_json::to_value(value).map_err(failed)
}
