//! What is tried, and from which images.

use crate::plan::DesiredRegistry;

/// A port of a service on the server's network.
#[derive(Debug, Clone)]
pub(crate) struct Endpoint {
    /// The service's name there.
    pub(crate) host: String,
    /// The port.
    pub(crate) port: u16,
}

impl Endpoint {
    /// As the script takes it.
    pub(super) fn target(&self) -> String {
        format!("{} {}", self.host, self.port)
    }
}

/// An image in which a program may be found that connects.
#[derive(Debug, Clone)]
pub(crate) struct ProbeImage {
    /// The image.
    pub(crate) image: String,
    /// The login that pulls it.
    pub(crate) registry: Option<DesiredRegistry>,
    /// Where something is known to listen: where that does not answer either, silence says nothing.
    pub(crate) control: Option<Endpoint>,
}
