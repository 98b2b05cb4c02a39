//! The services that we call: where they are, and for which region a request is signed.

/// A service of AWS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Service {
    /// DNS.
    Route53,
    /// Systems Manager, of which we use the parameter store.
    Ssm,
    /// Objects.
    S3,
    /// Users and their rights.
    Iam,
}

/// A part of AWS with accounts of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Partition {
    /// Its name in resource names (ARNs).
    pub(crate) name: &'static str,
    /// The end of its host names.
    pub(crate) suffix: &'static str,
}

/// The partition of a region.
pub(crate) fn partition(region: &str) -> Partition {
    match region.split('-').next() {
        Some("cn") => Partition { name: "aws-cn", suffix: "amazonaws.com.cn" },
        Some("us") if region.starts_with("us-gov-") => Partition { name: "aws-us-gov", suffix: "amazonaws.com" },
        _ => Partition { name: "aws", suffix: "amazonaws.com" },
    }
}

impl Service {
    /// The name for which a request is signed.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Route53 => "route53",
            Self::Ssm => "ssm",
            Self::S3 => "s3",
            Self::Iam => "iam",
        }
    }

    /// The name in prose.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Route53 => "Route 53",
            Self::Ssm => "AWS Parameter Store",
            Self::S3 => "S3",
            Self::Iam => "AWS IAM",
        }
    }

    /// The variable with which the AWS tools give another address.
    pub(super) const fn endpoint_variable(self) -> &'static str {
        match self {
            Self::Route53 => "AWS_ENDPOINT_URL_ROUTE_53",
            Self::Ssm => "AWS_ENDPOINT_URL_SSM",
            Self::S3 => "AWS_ENDPOINT_URL_S3",
            Self::Iam => "AWS_ENDPOINT_URL_IAM",
        }
    }

    /// The region for which a request is signed; two services have one for a whole partition.
    pub(super) fn signing_region(self, region: &str) -> String {
        let one = match (self, partition(region).name) {
            (Self::Route53, "aws-cn") => "cn-northwest-1",
            (Self::Iam, "aws-cn") => "cn-north-1",
            (Self::Route53 | Self::Iam, "aws-us-gov") => "us-gov-west-1",
            (Self::Route53 | Self::Iam, _) => "us-east-1",
            (Self::Ssm | Self::S3, _) => region,
        };
        one.to_owned()
    }

    /// The service's own address.
    pub(super) fn address(self, region: &str) -> String {
        let partition = partition(region);
        let host = match (self, partition.name) {
            (Self::Route53, "aws-us-gov") => "route53.us-gov".to_owned(),
            (Self::Route53, _) => "route53".to_owned(),
            (Self::Iam, "aws-cn") => "iam.cn-north-1".to_owned(),
            (Self::Iam, "aws-us-gov") => "iam.us-gov".to_owned(),
            (Self::Iam, _) => "iam".to_owned(),
            (Self::Ssm, _) => format!("ssm.{region}"),
            (Self::S3, _) => format!("s3.{region}"),
        };
        format!("https://{host}.{}", partition.suffix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_partition_has_its_addresses_and_regions() {
        let of = |service: Service, region: &str| (service.address(region), service.signing_region(region));
        let expected = |address: &str, region: &str| (address.to_owned(), region.to_owned());
        assert_eq!(of(Service::Route53, "eu-west-1"), expected("https://route53.amazonaws.com", "us-east-1"));
        assert_eq!(of(Service::Route53, "cn-north-1"), expected("https://route53.amazonaws.com.cn", "cn-northwest-1"));
        assert_eq!(of(Service::Iam, "us-gov-east-1"), expected("https://iam.us-gov.amazonaws.com", "us-gov-west-1"));
        assert_eq!(of(Service::Ssm, "eu-west-1"), expected("https://ssm.eu-west-1.amazonaws.com", "eu-west-1"));
        assert_eq!(of(Service::S3, "cn-north-1"), expected("https://s3.cn-north-1.amazonaws.com.cn", "cn-north-1"));
        assert_eq!(partition("us-gov-west-1").name, "aws-us-gov");
        assert_eq!(partition("us-east-1").name, "aws");
    }
}
