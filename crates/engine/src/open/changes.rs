//! What changed between the definitions that wrote the data and those that open it.
//!
//! A column may be added. One that was lost or retyped, or another event time, is refused: what is
//! in the archive could not be read with the same meaning.

use headwater_kernel::blueprint::{Blueprint, Column};
use headwater_kernel::error::{Error, Kind, Result};

use crate::contract::type_name;
use crate::files::{Files, read_all};
use crate::log::recover::storage;

/// The definitions that were in force; `None` for a new folder.
pub fn former(files: &dyn Files, path: &str) -> Result<Option<Blueprint>> {
    if !files.exists(path).map_err(|error| storage(&error))? {
        return Ok(None);
    }
    let text = read_all(files, path).map_err(|error| storage(&error))?;
    serde_json::from_slice(&text).map(Some).map_err(|error| {
        Error::new(Kind::Data, "definitions_damaged", format!("{path} cannot be read"))
            .with_detail(error.to_string())
            .with_hint(format!("remove {path}: the state is built again from the log"))
    })
}

/// Refuses streams and tables that lost or retyped a column.
pub fn check_schemas(former: Option<&Blueprint>, now: &Blueprint) -> Result<()> {
    let Some(former) = former else { return Ok(()) };
    for old in &former.streams {
        if let Some(new) = now.streams.iter().find(|new| new.name == old.name) {
            let time = (Some(old.time.as_str()), Some(new.time.as_str()));
            check_source(&old.name, &old.columns, &new.columns, time)?;
        } else if now.tables.iter().any(|new| new.name == old.name) {
            return Err(changed(&old.name, &["was a stream and is a table".into()]));
        }
    }
    for old in &former.tables {
        if let Some(new) = now.tables.iter().find(|new| new.name == old.name) {
            let time = (old.valid_from.as_deref(), new.valid_from.as_deref());
            check_source(&old.name, &old.columns, &new.columns, time)?;
        } else if now.streams.iter().any(|new| new.name == old.name) {
            return Err(changed(&old.name, &["was a table and is a stream".into()]));
        }
    }
    Ok(())
}

fn check_source(
    name: &str,
    old: &[Column],
    new: &[Column],
    time: (Option<&str>, Option<&str>),
) -> Result<()> {
    let mut differences = Vec::new();
    for column in old {
        match new.iter().find(|other| other.name == column.name) {
            None => differences.push(format!("lost column {}", column.name)),
            Some(other) if other.data_type != column.data_type => differences.push(format!(
                "column {} was {} and is {}",
                column.name,
                type_name(column.data_type),
                type_name(other.data_type)
            )),
            Some(_) => {}
        }
    }
    if time.0 != time.1 {
        let told = |time: Option<&str>| time.unwrap_or("none").to_string();
        let (was, is) = (told(time.0), told(time.1));
        differences.push(format!("its time column was {was} and is {is}"));
    }
    if differences.is_empty() { Ok(()) } else { Err(changed(name, &differences)) }
}

fn changed(name: &str, differences: &[String]) -> Error {
    let message = format!("{name} no longer fits the data: {}", differences.join("; "));
    Error::new(Kind::Conflict, "schema_changed", message)
        .with_hint("restore the columns, give the new shape another name, or open another folder")
}
