use crate::course::Course;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn baseline() {
    for access in ["external-port", "internal"] {
        let course = Course::start(Duration::from_millis(50)).await;
        for lap in ["first", "second"] {
            let lap_ = course.deploy(course.request(access)).await;
            println!("== {access} {lap}: {:?}, {} requests", lap_.took, lap_.exchanges.len());
            let mut all: Vec<(std::time::Instant, String)> = Vec::new();
            let start = lap_.exchanges.iter().map(|e| e.sent).min().unwrap();
            for e in &lap_.exchanges {
                let b: String = e.body.chars().take(60).collect();
                all.push((e.sent, format!("{} {} {} {b} ({:?})", e.method, e.path, e.query, e.answered - e.sent)));
            }
            for (at, e) in &lap_.events {
                let text: String = format!("{e:?}").chars().take(110).collect();
                all.push((*at, format!("      # {text}")));
            }
            all.sort();
            for (at, t) in all {
                println!("{:6} {t}", at.saturating_duration_since(start).as_millis());
            }
        }
    }
}
