//! What the protocol promises, in every order of events; and that breaking any of its rules breaks a promise.

use crate::model::{EXCLUSIVE, Flaw, INHERITED, SERVED, System};
use stateright::{Checker, HasDiscoveries, Model as _};

/// Two runs of which everything may take as long as it likes; neither gives the lease back.
fn contended(deaths: usize, losses: usize, flaw: Flaw) -> System {
    System { runs: 2, horizon: 7, deaths, losses, releases: false, prompt: false, flaw }
}

/// Three runs, of which one may die, and everything happens at once: so a time can be named by which all have been served.
fn prompt(flaw: Flaw) -> System {
    System { runs: 3, horizon: 16, deaths: 1, losses: 1, releases: true, prompt: true, flaw }
}

/// Tries every order of events, or as many as it takes to see a promise broken.
fn tried(system: System) -> impl Checker<System> {
    system.checker().finish_when(HasDiscoveries::AnyFailures).spawn_bfs().join()
}

#[test]
fn i11_two_runs_never_work_at_a_time() {
    for system in [contended(1, 0, Flaw::None), contended(0, 1, Flaw::None), prompt(Flaw::None)] {
        let checker = tried(system.clone());
        assert!(checker.unique_state_count() > 10_000, "{system:?}: {}", checker.unique_state_count());
        checker.assert_no_discovery(EXCLUSIVE);
        // It is no model of runs that never meet.
        checker.assert_any_discovery(INHERITED);
    }
}

#[test]
fn i11_a_dead_holder_is_replaced_and_nobody_waits_for_ever() {
    let checker = tried(prompt(Flaw::None));
    checker.assert_no_discovery(SERVED);
    checker.assert_any_discovery(INHERITED);
}

#[test]
fn i11_without_any_of_its_rules_two_runs_work_at_a_time() {
    for flaw in [
        Flaw::LateRenewalCounts,
        Flaw::RenewsWithoutComparing,
        Flaw::TermFromAnswer,
        Flaw::NeverLapses,
        Flaw::JudgesByAnswer,
        Flaw::DoesNotWait,
    ] {
        assert!(tried(contended(0, 0, flaw)).discovery(EXCLUSIVE).is_some(), "{flaw:?} does no harm");
    }
    // It takes two heirs.
    let flaw = Flaw::RemovesWhateverThereIs;
    assert!(tried(prompt(flaw)).discovery(EXCLUSIVE).is_some(), "{flaw:?} does no harm");
}

#[test]
fn i11_heirs_that_do_not_remove_the_dead_wait_for_ever() {
    let checker = tried(prompt(Flaw::MakesWithoutRemoving));
    assert!(checker.discovery(SERVED).is_some());
    checker.assert_no_discovery(EXCLUSIVE);
}
