//! What the parts of a stage's backups are called: pure.

use crate::aws::partition;
use crate::secrets::Entropy;
use serde_json::json;
use sha2::{Digest as _, Sha256};

/// The longest name of a bucket.
const LONGEST_BUCKET: usize = 63;

/// The longest name of a user.
const LONGEST_USER: usize = 64;

/// How many characters make a bucket's name unlike any other in the world.
const SUFFIX: usize = 6;

/// The name of the user's rights.
pub(super) const POLICY: &str = "DokployBackupAccess";

/// What the bucket's name begins with.
pub(super) fn bucket_prefix(workspace: &str, stage: &str) -> String {
    let rest = "-backups-".len() + SUFFIX;
    format!("{}-backups-", shorten(&format!("{}-{}", plain(workspace), plain(stage)), LONGEST_BUCKET - rest))
}

/// A name for the bucket that nobody has: the names of all buckets of the world differ.
pub(super) fn bucket(workspace: &str, stage: &str, entropy: &dyn Entropy) -> String {
    const LETTERS: &[u8; 32] = b"abcdefghijkmnopqrstuvwxyz0123456";
    let mut bytes = [0_u8; SUFFIX];
    entropy.fill(&mut bytes);
    let suffix = bytes.iter().map(|byte| char::from(LETTERS[usize::from(byte % 32)]));
    bucket_prefix(workspace, stage) + &suffix.collect::<String>()
}

/// The bucket's name in policies.
pub(super) fn bucket_arn(bucket: &str, region: &str) -> String {
    format!("arn:{}:s3:::{bucket}", partition(region).name)
}

/// The user that may write to the bucket.
pub(super) fn user(workspace: &str, stage: &str) -> String {
    shorten(&format!("dokploy-backup-{}-{}", plain(workspace), plain(stage)), LONGEST_USER)
}

/// The destination on the server.
pub(super) fn destination(workspace: &str, stage: &str) -> String {
    format!("{}-{stage}-s3", plain(workspace))
}

/// The folder in the bucket.
pub(super) fn folder(stage: &str) -> String {
    format!("{stage}/postgres")
}

/// The user's rights: the objects of the bucket, and nothing else.
pub(super) fn policy(bucket_arn: &str) -> String {
    let actions = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:ListBucket", "s3:GetBucketLocation"];
    let resources = [bucket_arn.to_owned(), format!("{bucket_arn}/*")];
    let statement = json!({ "Effect": "Allow", "Action": actions, "Resource": resources });
    json!({ "Version": "2012-10-17", "Statement": [statement] }).to_string()
}

/// Only what AWS allows everywhere: small letters, digits and hyphens.
fn plain(name: &str) -> String {
    let allowed = |c: char| if c.is_ascii_lowercase() || c.is_ascii_digit() { c } else { '-' };
    name.to_ascii_lowercase().chars().map(allowed).collect::<String>().trim_matches('-').to_owned()
}

/// A name that is too long loses its end, for which a piece of its hash stands.
fn shorten(name: &str, longest: usize) -> String {
    if name.len() <= longest {
        return name.to_owned();
    }
    let piece = hex::encode(&Sha256::digest(name)[..4]);
    let kept: String = name.chars().take(longest - piece.len() - 1).collect();
    format!("{}-{piece}", kept.trim_end_matches('-'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secrets::SystemEntropy;

    #[test]
    fn names_are_those_of_the_cli_and_always_allowed() {
        let bucket = bucket("My Shop", "staging", &SystemEntropy);
        assert_eq!(bucket.len(), "my-shop-staging-backups-".len() + 6);
        assert!(bucket.starts_with("my-shop-staging-backups-"), "{bucket}");
        assert_eq!(user("shop", "staging"), "dokploy-backup-shop-staging");
        assert_eq!(destination("shop", "staging"), "shop-staging-s3");
        assert_eq!(bucket_arn("b", "eu-central-1"), "arn:aws:s3:::b");
        assert_eq!(bucket_arn("b", "cn-north-1"), "arn:aws-cn:s3:::b");
        let long = "x".repeat(80);
        for stage in ["staging", "prod.eu_1", &long] {
            let (bucket, user) = (super::bucket(&long, stage, &SystemEntropy), user(&long, stage));
            assert!(bucket.len() <= 63 && user.len() <= 64, "{bucket} {user}");
            let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            assert!(bucket.chars().all(allowed) && user.chars().all(allowed), "{bucket} {user}");
        }
        assert_ne!(user(&long, "a"), user(&long, "b"), "two stages share a user");
        assert_ne!(super::bucket("a", "b", &SystemEntropy), super::bucket("a", "b", &SystemEntropy));
    }
}
