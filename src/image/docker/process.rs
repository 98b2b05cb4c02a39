//! A program that is run with a stream for its input, its lines passed on while it runs, and nothing left of it after.

use crate::image::builder::LogLine;
use crate::system;
use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::process::{ExitStatus, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};

/// How many of the last lines an error shows.
const TAIL_LINES: usize = 40;

/// Longer lines are passed on in pieces.
const LONGEST_LINE: usize = 8 * 1024;

/// How long output is waited for that a program's children still hold open after it has ended.
const GRACE: Duration = Duration::from_secs(2);

/// Writes a program's input; runs on a thread of its own, and sees a broken pipe once the program is gone.
pub(super) type Input = Box<dyn FnOnce(File) -> io::Result<()> + Send>;

/// How a program ended.
#[derive(Debug)]
pub(super) struct Finished {
    pub(super) status: ExitStatus,
    /// The last lines of its output and of its errors.
    pub(super) tail: String,
    /// Why its input could not be written whole.
    pub(super) input: Option<io::Error>,
}

/// Why a program did not end by itself.
#[derive(Debug)]
pub(super) enum Unfinished {
    /// It could not be started.
    NotStarted(io::Error),
    /// It could not be waited for.
    Lost(io::Error),
    /// It took longer than it may; it was killed. The last lines of what it said are with it.
    TooLong { tail: String },
}

/// Runs a program in a process group of its own. The group is killed when the time is over and when the future is dropped.
pub(super) async fn run(
    mut command: Command,
    input: Option<Input>,
    time: Duration,
    on_line: LogLine<'_>,
) -> Result<Finished, Unfinished> {
    let stdin = if input.is_some() { Stdio::piped() } else { Stdio::null() };
    command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    system::own_group(&mut command);
    let mut group = ProcessGroup(command.spawn().map_err(Unfinished::NotStarted)?);
    let writer = match (input, group.0.stdin.take()) {
        (Some(input), Some(stdin)) => {
            let pipe = system::input_of(stdin).map_err(Unfinished::Lost)?;
            Some(tokio::task::spawn_blocking(move || input(pipe)))
        }
        _ => None,
    };
    let tail = Mutex::new(VecDeque::new());
    let take = |line: &str| {
        let mut tail = tail.lock().unwrap_or_else(PoisonError::into_inner);
        if tail.len() == TAIL_LINES {
            tail.pop_front();
        }
        tail.push_back(line.to_owned());
        on_line(line);
    };
    let ended = tokio::time::timeout(time, wait(&mut group.0, &take)).await;
    let told = || Vec::from(tail.lock().unwrap_or_else(PoisonError::into_inner).clone()).join("\n");
    let Ok(status) = ended else { return Err(Unfinished::TooLong { tail: told() }) };
    let status = status.map_err(Unfinished::Lost)?;
    drop(group);
    let input = match writer {
        Some(writer) => writer.await.unwrap_or_else(|error| Err(io::Error::other(error))).err(),
        None => None,
    };
    Ok(Finished { status, tail: told(), input })
}

/// Passes both outputs on until the program has ended and they are closed.
async fn wait(child: &mut Child, take: &(dyn Fn(&str) + Sync)) -> io::Result<ExitStatus> {
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let output = async { tokio::join!(pass_on(stdout, take), pass_on(stderr, take)) };
    tokio::pin!(output);
    tokio::select! {
        _ = &mut output => child.wait().await,
        status = child.wait() => {
            // What a surviving child of it may still say is not waited for any longer.
            let _ = tokio::time::timeout(GRACE, output).await;
            status
        }
    }
}

/// Passes each line on; a carriage return ends one as well.
async fn pass_on(reader: Option<impl AsyncRead + Unpin>, take: &(dyn Fn(&str) + Sync)) {
    let Some(mut reader) = reader else { return };
    let (mut chunk, mut line) = (vec![0; LONGEST_LINE], Vec::new());
    while let Ok(length @ 1..) = reader.read(&mut chunk).await {
        for byte in &chunk[..length] {
            if matches!(byte, b'\n' | b'\r') || line.len() == LONGEST_LINE {
                finish(&mut line, take);
            }
            if !matches!(byte, b'\n' | b'\r') {
                line.push(*byte);
            }
        }
    }
    finish(&mut line, take);
}

fn finish(line: &mut Vec<u8>, take: &(dyn Fn(&str) + Sync)) {
    if !line.is_empty() {
        take(&String::from_utf8_lossy(line));
        line.clear();
    }
}

/// Kills a process and all that it started when dropped, unless it has ended.
struct ProcessGroup(Child);

impl Drop for ProcessGroup {
    fn drop(&mut self) {
        // `id` is there as long as the process was not waited for, so that its number cannot be another's.
        if let Some(leader) = self.0.id() {
            system::kill_group(leader);
        }
    }
}
