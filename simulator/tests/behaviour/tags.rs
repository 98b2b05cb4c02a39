//! Tags: the one name that is unique.

use deploy_native_simulator::{Fault, FaultAction, Simulator};
use serde_json::{Value, json};

use crate::api::{Answer, Api, SCALE};

const CONTENDERS: usize = 8;

async fn create(api: &Api, color: &str) -> Answer {
    api.post("tag.create", json!({ "name": "lease", "color": color })).await
}

fn id(answer: &Answer) -> &str {
    answer.1["tagId"].as_str().unwrap()
}

#[tokio::test]
async fn of_creates_at_once_one_succeeds_and_the_others_see_the_databases_words() {
    let api = Api::fast().await;
    for round in 0..5 {
        let colors: Vec<String> = (0..CONTENDERS).map(|index| format!("{round}-{index}")).collect();
        let answers = futures_util::future::join_all(colors.iter().map(|color| create(&api, color))).await;
        let (made, refused): (Vec<&Answer>, Vec<&Answer>) = answers.iter().partition(|(status, _)| *status == 200);
        assert_eq!((made.len(), refused.len()), (1, CONTENDERS - 1));
        for (status, body) in refused {
            let message = body["message"].as_str().unwrap();
            assert_eq!((*status, &body["code"]), (400, &json!("BAD_REQUEST")));
            assert!(message.starts_with("Error creating tag: Failed query: insert into \"tag\""), "{message}");
        }
        let (_, listed) = api.get("tag.all", &[]).await;
        assert_eq!(listed, json!([made[0].1]));
        assert_eq!(api.post("tag.remove", json!({ "tagId": id(made[0]) })).await, (200, json!({ "success": true })));
    }
}

#[tokio::test]
async fn a_tag_is_changed_and_removed_by_its_id() {
    let api = Api::fast().await;
    let first = create(&api, "a").await;
    let changed = api.post("tag.update", json!({ "tagId": id(&first), "color": "b" })).await;
    assert_eq!((changed.0, &changed.1["color"], &changed.1["name"]), (200, &json!("b"), &json!("lease")));
    api.post("tag.remove", json!({ "tagId": id(&first) })).await;
    let second = create(&api, "c").await;
    assert_ne!(id(&first), id(&second));
    for (call, verb) in [("tag.update", "update"), ("tag.remove", "delete")] {
        let (status, body) = api.post(call, json!({ "tagId": id(&first), "color": "d" })).await;
        let message = format!("Tag not found or you don't have permission to {verb} it");
        assert_eq!((status, &body["message"], &body["data"]["path"]), (404, &json!(message), &json!(call)));
    }
    assert_eq!(api.get("tag.all", &[]).await.1[0]["color"], "c");
}

#[tokio::test]
async fn who_comes_between_the_servers_look_and_its_change_is_not_noticed() {
    // The server's pause between the two has to be long for a test to come between.
    let api = Api::start(Simulator::builder().time_scale(50.0)).await;
    let made = create(&api, "a").await;
    let body = json!({ "tagId": id(&made), "color": "b" });
    let between = async {
        tokio::time::sleep(std::time::Duration::from_millis(850)).await;
        assert!(api.simulator.remove_tag("lease"));
    };
    let (updated, removed, ()) =
        futures_util::join!(api.post("tag.update", body.clone()), api.post("tag.remove", body), between);
    assert_eq!(updated, (200, Value::String(String::new())));
    assert_eq!(removed, (200, json!({ "success": true })));
}

#[tokio::test]
async fn a_member_reads_tags_and_makes_none() {
    let api = Api::start(Simulator::builder().time_scale(SCALE).granted_token("member")).await;
    create(&api, "a").await;
    let with_key = |request: reqwest::RequestBuilder| {
        request.header("x-api-key", "member").header("content-type", "application/json")
    };
    let client = reqwest::Client::new();
    let listed = with_key(client.get(format!("{}/api/tag.all", api.simulator.url()))).send().await.unwrap();
    assert_eq!(listed.json::<Value>().await.unwrap()[0]["color"], "a");
    let refused = with_key(client.post(format!("{}/api/tag.create", api.simulator.url())));
    let refused = refused.body(r#"{"name":"x"}"#).send().await.unwrap();
    assert_eq!(refused.status(), 401);
    assert_eq!(refused.json::<Value>().await.unwrap()["code"], "UNAUTHORIZED");
}

#[tokio::test]
async fn faults_reach_tags_as_well() {
    let api = Api::fast().await;
    api.simulator.fault(Fault::new("tag.create", FaultAction::LandLater { millis: 50 }));
    assert!(api.try_post("tag.create", json!({ "name": "lease" })).await.is_err());
    assert_eq!(api.get("tag.all", &[]).await.1, json!([]));
    crate::api::wait_for("the tag", async || (api.simulator.remove_tag("lease")).then_some(())).await;
}
