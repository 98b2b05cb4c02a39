//! What is said about missing variables (seed: Failure Example).

use crate::{DeployError, ErrorCode};
use indexmap::IndexMap;

/// Example values of names that are widely known.
const EXAMPLES: [(&str, &str); 42] = [
    ("ANTHROPIC_API_KEY", "sk-ant-xxx"),
    ("AUTH0_DOMAIN", "example.eu.auth0.com"),
    ("AWS_ACCESS_KEY_ID", "AKIAxxx"),
    ("AWS_REGION", "eu-west-1"),
    ("BETTER_AUTH_TRUSTED_ORIGINS", "https://app.example.com"),
    ("BETTER_AUTH_URL", "https://auth.example.com"),
    ("CLERK_PUBLISHABLE_KEY", "pk_live_xxx"),
    ("CLERK_SECRET_KEY", "sk_live_xxx"),
    ("CLOUDINARY_URL", "cloudinary://key:secret@cloud"),
    ("DATABASE_URL", "postgresql://user:password@host:5432/database"),
    ("DISCORD_WEBHOOK_URL", "https://discord.com/api/webhooks/xxx"),
    ("GEMINI_API_KEY", "AIzaxxx"),
    ("GITHUB_TOKEN", "ghp_xxx"),
    ("GOOGLE_API_KEY", "AIzaxxx"),
    ("GOOGLE_CLIENT_ID", "xxx.apps.googleusercontent.com"),
    ("GOOGLE_CLIENT_SECRET", "GOCSPX-xxx"),
    ("LINEAR_API_KEY", "lin_api_xxx"),
    ("LOG_LEVEL", "info"),
    ("MAILGUN_API_KEY", "key-xxx"),
    ("MAIL_FROM", "noreply@example.com"),
    ("NOTION_API_KEY", "secret_xxx"),
    ("OPENAI_API_KEY", "sk-xxx"),
    ("POSTHOG_KEY", "phc_xxx"),
    ("REDIS_URL", "redis://host:6379"),
    ("REPLICATE_API_TOKEN", "r8_xxx"),
    ("RESEND_API_KEY", "re_xxx"),
    ("SENDGRID_API_KEY", "SG.xxx"),
    ("SENTRY_DSN", "https://xxx@o0.ingest.sentry.io/0"),
    ("SLACK_BOT_TOKEN", "xoxb-xxx"),
    ("SLACK_WEBHOOK_URL", "https://hooks.slack.com/services/xxx"),
    ("SMTP_HOST", "smtp.example.com"),
    ("SMTP_PORT", "587"),
    ("STRIPE_API_KEY", "sk_live_xxx"),
    ("STRIPE_PUBLIC_KEY", "pk_live_xxx"),
    ("STRIPE_PUBLISHABLE_KEY", "pk_live_xxx"),
    ("STRIPE_SECRET_KEY", "sk_live_xxx"),
    ("STRIPE_WEBHOOK_SECRET", "whsec_xxx"),
    ("SUPABASE_URL", "https://xxx.supabase.co"),
    ("TELEGRAM_BOT_TOKEN", "123456:xxx"),
    ("TURNSTILE_SECRET_KEY", "0x4xxx"),
    ("TWILIO_ACCOUNT_SID", "ACxxx"),
    ("TWILIO_AUTH_TOKEN", "xxx"),
];

/// The error for all apps that miss variables, one block per app in the given order; `None` when none does.
///
/// It names its app where there is only one.
pub fn missing_env_error(missing: &IndexMap<String, Vec<String>>) -> Option<DeployError> {
    let concerned: Vec<(&String, &Vec<String>)> = missing.iter().filter(|(_, names)| !names.is_empty()).collect();
    let blocks: Vec<String> = concerned.iter().map(|(app, names)| block(app, names)).collect();
    if blocks.is_empty() {
        return None;
    }
    let by_app = concerned.iter().map(|(app, names)| ((*app).clone(), (*names).clone())).collect();
    let error = DeployError::new(ErrorCode::MissingEnv, blocks.join("\n\n"))
        .missing(by_app)
        .hint("Set them with the commands above, or pass them as `secrets` of the request");
    Some(match concerned.as_slice() {
        [(app, _)] => error.app(app.as_str()),
        _ => error,
    })
}

fn block(app: &str, names: &[String]) -> String {
    let commands: Vec<String> =
        names.iter().map(|name| format!("  gkm secrets set {app} {name}={}", example(name))).collect();
    format!(
        "Deployment failed: {app} is missing env vars: {}\n\nAdd them with:\n{}",
        names.join(", "),
        commands.join("\n")
    )
}

/// An example value; a public prefix does not change what a name means.
fn example(name: &str) -> &'static str {
    let bare = ["NEXT_PUBLIC_", "VITE_", "EXPO_PUBLIC_"].iter().find_map(|prefix| name.strip_prefix(prefix));
    let bare = bare.unwrap_or(name);
    EXAMPLES.iter().find(|(known, _)| *known == bare).map_or("<value>", |(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn one_app_reads_as_in_the_seed() {
        let missing = IndexMap::from([("auth".to_owned(), names(&["STRIPE_SECRET_KEY", "SENDGRID_API_KEY"]))]);
        let error = missing_env_error(&missing).unwrap();
        assert_eq!(
            error.message(),
            "Deployment failed: auth is missing env vars: STRIPE_SECRET_KEY, SENDGRID_API_KEY\n\nAdd them with:\n  \
             gkm secrets set auth STRIPE_SECRET_KEY=sk_live_xxx\n  gkm secrets set auth SENDGRID_API_KEY=SG.xxx"
        );
        assert_eq!((error.code(), error.app_name()), (ErrorCode::MissingEnv, Some("auth")));
        assert_eq!(error.missing_variables(), &missing);
    }

    #[test]
    fn several_apps_have_a_block_each() {
        let missing = IndexMap::from([
            ("auth".to_owned(), names(&["OUR_OWN"])),
            ("web".to_owned(), names(&[])),
            ("api".to_owned(), names(&["NEXT_PUBLIC_SENTRY_DSN"])),
        ]);
        let error = missing_env_error(&missing).unwrap();
        assert_eq!(
            error.message(),
            "Deployment failed: auth is missing env vars: OUR_OWN\n\nAdd them with:\n  gkm secrets set auth \
             OUR_OWN=<value>\n\nDeployment failed: api is missing env vars: NEXT_PUBLIC_SENTRY_DSN\n\nAdd them with:\n  \
             gkm secrets set api NEXT_PUBLIC_SENTRY_DSN=https://xxx@o0.ingest.sentry.io/0"
        );
        assert_eq!(error.app_name(), None);
    }

    #[test]
    fn nothing_missing_is_no_error() {
        assert!(missing_env_error(&IndexMap::from([("api".to_owned(), Vec::new())])).is_none());
    }
}
