use super::*;
use crate::ErrorCode;
use crate::deploy::apply::output::IfMade;
use crate::plan::Action;
use std::sync::{Arc, Mutex};
use std::time::Duration;

type Log = Arc<Mutex<Vec<String>>>;

fn plan(edges: &[(&str, &[&str])]) -> Blueprint {
    let mut blueprint = Blueprint::default();
    for (id, first) in edges {
        let mut step = Step::new(id, Action::Create, id, "test");
        step.depends_on = first.iter().map(|id| (*id).to_owned()).collect();
        blueprint.plan.steps.push(step);
    }
    blueprint
}

/// Each step sleeps a moment, fails where asked, and writes down when it begins and ends.
async fn sleep(step: &Step, fails: bool, log: Log) -> Result<StepOutcome<String>, DeployError> {
    log.lock().unwrap().push(format!("+{}", step.id));
    tokio::time::sleep(Duration::from_secs(1)).await;
    log.lock().unwrap().push(format!("-{}", step.id));
    if fails {
        Err(DeployError::new(ErrorCode::Internal, "as asked"))
    } else {
        Ok(StepOutcome::Changed(step.id.clone()))
    }
}

fn graph<'a>(blueprint: &'a Blueprint, fails: &[&str], log: &Log) -> Graph<'a> {
    let mut graph = Graph::default();
    for step in &blueprint.plan.steps {
        let (fails, log) = (fails.contains(&step.id.as_str()), Arc::clone(log));
        graph.add(step, WorkKind::Api, (), move |()| sleep(step, fails, log));
    }
    graph
}

async fn carry_out(blueprint: &Blueprint, fails: &[&str]) -> (Outcome, Vec<String>) {
    let log = Log::default();
    let graph = graph(blueprint, fails, &log);
    let silent = |_: DeployEvent| {};
    let cancel = CancellationToken::new();
    let outcome = run_graph(graph, blueprint, &silent, &cancel, Limits::default()).await;
    let log = log.lock().unwrap().clone();
    (outcome, log)
}

#[tokio::test(start_paused = true)]
async fn what_does_not_depend_on_each_other_runs_side_by_side() {
    let started = tokio::time::Instant::now();
    let (outcome, log) = carry_out(&plan(&[("a", &[]), ("b", &[]), ("c", &["a", "b"])]), &[]).await;
    assert_eq!(outcome.changed.len(), 3);
    assert_eq!(started.elapsed(), Duration::from_secs(2));
    assert_eq!(log.last().map(String::as_str), Some("-c"));
}

#[tokio::test(start_paused = true)]
async fn a_failed_step_stops_its_dependents_and_nothing_else() {
    let (outcome, log) =
        carry_out(&plan(&[("a", &[]), ("b", &["a"]), ("c", &["b"]), ("d", &[]), ("e", &["d"])]), &["a"]).await;
    assert_eq!(outcome.failed.keys().collect::<Vec<_>>(), ["a"]);
    assert_eq!(outcome.skipped.keys().collect::<Vec<_>>(), ["b", "c"]);
    assert_eq!(outcome.changed.iter().collect::<Vec<_>>(), ["d", "e"]);
    assert!(!log.contains(&"+b".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_step_goes_on_despite_the_failure_of_one_that_it_only_waits_for() {
    let mut blueprint = plan(&[("a", &[]), ("b", &[]), ("c", &["a", "b"]), ("d", &["c"]), ("e", &["a", "c"])]);
    blueprint.soft.insert("c".into(), vec!["a".into(), "b".into()]);
    let (outcome, log) = carry_out(&blueprint, &["a"]).await;
    assert_eq!(outcome.changed.iter().collect::<Vec<_>>(), ["b", "c", "d"]);
    assert_eq!(outcome.skipped.keys().collect::<Vec<_>>(), ["e"]);
    let at = |entry: &str| log.iter().position(|it| it == entry).unwrap();
    assert!(at("+c") > at("-a") && at("+c") > at("-b"));
}

#[tokio::test(start_paused = true)]
async fn i10_a_cancelled_run_ends_at_once() {
    let cancel = CancellationToken::new();
    cancel.cancel();
    let blueprint = plan(&[("a", &[])]);
    let silent = |_: DeployEvent| {};
    let graph = graph(&blueprint, &[], &Log::default());
    let outcome = run_graph(graph, &blueprint, &silent, &cancel, Limits::default()).await;
    assert!(outcome.cancelled && outcome.changed.is_empty());
}

#[tokio::test(start_paused = true)]
async fn i10_what_was_done_before_a_run_was_cancelled_is_known() {
    let cancel = CancellationToken::new();
    let blueprint = plan(&[("a", &[]), ("b", &["a"]), ("c", &["b"])]);
    let stop = cancel.clone();
    let after_b = move |event: DeployEvent| {
        if matches!(&event, DeployEvent::StepFinished { step, .. } if step == "b") {
            stop.cancel();
        }
    };
    let graph = graph(&blueprint, &[], &Log::default());
    let outcome = run_graph(graph, &blueprint, &after_b, &cancel, Limits::default()).await;
    assert_eq!(outcome.changed.iter().collect::<Vec<_>>(), ["a", "b"]);
    assert!(outcome.cancelled && outcome.skipped.is_empty() && outcome.failed.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_step_runs_after_those_whose_values_it_is_given_whatever_the_plan_says() {
    let blueprint = plan(&[("a", &[]), ("b", &[]), ("c", &[])]);
    let [a, b, c] = blueprint.plan.steps.as_slice() else { panic!("three steps") };
    let log = Log::default();
    let mut graph = Graph::default();
    let (first, second, third) = (Arc::clone(&log), Arc::clone(&log), Arc::clone(&log));
    let made = graph.add(a, WorkKind::Api, (), move |()| sleep(a, false, first));
    let failed = graph.add(b, WorkKind::Api, (), move |()| sleep(b, true, second));
    let joined =
        graph.add(c, WorkKind::Api, (made.clone(), IfMade(Some(failed.clone()))), move |(made, failed)| async move {
            third.lock().unwrap().push(format!("{made} {failed:?}"));
            Ok(StepOutcome::Changed(made))
        });
    let silent = |_: DeployEvent| {};
    let cancel = CancellationToken::new();
    let outcome = run_graph(graph, &blueprint, &silent, &cancel, Limits::default()).await;
    assert_eq!((made.get().as_deref(), failed.get(), joined.get().as_deref()), (Some("a"), None, Some("a")));
    assert_eq!(outcome.failed.keys().collect::<Vec<_>>(), ["b"]);
    assert_eq!(log.lock().unwrap().last().map(String::as_str), Some("a None"));
}

#[tokio::test(start_paused = true)]
async fn a_step_never_runs_without_a_value_that_it_is_given_even_where_the_plan_lets_it_go_on() {
    let mut blueprint = plan(&[("a", &[]), ("b", &["a"])]);
    blueprint.soft.insert("b".into(), vec!["a".into()]);
    let [a, b] = blueprint.plan.steps.as_slice() else { panic!("two steps") };
    let log = Log::default();
    let mut graph = Graph::default();
    let (first, second) = (Arc::clone(&log), Arc::clone(&log));
    let failed = graph.add(a, WorkKind::Api, (), move |()| sleep(a, true, first));
    graph.add(b, WorkKind::Api, failed, move |_| sleep(b, false, second));
    let silent = |_: DeployEvent| {};
    let cancel = CancellationToken::new();
    let outcome = run_graph(graph, &blueprint, &silent, &cancel, Limits::default()).await;
    assert_eq!(outcome.skipped.keys().collect::<Vec<_>>(), ["b"]);
}

#[tokio::test(start_paused = true)]
async fn a_step_that_only_waits_until_another_serves_runs_beside_the_rest_of_it() {
    let mut blueprint = plan(&[("a", &[]), ("b", &["a"]), ("c", &["a"])]);
    blueprint.early.insert("b".into(), vec!["a".into()]);
    let [a, b, c] = blueprint.plan.steps.as_slice() else { panic!("three steps") };
    let log = Log::default();
    let mut graph = Graph::default();
    let (first, second, third) = (Arc::clone(&log), Arc::clone(&log), Arc::clone(&log));
    let serves = graph.serves(a);
    graph.add(a, WorkKind::Api, (), move |()| async move {
        first.lock().unwrap().push("+a".to_owned());
        tokio::time::sleep(Duration::from_secs(1)).await;
        serves.tell();
        serves.tell();
        tokio::time::sleep(Duration::from_secs(5)).await;
        first.lock().unwrap().push("-a".to_owned());
        Err::<StepOutcome<()>, _>(DeployError::new(ErrorCode::Internal, "it served, and did not stay"))
    });
    graph.add(b, WorkKind::Api, (), move |()| sleep(b, false, second));
    graph.add(c, WorkKind::Api, (), move |()| sleep(c, false, third));
    let silent = |_: DeployEvent| {};
    let outcome = run_graph(graph, &blueprint, &silent, &CancellationToken::new(), Limits::default()).await;
    assert_eq!(*log.lock().unwrap(), ["+a", "+b", "-b", "-a"]);
    assert_eq!(outcome.changed.iter().map(String::as_str).collect::<Vec<_>>(), ["b"]);
    assert_eq!((outcome.failed.len(), outcome.skipped.keys().map(String::as_str).collect::<Vec<_>>()), (1, vec!["c"]));
}

#[tokio::test(start_paused = true)]
async fn a_step_that_is_given_a_value_waits_for_it_whatever_serves() {
    let mut blueprint = plan(&[("a", &[]), ("b", &["a"])]);
    blueprint.early.insert("b".into(), vec!["a".into()]);
    let [a, b] = blueprint.plan.steps.as_slice() else { panic!("two steps") };
    let log = Log::default();
    let mut graph = Graph::default();
    let (first, second) = (Arc::clone(&log), Arc::clone(&log));
    let serves = graph.serves(a);
    let made = graph.add(a, WorkKind::Api, (), move |()| {
        serves.tell();
        sleep(a, false, first)
    });
    graph.add(b, WorkKind::Api, made, move |_| sleep(b, false, second));
    let silent = |_: DeployEvent| {};
    run_graph(graph, &blueprint, &silent, &CancellationToken::new(), Limits::default()).await;
    assert_eq!(*log.lock().unwrap(), ["+a", "-a", "+b", "-b"]);
}
