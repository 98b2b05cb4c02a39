//! Asking a registry what a tag stands for, and whether it takes a login.

mod challenge;
mod client;
mod connection;

pub use client::{LoginCheck, RegistryClient, Resolution};
