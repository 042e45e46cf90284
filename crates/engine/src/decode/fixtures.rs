//! Contracts that the tests of decoding share.

use headwater_kernel::blueprint::{Column, Table, TimeUnit};
use headwater_kernel::value::DataType;

use crate::contract::Contract;

/// A column with nothing declared about it but this.
pub fn column(name: &str, data_type: DataType, nullable: bool) -> Column {
    let name = name.to_owned();
    Column { name, data_type, nullable, unit: TimeUnit::Us, scale_exponent: -44 }
}

/// Things with an instant, a text of this name (a key, or nullable), and a column of each other
/// type.
pub fn things(text: &str, is_key: bool) -> Contract {
    let table = Table {
        name: "Thing".to_owned(),
        columns: vec![
            column("at", DataType::Timestamp, false),
            column(text, DataType::Str, !is_key),
            column("count", DataType::Int, true),
            column("amount", DataType::Float, true),
            column("flag", DataType::Bool, true),
        ],
        key: if is_key { vec![text.to_owned()] } else { vec![] },
        valid_from: Some("at".to_owned()),
        timeless: false,
        delay_us: 0,
        ttl_us: None,
        version: String::new(),
    };
    Contract::of_table(&table, None).unwrap()
}
