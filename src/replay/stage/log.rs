//! What a hotline in this process logs, at every level: kept to be searched for what must not be there.

use std::fmt::{self, Write as _};
use std::sync::{Arc, Mutex, PoisonError};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::DefaultGuard;
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt};

/// The log of this thread, as long as it lives.
pub(super) struct Log {
    text: Arc<Mutex<String>>,
    _kept: DefaultGuard,
}

impl Log {
    /// Keeps from now on what this thread logs.
    pub fn keep() -> Self {
        let text = Arc::new(Mutex::new(String::new()));
        let keeper = Keeper { text: Arc::clone(&text) };
        let kept = tracing::subscriber::set_default(tracing_subscriber::registry().with(keeper));
        Self { text, _kept: kept }
    }

    /// Everything so far.
    pub fn text(&self) -> String {
        self.text.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

struct Keeper {
    text: Arc<Mutex<String>>,
}

impl Keeper {
    fn keep(&self, name: &str, record: impl FnOnce(&mut Line)) {
        let mut line = Line(name.to_owned());
        record(&mut line);
        let mut text = self.text.lock().unwrap_or_else(PoisonError::into_inner);
        text.push_str(&line.0);
        text.push('\n');
    }
}

impl<S: Subscriber> Layer<S> for Keeper {
    fn on_new_span(&self, attributes: &Attributes<'_>, _: &Id, _: Context<'_, S>) {
        self.keep(attributes.metadata().name(), |line| attributes.record(line));
    }

    fn on_record(&self, _: &Id, values: &Record<'_>, _: Context<'_, S>) {
        self.keep("", |line| values.record(line));
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        self.keep(event.metadata().target(), |line| event.record(line));
    }
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // How long something took may be any digits.
        if !field.name().starts_with("elapsed") {
            // Writing into a String cannot fail.
            let _ = write!(self.0, " {}={value:?}", field.name());
        }
    }
}
