//! How servers are reached over HTTP. Every client is made here, so all of them trust the same certificates and go
//! through the same proxies: those that are set for Node.js.
//!
//! | variable | what it does |
//! |---|---|
//! | `NODE_EXTRA_CA_CERTS` | a PEM file of authorities that are trusted besides the system's |
//! | `SSL_CERT_FILE`, `SSL_CERT_DIR` | a PEM file, folders of them: in place of the system's on Linux, besides them elsewhere |
//! | `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` | the proxy for `https:` addresses, for `http:` addresses, for either |
//! | `NO_PROXY` | what is reached without a proxy: hosts with all below them, `host:port`, addresses, networks, `*` |
//!
//! The names of proxies count in lower case, too. This machine itself is always reached without a proxy. Where a Linux system
//! has no certificates at all, as slim container images, Mozilla's are taken, which Node.js has built in.

mod certificates;
mod failure;
mod proxy;
mod settings;
mod system;

pub(crate) use failure::{Explanation, Lasting};
pub use settings::HttpSettings;
