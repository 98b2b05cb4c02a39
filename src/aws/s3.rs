//! Objects in a bucket, at AWS or at a service that speaks the same protocol.

use super::call::{AwsCall, AwsReply};
use super::client::{AwsClient, encode};
use super::failure::AwsError;
use super::options::AwsOptions;
use super::service::Service;
use crate::{DeployError, ErrorCode};
use bytes::Bytes;
use quick_xml::de::from_str;
use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, IF_MATCH, IF_NONE_MATCH};
use serde::Deserialize;
use url::Url;

/// How the address of a bucket is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum S3Address {
    /// The bucket is the first part of the path.
    Path,
    /// The bucket is the first part of the host name.
    Host,
}

/// A bucket.
pub(crate) struct S3 {
    client: AwsClient,
    /// What stands before a key: `/`, or `/bucket/`.
    root: String,
    region: String,
}

/// An object, and which one it is.
#[derive(Debug)]
pub(crate) struct Object {
    pub(crate) body: Bytes,
    /// Changes with the content.
    pub(crate) etag: String,
}

/// What must hold for a write to be made.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Condition<'a> {
    /// There is no such object.
    Absent,
    /// It is still this one.
    Unchanged(&'a str),
    /// Nothing.
    None,
}

/// A version of an object, or the mark that it was deleted.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Version {
    pub(crate) key: String,
    pub(crate) version_id: String,
}

/// A page of versions.
#[derive(Debug, Default, Deserialize)]
struct Versions {
    #[serde(rename = "Version", default)]
    versions: Vec<Version>,
    #[serde(rename = "DeleteMarker", default)]
    markers: Vec<Version>,
}

impl S3 {
    /// Prepares calls to a bucket.
    ///
    /// # Errors
    ///
    /// `INVALID_REQUEST` when the address or the name makes no URL.
    pub(crate) fn new(bucket: &str, address: S3Address, options: &AwsOptions) -> Result<Self, DeployError> {
        let client = AwsClient::new(Service::S3, options)?;
        let region = options.region_or_default();
        if address == S3Address::Path {
            return Ok(Self { client, root: format!("/{}/", encode(bucket, false)), region });
        }
        let mut base: Url = client.base().clone();
        let host = format!("{bucket}.{}", base.host_str().unwrap_or_default());
        base.set_host(Some(&host)).map_err(|_| {
            DeployError::new(ErrorCode::InvalidRequest, format!("`{bucket}` cannot be the name of a bucket"))
        })?;
        Ok(Self { client: client.at(base), root: "/".to_owned(), region })
    }

    /// Where the service is, without the bucket where that is part of the path.
    pub(crate) fn endpoint(&self) -> String {
        self.client.base().as_str().trim_end_matches('/').to_owned()
    }

    fn key(&self, key: &str) -> String {
        format!("{}{}", self.root, encode(key, true))
    }

    /// Reads an object; `None` when there is none.
    pub(crate) async fn get(&self, key: &str) -> Result<Option<Object>, AwsError> {
        match self.client.send(&AwsCall::new("GetObject", Method::GET, self.key(key))).await {
            Err(error) if error.is("NoSuchKey") => Ok(None),
            Ok(reply) => Ok(Some(Object { etag: etag(&reply, "GetObject")?, body: reply.body })),
            Err(error) => Err(error),
        }
    }

    /// Writes an object; returns which one it is. A condition that does not hold is the failure 412 or 409.
    pub(crate) async fn put(&self, key: &str, body: Bytes, condition: Condition<'_>) -> Result<String, AwsError> {
        let call = AwsCall::new("PutObject", Method::PUT, self.key(key))
            .header(CONTENT_TYPE, "application/json")
            .body(body)
            .once();
        let call = match condition {
            Condition::Absent => call.header(IF_NONE_MATCH, "*"),
            Condition::Unchanged(etag) => call.header(IF_MATCH, etag),
            Condition::None => call,
        };
        etag(&self.client.send(&call).await?, call.operation)
    }

    /// Whether the bucket exists and is ours to use.
    pub(crate) async fn exists(&self) -> Result<bool, AwsError> {
        match self.client.send(&AwsCall::new("HeadBucket", Method::HEAD, self.root.clone())).await {
            Err(error) if error.is_not_found() => Ok(false),
            reply => reply.map(|_| true),
        }
    }

    /// Makes the bucket; one of ours that exists is no failure.
    pub(crate) async fn create(&self) -> Result<(), AwsError> {
        let place = match self.region.as_str() {
            // The one region that must not be named.
            "us-east-1" => String::new(),
            region => format!(
                "<CreateBucketConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><LocationConstraint>{}\
                 </LocationConstraint></CreateBucketConfiguration>",
                quick_xml::escape::escape(region)
            ),
        };
        match self.client.send(&AwsCall::new("CreateBucket", Method::PUT, self.root.clone()).body(place)).await {
            Err(error) if error.is("BucketAlreadyOwnedByYou") => Ok(()),
            reply => reply.map(drop),
        }
    }

    /// Keeps every version of its objects.
    pub(crate) async fn enable_versioning(&self) -> Result<(), AwsError> {
        let body = "<VersioningConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Status>Enabled</Status>\
                    </VersioningConfiguration>";
        let call = AwsCall::new("PutBucketVersioning", Method::PUT, self.root.clone()).query("versioning", "");
        self.client.send(&call.body(body)).await.map(drop)
    }

    /// The first page of every version of every object, and of the marks that one was deleted; empty when there is none.
    pub(crate) async fn first_versions(&self) -> Result<Vec<Version>, AwsError> {
        let call = AwsCall::new("ListObjectVersions", Method::GET, self.root.clone()).query("versions", "");
        let reply = self.client.send(&call).await?;
        let page: Result<Versions, _> = from_str(&reply.text());
        let page = page.map_err(|_| AwsError::malformed(Service::S3, call.operation))?;
        Ok(page.versions.into_iter().chain(page.markers).collect())
    }

    /// Deletes a version of an object for good.
    pub(crate) async fn delete_version(&self, version: &Version) -> Result<(), AwsError> {
        let call = AwsCall::new("DeleteObject", Method::DELETE, self.key(&version.key));
        self.client.send(&call.query("versionId", &version.version_id)).await.map(drop)
    }

    /// Deletes the bucket, which must be empty; one that is gone is no failure.
    pub(crate) async fn delete(&self) -> Result<(), AwsError> {
        match self.client.send(&AwsCall::new("DeleteBucket", Method::DELETE, self.root.clone())).await {
            Err(error) if error.is("NoSuchBucket") => Ok(()),
            reply => reply.map(drop),
        }
    }
}

fn etag(reply: &AwsReply, operation: &'static str) -> Result<String, AwsError> {
    reply.header("etag").map(str::to_owned).ok_or_else(|| AwsError::malformed(Service::S3, operation))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_has_an_address_of_either_form() {
        let options = AwsOptions { region: Some("eu-west-1".to_owned()), ..AwsOptions::default() };
        let host = S3::new("state", S3Address::Host, &options).unwrap();
        assert_eq!(host.client.base().as_str(), "https://state.s3.eu-west-1.amazonaws.com/");
        assert_eq!(host.key("a b/ü.json"), "/a%20b/%C3%BC.json");
        let path = S3::new("state", S3Address::Path, &options).unwrap();
        assert_eq!(path.client.base().as_str(), "https://s3.eu-west-1.amazonaws.com/");
        assert_eq!(path.key("x"), "/state/x");
        assert!(S3::new("a b", S3Address::Host, &options).is_err());
    }

    #[test]
    fn a_page_of_versions_is_read() {
        let page: Versions = from_str(
            "<ListVersionsResult><IsTruncated>true</IsTruncated>\
             <Version><Key>a</Key><VersionId>1</VersionId><IsLatest>true</IsLatest></Version>\
             <DeleteMarker><Key>b</Key><VersionId>2</VersionId></DeleteMarker>\
             <Version><Key>c</Key><VersionId>3</VersionId></Version></ListVersionsResult>",
        )
        .unwrap();
        let keys = |versions: &[Version]| versions.iter().map(|version| version.key.clone()).collect::<Vec<_>>();
        assert_eq!((keys(&page.versions), keys(&page.markers)), (vec!["a".into(), "c".into()], vec!["b".into()]));
        let none: Versions = from_str("<ListVersionsResult></ListVersionsResult>").unwrap();
        assert!(none.versions.is_empty() && none.markers.is_empty());
    }
}
