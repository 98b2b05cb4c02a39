//! Whose key it is, what it may do, and the registries that the server is logged in to.

use crate::server::{Reply, Server, TOKEN};
use deploy_native::ErrorCode;
use deploy_native::dokploy::{Call, CreateRegistry, Dokploy, KeyPermissions, check_contract};
use deploy_native::secrets::Secret;
use deploy_native_simulator::Simulator;
use serde_json::json;

fn client(simulator: &Simulator, token: &str) -> Dokploy {
    Dokploy::new(simulator.url(), &Secret::new(token)).unwrap()
}

fn may_everything(permissions: KeyPermissions) -> bool {
    serde_json::to_value(permissions).unwrap().as_object().unwrap().values().all(|may| *may == true)
}

#[tokio::test]
async fn a_server_says_its_version_whose_key_it_is_and_what_it_may_do() {
    let simulator =
        Simulator::builder().token(TOKEN).member_token("member").granted_token("granted").start().await.unwrap();
    let owner = client(&simulator, TOKEN).identify().await.unwrap();
    assert_eq!((owner.version.as_str(), owner.endpoint.as_str()), ("v0.30.2", simulator.url()));
    assert_eq!((owner.user.role.as_str(), owner.user.email.as_str()), ("owner", "owner@example.test"));
    assert!(may_everything(owner.permissions));
    let granted = client(&simulator, "granted").identify().await.unwrap();
    let mut lacks = owner.permissions;
    (lacks.see_containers, lacks.registries) = (false, false);
    assert_eq!((granted.user.role.as_str(), granted.permissions), ("member", lacks));
    let member = client(&simulator, "member").identify().await.unwrap().permissions;
    assert!(!member.create_projects && !member.create_services && !member.delete_services && !member.see_containers);
    let error = client(&simulator, "wrong").identify().await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::DokployUnauthorized);
    assert!(error.message().contains(simulator.url()), "{error}");
    assert_eq!(error.endpoint_url(), Some(simulator.url()));
    assert!(simulator.mutations().is_empty());
}

#[tokio::test]
async fn a_server_without_the_call_for_permissions_is_judged_by_role_and_grants() {
    for (role, granted, expected) in [("owner", false, true), ("member", true, true), ("member", false, false)] {
        let server = Server::start(move |request, _| match request.path.as_str() {
            "/api/settings.getDokployVersion" => Reply::json(200, &json!("v0.29.5")),
            "/api/user.get" => Reply::json(
                200,
                &json!({ "role": role, "organizationId": "o", "canCreateProjects": granted,
                    "user": { "id": "u", "email": "a@b.c" } }),
            ),
            "/api/user.getPermissions" => Reply::json(
                404,
                &json!({ "message": "Not found", "code": "NOT_FOUND",
                    "data": { "code": "NOT_FOUND", "httpStatus": 404, "zodError": null } }),
            ),
            _ => Reply::json(200, &json!([])),
        })
        .await;
        let permissions = server.client().identify().await.unwrap().permissions;
        assert_eq!(permissions.create_projects, expected, "{role} {granted}");
    }
}

#[tokio::test]
async fn the_calls_are_those_of_the_servers_document() {
    let simulator = Simulator::builder().token(TOKEN).start().await.unwrap();
    let document = client(&simulator, TOKEN).settings().open_api_document().await.unwrap();
    assert_eq!(check_contract(&document, Call::IDENTITY), []);
}

#[tokio::test]
async fn a_registry_is_made_and_a_login_that_it_refuses_is_told() {
    let simulator =
        Simulator::builder().token(TOKEN).registry("registry.test", "ci", "registry-canary").start().await.unwrap();
    let client = client(&simulator, TOKEN);
    let make = async |registry_url: &str, password: &str| {
        let password = Secret::new(password);
        let create = CreateRegistry { registry_name: "ours", username: "ci", password: &password, registry_url };
        client.registry().log_in(&create).await
    };
    let error = make("registry.test", "wrong-canary").await.unwrap_err();
    assert_eq!((error.code(), error.reason_name()), (ErrorCode::ImageRegistry, Some("login-refused")));
    assert!(!format!("{error} {:?}", error.log_tail()).contains("canary"), "{error:?}");
    let made = make("https://registry.test/org", "registry-canary").await.unwrap();
    let listed = client.registry().all().await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!((&listed[0].registry_id, listed[0].registry_url.as_str()), (&made.registry_id, "registry.test"));
    assert!(!format!("{listed:?}").contains("canary"));
}
