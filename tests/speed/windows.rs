//! Stability windows of apps that depend on each other: side by side, not in a row.

use deploy_native_test_support::measure::ChainTimes;

#[tokio::test(flavor = "multi_thread")]
async fn i7_a_chain_of_three_apps_takes_one_window_and_not_three() {
    let times = ChainTimes::measure(8).await;
    assert!(times.watched >= times.window, "i7: the window is kept: {times:?}");
    // Three windows in a row would be more than twice as long.
    assert!(times.ratio_in_a_row() > 2.0 && times.ratio() <= 1.2, "{times:?}");
}
