//! What clients are made with.

use super::certificates::{self, Trust};
use super::failure::{self, Explanation};
use super::proxy::Proxies;
use crate::{DeployError, ErrorCode};
use reqwest::{Client, ClientBuilder};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, OnceLock};
use url::Url;

/// Changes how a client is made.
type Customize = Arc<dyn Fn(ClientBuilder) -> ClientBuilder + Send + Sync>;

/// How servers are reached over HTTP: through which proxies, and which certificates are trusted. Cheap to clone.
///
/// The default takes both from the environment, as the module says, when the first client is made.
///
/// ```
/// use deploy_native::http::HttpSettings;
/// use std::net::IpAddr;
///
/// let outbound: IpAddr = "192.0.2.4".parse()?;
/// let settings = HttpSettings::default().customized(move |builder| builder.local_address(outbound));
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[derive(Clone, Default)]
pub struct HttpSettings {
    variables: Option<Arc<BTreeMap<String, String>>>,
    customize: Option<Customize>,
    shared: Arc<OnceLock<Shared>>,
}

/// What all clients share, once the variables are read.
struct Shared {
    proxies: Proxies,
    trust: Trust,
}

impl HttpSettings {
    /// Takes these variables in place of the environment's.
    pub fn from_variables<Name, Value>(variables: impl IntoIterator<Item = (Name, Value)>) -> Self
    where
        Name: Into<String>,
        Value: Into<String>,
    {
        let variables = variables.into_iter().map(|(name, value)| (name.into(), value.into()));
        Self { variables: Some(Arc::new(variables.collect())), ..Self::default() }
    }

    /// Lets `customize` have the last word on every client: headers, addresses to connect from, other certificates.
    ///
    /// Redirects and timeouts are already set then; changing them is at your own risk, as a redirect can carry a token away.
    #[must_use]
    pub fn customized(mut self, customize: impl Fn(ClientBuilder) -> ClientBuilder + Send + Sync + 'static) -> Self {
        self.customize = Some(Arc::new(customize));
        self
    }

    /// Makes a client; `setup` sets what the one who uses it needs.
    ///
    /// # Errors
    ///
    /// `INVALID_REQUEST` with the reason `proxy` for a proxy that is none, `INTERNAL` when TLS cannot be set up.
    pub(crate) fn client(&self, setup: impl FnOnce(ClientBuilder) -> ClientBuilder) -> Result<Client, DeployError> {
        let shared = self.shared()?;
        let proxies = shared.proxies.clone();
        let proxy = reqwest::Proxy::custom(move |url| proxies.of(url).map(|proxy| proxy.url.clone()));
        let builder = Client::builder()
            .user_agent(concat!("deploy-native/", env!("CARGO_PKG_VERSION")))
            .tls_backend_preconfigured(shared.trust.config.clone())
            .proxy(proxy);
        let builder = setup(builder);
        let builder = match &self.customize {
            Some(customize) => customize(builder),
            None => builder,
        };
        builder.build().map_err(|error| unusable(&error.without_url()))
    }

    /// Explains why a request to an address got no response.
    pub(crate) fn explain(&self, error: &reqwest::Error, url: &Url) -> Explanation {
        let mut explanation = failure::explain(error, url.host_str().unwrap_or_default());
        let Some(shared) = self.shared.get() else { return explanation };
        if let Some(lasting) = explanation.lasting.as_mut().filter(|lasting| lasting.reason == "certificate") {
            for note in &shared.trust.notes {
                lasting.hint.push_str(". ");
                lasting.hint.push_str(note);
            }
        }
        if let Some(proxy) = shared.proxies.of(url) {
            let Explanation { message, lasting } = explanation;
            let message = format!("{message} (through the proxy {} of {})", proxy.place(), proxy.variable);
            return Explanation { message, lasting };
        }
        explanation
    }

    fn shared(&self) -> Result<&Shared, DeployError> {
        if let Some(shared) = self.shared.get() {
            return Ok(shared);
        }
        let variable = |name: &str| self.variable(name);
        let trust = certificates::load(variable).map_err(|error| unusable(&error))?;
        let made = Shared { proxies: Proxies::read(variable)?, trust };
        Ok(self.shared.get_or_init(|| made))
    }

    /// A variable that is set to something.
    fn variable(&self, name: &str) -> Option<String> {
        let value = match &self.variables {
            Some(given) => given.get(name).cloned(),
            None => std::env::var(name).ok(),
        };
        value.filter(|value| !value.trim().is_empty())
    }
}

impl fmt::Debug for HttpSettings {
    /// Without the variables: an address of a proxy can hold a password.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("HttpSettings").field("customized", &self.customize.is_some()).finish_non_exhaustive()
    }
}

fn unusable(error: &(dyn std::error::Error + 'static)) -> DeployError {
    DeployError::new(ErrorCode::Internal, "The HTTP client could not be set up").caused_by(error)
}
