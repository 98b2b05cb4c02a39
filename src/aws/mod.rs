//! Amazon Web Services, and what speaks their protocols: one client that signs, credentials as the AWS tools find them.
//!
//! Signing and the chain of credentials are `reqsign`'s; its files, processes and requests are ours (`context.rs`), so that
//! there is one HTTP stack and every wait has a limit.

mod call;
mod client;
mod context;
mod credentials;
mod failure;
mod iam;
mod options;
mod s3;
mod service;
mod ssm;

pub(crate) use call::AwsCall;
pub(crate) use client::AwsClient;
pub(crate) use failure::AwsError;
pub(crate) use iam::{Iam, NewKey};
pub use options::{AwsEnvironment, AwsKeys, AwsOptions};
pub(crate) use s3::{Condition, S3, S3Address};
pub(crate) use service::{Service, partition};
pub(crate) use ssm::{IfExists, Parameter, Put, Ssm};
