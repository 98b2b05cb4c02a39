//! The cancel sweep: the token fires at every step's boundary, and at any moment.

use crate::flight::Flight;
use crate::interruption::at_event;
use crate::reference::{points, sample, say, tried};
use deploy_native::ErrorCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long a cancelled run may take to reject (I10).
const REJECTION: Duration = Duration::from_secs(2);
/// How long each cancelled run took to reject.
static REJECTIONS: Mutex<Vec<Duration>> = Mutex::new(Vec::new());

/// When the token fires.
#[derive(Debug, Clone, Copy)]
enum Moment {
    /// At an event: every step begins and ends with one.
    Event(usize),
    /// After a while.
    After(Duration),
}

#[tokio::test(flavor = "multi_thread")]
async fn i10_a_run_that_is_cancelled() {
    let mut moments = points(Flight::ALL, |reference| (1..=reference.events).map(Moment::Event).collect()).await;
    moments.extend((1..40).map(|n| (Flight::First, Moment::After(Duration::from_millis(37 * n)))));
    let faults = tried("cancelled", sample(moments, 7, 1), |(flight, moment)| cancelled(flight, moment)).await;
    let mut times = REJECTIONS.lock().unwrap().clone();
    times.sort();
    if let Some(longest) = times.last() {
        let at = |percent: usize| times[(times.len() - 1) * percent / 100];
        let (half, most) = (at(50), at(90));
        say(&format!("time to rejection of {} runs: median {half:?}, 90 % {most:?}, longest {longest:?}", times.len()));
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

async fn cancelled(flight: Flight, moment: Moment) -> Result<(), String> {
    let (world, known) = flight.start().await;
    let mut options = world.options();
    let fired: Arc<Mutex<Option<Instant>>> = Arc::default();
    let fire = {
        let (cancel, fired) = (options.cancel.clone(), Arc::clone(&fired));
        move || {
            fired.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(Instant::now);
            cancel.cancel();
        }
    };
    match moment {
        Moment::Event(nth) => options.events = at_event(nth, fire),
        Moment::After(while_) => {
            tokio::spawn(async move {
                tokio::time::sleep(while_).await;
                fire();
            });
        }
    }
    let result = flight.run(flight.request(&world), options).await;
    let fired = *fired.lock().unwrap();
    if let Err(error) = result {
        let took = fired.ok_or_else(|| format!("it failed by itself: {error:?}"))?.elapsed();
        REJECTIONS.lock().unwrap().push(took);
        if error.code() != ErrorCode::Cancelled {
            return Err(format!("i10: it fails with {error:?}"));
        }
        if took > REJECTION {
            return Err(format!("i10: it takes {took:?} to reject"));
        }
    }
    // At once: the next run waits for what the cancelled one still cleans up.
    flight.converges(&world, &known).await
}
