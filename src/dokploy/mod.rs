//! The client of Dokploy's HTTP API.
