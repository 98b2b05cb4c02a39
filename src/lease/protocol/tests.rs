use super::*;

const TERMS: LeaseTerms =
    LeaseTerms { term: Duration::from_mins(1), renewal: Duration::from_secs(20), grace: Duration::from_secs(10) };

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn at(elapsed: u64) -> Clocks {
    let server = OffsetDateTime::UNIX_EPOCH + seconds(1_000 + elapsed);
    Clocks { elapsed: seconds(elapsed), server_at_least: server, server_at_most: server + seconds(2) }
}

fn holder(run: &str, deadline: u64) -> LeaseHolder {
    LeaseHolder {
        machine: "ci".into(),
        process: 1,
        run: run.into(),
        started_at: "2026".into(),
        deadline: OffsetDateTime::UNIX_EPOCH + seconds(deadline),
    }
}

fn entry(run: &str, deadline: u64) -> Answer {
    Answer::Found(Some(Entry { id: "e".into(), holder: Some(holder(run, deadline)) }))
}

fn claim(dead: Option<&str>) -> Claim {
    Claim::begin(TERMS, holder("ours", 0), dead.into_iter().map(str::to_owned).collect(), at(0)).0
}

fn hold() -> Hold {
    match claim(None).answered(Answer::Made("e".into()), at(1)) {
        Next::Ours(hold) => hold,
        next => panic!("{next:?}"),
    }
}

#[test]
fn a_free_stage_takes_one_request() {
    let (mut claim, ask) = Claim::begin(TERMS, holder("ours", 0), Vec::new(), at(0));
    assert_eq!(ask, Ask::Make(holder("ours", 1_062)), "the deadline is that of the server's clock at the latest");
    assert!(matches!(claim.answered(Answer::Made("e".into()), at(1)), Next::Ours(hold) if hold.id() == "e"));
}

#[test]
fn a_holder_that_lives_is_named_and_one_without_a_name_refuses_as_well() {
    let mut claim = claim(None);
    assert_eq!(claim.answered(Answer::Refused, at(1)), Next::Ask(Ask::Look));
    assert_eq!(claim.answered(entry("other", 1_060), at(2)), Next::Theirs(Some(holder("other", 1_060))));
    assert_eq!(claim.again(at(50)), Ask::Look);
    let strange = Answer::Found(Some(Entry { id: "e".into(), holder: None }));
    assert_eq!(claim.answered(strange, at(51)), Next::Theirs(None));
}

#[test]
fn a_dead_holder_is_removed_before_ours_is_made() {
    let mut claim = claim(None);
    claim.answered(Answer::Refused, at(71));
    let removal = Next::Ask(Ask::Remove { id: "e".into() });
    assert_eq!(claim.answered(entry("other", 1_060), at(90)), removal);
    for answer in [Answer::Removed, Answer::Gone] {
        assert!(matches!(claim.clone().answered(answer, at(91)), Next::Ask(Ask::Make(_))));
    }
    assert_eq!(claim.answered(Answer::Lost, at(91)), Next::Ask(Ask::Look));
}

#[test]
fn what_counts_is_the_time_when_the_entry_was_asked_for() {
    let mut claim = claim(None);
    claim.answered(Answer::Refused, at(70));
    // It was not over yet when it was asked for: the holder may have renewed it since.
    assert!(matches!(claim.answered(entry("other", 1_060), at(500)), Next::Theirs(Some(_))));
}

#[test]
fn a_predecessor_that_is_known_to_be_dead_is_not_waited_for() {
    let mut claim = claim(Some("former"));
    claim.answered(Answer::Refused, at(1));
    assert_eq!(claim.answered(entry("former", 9_999), at(2)), Next::Ask(Ask::Remove { id: "e".into() }));
}

#[test]
fn a_lost_answer_is_looked_for_and_counts_from_when_it_was_first_sent() {
    let mut claim = claim(None);
    assert_eq!(claim.answered(Answer::Lost, at(30)), Next::Ask(Ask::Look));
    assert!(matches!(claim.answered(Answer::Found(None), at(40)), Next::Ask(Ask::Make(_))));
    assert_eq!(claim.answered(Answer::Refused, at(41)), Next::Ask(Ask::Look));
    let Next::Ours(mut hold) = claim.answered(entry("ours", 1_062), at(42)) else { panic!("not ours") };
    assert_eq!((hold.check(seconds(59)), hold.check(seconds(60))), (Ok(()), Err(End::Lapsed)));
}

#[test]
fn who_has_waited_long_begins_a_whole_term() {
    let mut claim = claim(None);
    assert_eq!(claim.answered(Answer::Refused, at(1)), Next::Ask(Ask::Look));
    assert!(matches!(claim.answered(entry("other", 1_060), at(2)), Next::Theirs(_)));
    claim.again(at(200));
    assert!(matches!(claim.answered(Answer::Found(None), at(201)), Next::Ask(Ask::Make(_))));
    let Next::Ours(mut hold) = claim.answered(Answer::Made("e".into()), at(202)) else { panic!("not ours") };
    assert_eq!((hold.check(seconds(260)), hold.check(seconds(261))), (Ok(()), Err(End::Lapsed)));
}

#[test]
fn a_lost_request_counts_until_it_cannot_take_effect_any_more() {
    let lost = |look: u64| {
        let mut claim = claim(None);
        claim.answered(Answer::Lost, at(5));
        assert!(matches!(claim.answered(entry("other", 1_060), at(6)), Next::Theirs(_)));
        claim.again(at(look));
        claim.answered(Answer::Found(None), at(look));
        match claim.answered(Answer::Made("e".into()), at(look)) {
            Next::Ours(hold) => hold,
            next => panic!("{next:?}"),
        }
    };
    assert_eq!(lost(14).check(seconds(60)), Err(End::Lapsed));
    assert_eq!(lost(15).check(seconds(74)), Ok(()));
}

#[test]
fn a_renewal_moves_the_term_to_when_it_was_sent() {
    let mut hold = hold();
    assert_eq!((hold.renewal_due_in(seconds(5)), hold.renewal_due_in(seconds(21))), (seconds(15), Duration::ZERO));
    assert_eq!(hold.renew(at(20)), Ask::Renew { id: "e".into(), holder: holder("ours", 1_082) });
    assert_eq!(hold.renewed(&Answer::Renewed, seconds(50)), Ok(()));
    assert_eq!((hold.check(seconds(79)), hold.check(seconds(80))), (Ok(()), Err(End::Lapsed)));
}

#[test]
fn a_renewal_that_says_nothing_or_comes_too_late_moves_nothing() {
    let mut hold = hold();
    hold.renew(at(20));
    assert_eq!(hold.renewed(&Answer::Lost, seconds(50)), Ok(()));
    hold.renew(at(50));
    assert_eq!(hold.renewed(&Answer::Renewed, seconds(60)), Err(End::Lapsed));
    assert_eq!(hold.check(seconds(61)), Err(End::Lapsed), "for good");
}

#[test]
fn a_lease_whose_entry_is_gone_is_over_at_once() {
    let mut hold = hold();
    hold.renew(at(20));
    assert_eq!(hold.renewed(&Answer::Gone, seconds(21)), Err(End::Taken));
    assert_eq!(hold.check(seconds(22)), Err(End::Taken));
    assert_eq!(hold.release(), Ask::Remove { id: "e".into() });
}
