//! A tree as short SQL text, for the message of a row that failed. It decides nothing.

use serde_json::Value as Json;

/// Longest text of a part in a message; a message is read by a person, in one line.
const LENGTH_MAX: usize = 120;

/// A literal as SQL.
pub(crate) fn literal(head: &str, setting: &Json) -> Box<str> {
    let text = match (head, setting) {
        ("null", _) => "NULL".to_owned(),
        ("str", Json::String(text)) => format!("'{}'", text.replace('\'', "''")),
        (_, Json::String(text)) => text.clone(),
        _ => setting.to_string(),
    };
    shorten(text)
}

/// An operation as SQL, given its operands as SQL.
pub(crate) fn call(head: &str, setting: Option<&Json>, arguments: &[&str]) -> Box<str> {
    let setting = match setting {
        Some(Json::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => String::new(),
    };
    let text = match (infix(head), arguments) {
        (Some(symbol), [_, _, ..]) => {
            let parts: Vec<String> = arguments.iter().map(|part| enclose(part)).collect();
            parts.join(&format!(" {symbol} "))
        }
        (_, [only]) => match head {
            "neg" => format!("-{}", enclose(only)),
            "not" => format!("NOT {}", enclose(only)),
            "is_null" => format!("{} IS NULL", enclose(only)),
            "cast" => format!("CAST({only} AS {setting})"),
            "try_cast" => format!("TRY_CAST({only} AS {setting})"),
            "extract" => format!("extract({setting} FROM {only})"),
            "date_trunc" => format!("date_trunc('{setting}', {only})"),
            "shift" => format!("{only} + INTERVAL {setting} MICROSECONDS"),
            _ => format!("{head}({only})"),
        },
        _ => format!("{head}({})", arguments.join(", ")),
    };
    shorten(text)
}

fn infix(head: &str) -> Option<&'static str> {
    Some(match head {
        "add" => "+",
        "sub" => "-",
        "mul" => "*",
        "div" => "/",
        "idiv" => "//",
        "mod" => "%",
        "eq" => "=",
        "ne" => "<>",
        "lt" => "<",
        "le" => "<=",
        "gt" => ">",
        "ge" => ">=",
        "distinct" => "IS DISTINCT FROM",
        "and" => "AND",
        "or" => "OR",
        "concat" => "||",
        "like" => "LIKE",
        "seconds_between" => "-",
        _ => return None,
    })
}

fn enclose(part: &str) -> String {
    let simple = !part.contains(' ') || (part.starts_with('\'') && part.ends_with('\''));
    if simple { part.to_owned() } else { format!("({part})") }
}

pub(crate) fn shorten(text: String) -> Box<str> {
    match text.char_indices().nth(LENGTH_MAX) {
        None => text.into_boxed_str(),
        Some((end, _)) => format!("{}...", &text[..end]).into_boxed_str(),
    }
}
