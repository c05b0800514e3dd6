//! A hotline that runs: real webhooks, signed as its platforms sign them.

use std::time::{Duration, Instant};

use ureq::Agent;

use crate::clock::Clock;
use crate::dialog::explore::Rule;
use crate::replay::phone::{Answer, Webhook};
use crate::replay::play::Stage;
use crate::replay::transcript::{Dialect, Fault, Truth};

/// As long as a platform waits.
const PATIENCE: Duration = Duration::from_secs(15);

/// A hotline that runs somewhere.
pub struct Remote {
    url: String,
    agent: Agent,
}

impl Remote {
    /// The one at `url`.
    #[must_use]
    pub fn new(url: &str) -> Self {
        let agent = Agent::config_builder().http_status_as_error(false).timeout_global(Some(PATIENCE)).build();
        Self { url: url.trim_end_matches('/').to_owned(), agent: Agent::new_with_config(agent) }
    }

    /// Whether a hotline answers there.
    ///
    /// # Errors
    /// None does: why.
    pub fn greet(&self) -> Result<(), String> {
        match self.agent.get(format!("{}/healthz", self.url)).call() {
            Ok(response) if response.status().is_success() => Ok(()),
            Ok(response) => Err(format!("{} answers {}: is it a hotline?", self.url, response.status())),
            Err(e) => Err(format!("no hotline answers at {}: {e}", self.url)),
        }
    }
}

impl Stage for Remote {
    async fn send(&mut self, webhook: &Webhook) -> Result<(Answer, Duration), String> {
        let mut request = self.agent.post(format!("{}{}", self.url, webhook.path));
        for (name, value) in &webhook.headers {
            request = request.header(*name, value);
        }
        // One call is played by one thread, which has nothing else to do.
        let sent = Instant::now();
        let mut response = request.send(webhook.body.as_str()).map_err(|e| format!("no answer: {e}"))?;
        let kind = response.headers().get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let (status, kind) = (response.status().as_u16(), kind.to_owned());
        let body = response.body_mut().read_to_string().map_err(|e| format!("the answer broke off: {e}"))?;
        Ok((Answer { status, kind, body }, sent.elapsed()))
    }

    fn clock(&self) -> Clock {
        Clock::system()
    }

    /// Its clock is its own.
    fn pass(&mut self, _: Duration) {}

    /// Steps are sealed.
    fn place(&self, _: Dialect, _: &str, _: &str) -> Option<String> {
        None
    }

    fn holds(&self, _: Rule, _: &str, _: Option<(Dialect, &str, &str)>) -> Result<(), String> {
        Ok(())
    }

    async fn suffer(&mut self, _: Fault) -> Result<(), String> {
        Err("this can only be done to a hotline in process".to_owned())
    }

    /// What is behind it cannot be seen from here.
    async fn check(&mut self, _: &Truth) -> Result<(), String> {
        Ok(())
    }
}
