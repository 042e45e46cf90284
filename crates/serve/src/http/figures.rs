//! Metrics out of the backend's status: quality of what came in, dead letters, sizes.
//!
//! The status is the one place that knows them; here they only get names. A figure of a stream that
//! a status has not is a metric that is not there; a size that it has not is 0.

use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};
use serde_json::Value as Json;

type Figure = Gauge<f64, AtomicU64>;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Stream {
    stream: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StreamFigure {
    stream: String,
    figure: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct View {
    view: String,
}

/// Gauges that follow the status.
#[derive(Debug, Default)]
pub struct Figures {
    quality: Family<StreamFigure, Figure>,
    letters: Family<Stream, Figure>,
    beyond_windows: Family<View, Figure>,
    keys: Figure,
    state: Figure,
    log: Figure,
}

impl Figures {
    /// Registers all of them.
    pub fn register(&self, registry: &mut Registry) {
        registry.register("quality", "What decoding met, by figure", self.quality.clone());
        registry.register(
            "dead_letters_open",
            "Neither replayed nor given up",
            self.letters.clone(),
        );
        let beyond = self.beyond_windows.clone();
        registry.register("beyond_windows", "Events that no window of a view reaches", beyond);
        registry.register("state_keys", "Keys with state", self.keys.clone());
        registry.register_with_unit("state", "State", Unit::Bytes, self.state.clone());
        registry.register_with_unit("log", "Log and archive", Unit::Bytes, self.log.clone());
    }

    /// Takes the figures of a status.
    pub fn refresh(&self, status: &Json) {
        for kind in ["streams", "tables"] {
            for (name, source) in entries(&status[kind]) {
                let letters = Stream { stream: name.clone() };
                set(&self.letters, letters, &source["dead_letters_open"]);
                for (figure, value) in entries(&source["quality"]) {
                    let labels = StreamFigure { stream: name.clone(), figure: figure.clone() };
                    set(&self.quality, labels, value);
                }
            }
        }
        for (name, view) in entries(&status["views"]) {
            set(&self.beyond_windows, View { view: name.clone() }, &view["beyond_windows"]);
        }
        let sizes = [
            (&self.keys, &status["state"]["keys"]),
            (&self.state, &status["state"]["bytes"]),
            (&self.log, &status["log"]["bytes"]),
        ];
        for (gauge, value) in sizes {
            gauge.set(value.as_f64().unwrap_or(0.0));
        }
    }
}

fn entries(object: &Json) -> impl Iterator<Item = (&String, &Json)> {
    object.as_object().into_iter().flatten()
}

/// Sets a gauge where the figure is a number.
fn set<L>(family: &Family<L, Figure>, labels: L, value: &Json)
where
    L: Clone + std::hash::Hash + Eq + std::fmt::Debug,
{
    if let Some(value) = value.as_f64() {
        family.get_or_create(&labels).set(value);
    }
}
