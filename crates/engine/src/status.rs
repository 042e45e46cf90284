//! The state of an engine as JSON: every source, view and file, for people and for metrics.

use std::sync::atomic::Ordering;

use headwater_store::online::EpochId;
use serde_json::{Map, Value as Json, json};

use crate::contract::text_of_instant;
use crate::open::OpenReport;
use crate::ownership::Owner;
use crate::shared::Shared;
use crate::sources::Definition;
use crate::state::State;

/// Everything that `status` shows.
pub fn status(
    shared: &Shared,
    covered: Option<EpochId>,
    owner: &Owner,
    report: &OpenReport,
) -> Json {
    let open_letters = shared.letters.read().open_counts();
    let failure = shared.failure.read().clone();
    let (segments, log_bytes) = {
        let segments = shared.segments.read();
        (segments.len(), segments.iter().map(|segment| segment.bytes).sum::<u64>())
    };
    let state = shared.state.read();
    let (mut streams, mut tables) = (Map::new(), Map::new());
    for source in 0..shared.sources.len() {
        let definition = shared.sources.get(source);
        let letters = open_letters.get(definition.name()).copied().unwrap_or(0);
        let told = source_status(&state, source, &definition, letters);
        match definition {
            Definition::Stream(_) => streams.insert(definition.name().to_string(), told),
            Definition::Table(_) => tables.insert(definition.name().to_string(), told),
        };
    }
    json!({
        "namespace": shared.namespace,
        "epoch": {"term": state.epoch.term, "sequence": state.epoch.sequence},
        "durable": shared.files.durable(),
        "ready": failure.is_none() && !shared.closed.load(Ordering::Acquire),
        "failure": failure.map(|error| error.to_string()),
        "owner": {"pid": owner.pid, "term": owner.term, "address": owner.address},
        "streams": streams,
        "tables": tables,
        "views": views(shared, &state),
        "state": {
            "keys": state.keys(),
            "bytes": state.bytes_used(),
            "spaces": spaces(shared, &state),
        },
        "log": {"bytes": log_bytes, "segments": segments},
        "checkpoint": covered.map(|epoch| json!({"term": epoch.term, "sequence": epoch.sequence})),
        "opening": report.to_json(),
    })
}

fn source_status(state: &State, source: usize, definition: &Definition, letters: u64) -> Json {
    let facts = &state.sources[source];
    let lateness_us = match definition {
        Definition::Stream(stream) => stream.lateness_us,
        Definition::Table(_) => 0,
    };
    let watermark = facts.newest_event_at.map(|at| at - lateness_us);
    json!({
        "positions": {"0": [0, facts.next_offset]},
        "accepted": facts.accepted,
        "duplicates": facts.duplicates,
        "rejected": facts.rejected,
        "rejected_total": facts.rejected.values().sum::<u64>(),
        "dead_letters_open": letters,
        "sealed_at": facts.sealed_at.map(text_of_instant),
        "watermark": watermark.map(text_of_instant),
        "newest_event_at": facts.newest_event_at.map(text_of_instant),
        "arrivals_simulated": facts.simulated,
        "quality": {
            "not_finite": facts.not_finite,
            "unknown_values": facts.unknown_values,
            "unknown_columns": facts.unknown_names,
            "rounded": facts.rounded,
            "rounding_max": facts.rounding_max,
        },
    })
}

fn views(shared: &Shared, state: &State) -> Json {
    let mut out = Map::new();
    for (view, facts) in shared.plan.blueprint.views.iter().zip(&state.views) {
        let source = view.stream.as_ref().or(view.table.as_ref());
        let told = json!({
            "version": view.version,
            "source": source,
            "features": view.features.len(),
            "beyond_windows": facts.beyond_windows,
            "left_out": facts.left_out,
        });
        out.insert(view.name.clone(), told);
    }
    Json::Object(out)
}

fn spaces(shared: &Shared, state: &State) -> Json {
    let mut out = Map::new();
    for (space, held) in shared.plan.spaces.iter().zip(&state.spaces) {
        out.insert(space.name.clone(), json!({"keys": held.len(), "bytes": held.bytes_used()}));
    }
    Json::Object(out)
}
