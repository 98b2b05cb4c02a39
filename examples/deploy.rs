//! Embeds the crate without Node.js: plans a deployment from a request in JSON, and prints the steps.
//!
//! ```sh
//! cargo run --example deploy -- request.json
//! ```

use deploy_native::DeployEvent;
use deploy_native::deploy::{DeployRequest, RunOptions, plan};
use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(text) => {
            println(&text);
            ExitCode::SUCCESS
        }
        Err(error) => {
            println(&error.to_string());
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<String, Box<dyn Error>> {
    let path = std::env::args().nth(1).ok_or("Usage: deploy REQUEST.json")?;
    let request = DeployRequest::from_json(serde_json::from_slice(&std::fs::read(path)?)?)?;
    let options = RunOptions::default().events(Arc::new(|event: DeployEvent| println(&format!("{event:?}"))));
    let plan = plan(request, options).await?;
    let steps = plan.steps.iter().map(|step| format!("{:?} {}: {}", step.action, step.resource, step.reason));
    Ok(steps.collect::<Vec<_>>().join("\n"))
}

#[expect(clippy::print_stdout, reason = "an example talks to people")]
fn println(text: &str) {
    println!("{text}");
}
