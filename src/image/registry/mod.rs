//! Asking a registry what a tag stands for.

mod challenge;
mod client;

pub use client::{RegistryClient, Resolution};
