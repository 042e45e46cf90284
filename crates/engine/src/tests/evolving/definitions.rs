//! Random definitions and what people do to them: features added, dropped, changed and put in
//! another order, windows added, views added, dropped and renamed, filters changed.

use serde_json::{Value as Json, json};

use crate::files::fake::Random;
use crate::tests::support::{definitions, feature};

/// Definitions with random views of rides and the fixed ones of visits and places.
pub fn first(random: &mut Random) -> Json {
    let mut json = definitions();
    let mut views: Vec<Json> = (0..=random.below(2)).map(|n| view(random, n)).collect();
    let fixed = json["views"].as_array().expect("views")[2..].iter().cloned();
    views.extend(fixed);
    json["views"] = json!(views);
    json["services"] = json!([]);
    json
}

/// The definitions after somebody has worked on them.
pub fn changed(before: &Json, random: &mut Random) -> Json {
    let mut json = before.clone();
    for _ in 0..=random.below(3) {
        change(&mut json, random);
    }
    json
}

fn change(json: &mut Json, random: &mut Random) {
    let views = json["views"].as_array_mut().expect("views");
    let of_rides = |view: &Json| view["stream"] == json!("Ride");
    let rides: Vec<usize> = (0..views.len()).filter(|&at| of_rides(&views[at])).collect();
    let fresh = random.below(1_000_000);
    let Some(&at) = rides.get(random.below(rides.len().max(1) as u64) as usize) else {
        views.insert(0, view(random, fresh));
        return;
    };
    match random.below(12) {
        0 => views.insert(random.below(views.len() as u64 + 1) as usize, view(random, fresh)),
        1 if rides.len() > 1 => drop(views.remove(at)),
        2 => views.swap(0, at),
        3 => views[at]["name"] = json!(format!("View{fresh}")),
        4 => views[at]["where"] = condition(random),
        5 => views[at]["include_current"] = json!(random.below(2) == 0),
        6 => {
            // The same view under another name: it asks for no part that is not there.
            let copy = views[at].clone();
            views.push(copy);
            let last = views.len() - 1;
            views[last]["name"] = json!(format!("View{fresh}"));
        }
        _ => {
            let features = views[at]["features"].as_array_mut().expect("features");
            change_features(features, random, fresh);
        }
    }
    for (version, view) in views.iter_mut().enumerate() {
        view["version"] = json!(format!("{fresh}-{version}"));
    }
}

fn change_features(features: &mut Vec<Json>, random: &mut Random, fresh: u64) {
    let at = random.below(features.len() as u64) as usize;
    match random.below(6) {
        0 if features.len() > 1 => drop(features.remove(at)),
        1 => {
            let one = features.remove(at);
            features.insert(random.below(features.len() as u64 + 1) as usize, one);
        }
        2 => features[at]["compute"]["where"] = condition(random),
        3 => features[at]["compute"]["window"] = window(random),
        _ => features.insert(at, random_feature(random, &format!("g{fresh}"))),
    }
}

fn view(random: &mut Random, number: u64) -> Json {
    let features = 1 + random.below(6);
    let features: Vec<Json> =
        (0..features).map(|n| random_feature(random, &format!("f{n}"))).collect();
    json!({
        "name": format!("View{number}"), "stream": "Ride", "table": null,
        "keys": [{"name": "user", "type": "str", "column": "user"}],
        "where": if random.below(3) == 0 { condition(random) } else { Json::Null },
        "include_current": random.below(4) == 0,
        "events_max": if random.below(3) == 0 { 4 } else { 1_000 },
        "features": features, "version": "1",
    })
}

fn column(name: &str, data_type: &str) -> Json {
    json!({"tree": ["col", name], "type": data_type, "fallible": false, "text": name})
}

fn number_of_note() -> Json {
    json!({"tree": ["cast", "int", ["col", "note"]], "type": "int", "fallible": true,
           "text": "CAST(note AS int)"})
}

fn condition(random: &mut Random) -> Json {
    let more = |least: &str| {
        json!({"tree": ["gt", ["col", "amount"], ["float", least]], "type": "bool",
               "fallible": false, "text": format!("amount > {least}")})
    };
    match random.below(5) {
        0 => Json::Null,
        1 => more("20.0"),
        2 => more("60.0"),
        3 => json!({"tree": ["is_null", ["col", "amount"]], "type": "bool", "fallible": false,
                    "text": "amount IS NULL"}),
        _ => json!({"tree": ["gt", ["cast", "int", ["col", "note"]], ["int", 0]], "type": "bool",
                    "fallible": true, "text": "CAST(note AS int) > 0"}),
    }
}

fn window(random: &mut Random) -> Json {
    let sliding = |width_s: i64, resolution_s: i64| {
        json!({"kind": "sliding", "width_us": width_s * 1_000_000,
               "resolution_us": resolution_s * 1_000_000})
    };
    match random.below(8) {
        0 => sliding(1_800, 30),
        1 | 2 => sliding(3_600, 60),
        3 => sliding(21_600, 300),
        4 => sliding(86_400, 1_800),
        5 => sliding(604_800, 10_800),
        6 => json!({"kind": "lifetime"}),
        _ => json!({"kind": "exact", "width_us": 900_000_000_i64}),
    }
}

fn random_feature(random: &mut Random, name: &str) -> Json {
    let (aggregate, input) = match random.below(11) {
        0 | 1 => ("count", None),
        2 => ("count", Some(column("amount", "float"))),
        3 => ("sum", Some(column("amount", "float"))),
        4 => ("mean", Some(column("amount", "float"))),
        5 => ("sum", Some(number_of_note())),
        6 => ("min", Some(column("amount", "float"))),
        7 => ("max", Some(number_of_note())),
        8 => (["min", "max"][random.below(2) as usize], Some(column("note", "str"))),
        9 => ("first", Some(column("amount", "float"))),
        _ => ("last", Some(column("note", "str"))),
    };
    let list = aggregate == "last" && random.below(2) == 0;
    let input_type = input.as_ref().map_or(json!("int"), |input| input["type"].clone());
    let kind = match aggregate {
        "count" => json!({"scalar": "int"}),
        "mean" => json!({"scalar": "float"}),
        _ if list => json!({"list": input_type}),
        _ => json!({"scalar": input_type}),
    };
    let mut made = feature(name, aggregate, input, window(random), kind);
    if random.below(3) == 0 {
        made["compute"]["where"] = condition(random);
    }
    made
}
