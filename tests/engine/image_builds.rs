//! Apps whose images are built anew in every run: what they run with is looked at all the same.

use async_trait::async_trait;
use deploy_native::DeployError;
use deploy_native::deploy::{AppStatus, DeployReport, DeployRequest, deploy};
use deploy_native::image::{BuiltImage, ImageBuild, ImageBuilder, LogLine};
use deploy_native_test_support::{Moment, World, image};
use serde_json::{Value, json};
use std::sync::Arc;

/// A builder that cannot say what makes an image unchanged, and gives the same one every time.
struct Same;

#[async_trait]
impl ImageBuilder for Same {
    async fn fingerprint(&self, _: &ImageBuild) -> Result<Option<String>, DeployError> {
        Ok(None)
    }

    async fn build(&self, build: &ImageBuild, _: LogLine<'_>) -> Result<BuiltImage, DeployError> {
        Ok(BuiltImage::new(image(&build.app, "1")))
    }
}

/// The light workspace, its images built.
struct Built(World);

impl Built {
    async fn start() -> Self {
        let built = Self(World::start().await);
        let report = built.deploy(built.request()).await;
        assert!(report.apps.iter().all(|app| app.changed && app.status == AppStatus::Running), "{report:#?}");
        built
    }

    fn request(&self) -> Value {
        let mut request = self.0.light();
        request.as_object_mut().unwrap().remove("images");
        request["workspace"]["deploy"]["dokploy"]["registry"] = json!("registry.test/shop");
        request
    }

    async fn deploy(&self, request: Value) -> DeployReport {
        let mut options = self.0.options();
        options.image_builder = Some(Arc::new(Same));
        Box::pin(deploy(DeployRequest::from_json(request).unwrap(), options)).await.unwrap()
    }

    /// The applications that were deployed since a moment.
    fn deployed_since(&self, moment: &Moment) -> Vec<String> {
        let sent = self.0.sent_since(moment).into_iter().filter(|(endpoint, _)| endpoint == "application.deploy");
        sent.map(|(_, body)| body["applicationId"].as_str().unwrap().to_owned()).collect()
    }

    /// Deploys again; `jobs` is to be put right, and nothing else.
    async fn puts_jobs_right(&self) {
        let before = self.0.moment();
        let report = self.deploy(self.request()).await;
        assert!(report.apps.iter().all(|app| app.status == AppStatus::Running), "{report:#?}");
        assert_eq!(self.deployed_since(&before), [self.0.application_id("jobs")]);
        let (running, env) = self.0.runs("jobs").unwrap();
        assert_eq!((running, env["GREETING"].as_str(), env.get("EXTRA")), (image("jobs", "1"), "hello", None));
        let before = self.0.moment();
        self.deploy(self.request()).await;
        self.0.assert_untouched_since(&before);
    }
}

#[tokio::test]
async fn i9_a_build_that_gives_the_same_image_restarts_nothing() {
    let built = Built::start().await;
    let before = built.0.moment();
    let report = built.deploy(built.request()).await;
    assert!(report.apps.iter().all(|app| app.status == AppStatus::Running), "{report:#?}");
    built.0.assert_untouched_since(&before);
}

#[tokio::test]
async fn i9_an_environment_edited_by_hand_is_put_back() {
    let built = Built::start().await;
    let edited = json!({ "env": "GREETING=\"edited\"\nEXTRA=1\n" });
    assert!(built.0.simulator.edit_application(&built.0.application_id("jobs"), edited));
    built.puts_jobs_right().await;
}

#[tokio::test]
async fn i7_an_environment_that_somebody_deployed_by_hand_is_put_back() {
    let built = Built::start().await;
    let id = built.0.application_id("jobs");
    assert!(built.0.simulator.edit_application(&id, json!({ "env": "GREETING=\"edited\"\nEXTRA=1\n" })));
    built.0.somebody_posts("application.deploy", json!({ "applicationId": id, "title": "by hand" })).await;
    while built.0.runs("jobs").is_none_or(|(_, env)| env["GREETING"] != "edited") {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    built.puts_jobs_right().await;
}

#[tokio::test]
async fn an_image_changed_by_hand_is_put_back() {
    let built = Built::start().await;
    let edited = json!({ "dockerImage": image("jobs", "2") });
    assert!(built.0.simulator.edit_application(&built.0.application_id("jobs"), edited));
    built.puts_jobs_right().await;
}

#[tokio::test]
async fn a_login_changed_by_hand_is_put_back() {
    let built = Built::start().await;
    let edited = json!({ "registryUrl": "elsewhere.test", "username": "somebody", "password": "else" });
    assert!(built.0.simulator.edit_application(&built.0.application_id("jobs"), edited));
    built.puts_jobs_right().await;
    assert_eq!(built.0.application("jobs")["username"], Value::Null);
}

#[tokio::test]
async fn a_changed_value_is_deployed_with_the_same_image() {
    let built = Built::start().await;
    let mut request = built.request();
    request["secrets"] = json!({ "shared": { "GREETING": "hello" }, "apps": { "jobs": { "GREETING": "good day" } } });
    let before = built.0.moment();
    built.deploy(request).await;
    assert_eq!(built.deployed_since(&before), [built.0.application_id("jobs")]);
    assert_eq!(built.0.runs("jobs").unwrap().1["GREETING"], "good day");
}
