//! From JSON to checked nodes: every head is known, every column exists, every type fits.
//!
//! The tree comes from a blueprint, which may have been written by another version or another hand,
//! so nothing is believed: what the families do not take is an error, never a panic.

use arrow_array::{BooleanArray, Float64Array, Int64Array, StringArray};
use headwater_kernel::blueprint::Column as Declared;
use headwater_kernel::error::{Error, Kind, Result};
use headwater_kernel::value::DataType;
use serde_json::Value as Json;

use crate::column::{Column, Operand};
use crate::context::{Context, Needed};
use crate::{arithmetic, cast, comparison, logic, print, text, time};

/// Deepest nesting of a tree. Evaluation recurses; 200 levels fit every thread's stack.
pub const DEPTH_MAX: usize = 200;

/// A checked operation with its operands.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub call: Call,
    pub arguments: Vec<Node>,
    pub data_type: DataType,
    /// As SQL, shortened; for messages.
    pub text: Box<str>,
}

/// What a node does: a leaf, or an operation of one family.
#[derive(Clone, Debug)]
pub(crate) enum Call {
    Column { index: usize, name: Box<str> },
    Literal(Operand),
    Logic(logic::Operation),
    Comparison(comparison::Operation),
    Arithmetic(arithmetic::Operation),
    Text(text::Operation),
    Time(time::Operation),
    Cast(cast::Operation),
}

/// A tree taken apart: `[head, setting?, argument...]`.
struct Parts<'a> {
    head: &'a str,
    setting: Option<&'a Json>,
    arguments: &'a [Json],
}

pub(crate) fn bind(tree: &Json, schema: &[Declared], depth: usize) -> Result<Node> {
    if depth >= DEPTH_MAX {
        return Err(invalid(format!("an expression is nested deeper than {DEPTH_MAX} levels")));
    }
    let parts = take_apart(tree)?;
    if parts.arguments.is_empty()
        && let Some(leaf) = bind_leaf(&parts, schema)?
    {
        return Ok(leaf);
    }
    let arguments = parts
        .arguments
        .iter()
        .map(|argument| bind(argument, schema, depth + 1))
        .collect::<Result<Vec<_>>>()?;
    let types: Vec<DataType> = arguments.iter().map(|argument| argument.data_type).collect();
    let Some((call, data_type)) = bind_call(&parts, &types, &arguments) else {
        return Err(invalid(format!(
            "no operation {:?} with setting {} takes {types:?}",
            parts.head,
            parts.setting.map_or_else(|| "none".to_owned(), Json::to_string),
        )));
    };
    let texts: Vec<&str> = arguments.iter().map(|argument| &*argument.text).collect();
    let text = print::call(parts.head, parts.setting, &texts);
    Ok(Node { call, arguments, data_type, text })
}

fn bind_call(parts: &Parts, types: &[DataType], arguments: &[Node]) -> Option<(Call, DataType)> {
    let (head, setting) = (parts.head, parts.setting);
    if head == "in" {
        return comparison::bind_in(types, arguments)
            .map(|operation| (Call::Comparison(operation), DataType::Bool));
    }
    if let Some((operation, result)) = time::bind(head, setting, types) {
        return Some((Call::Time(operation), result));
    }
    if let Some((operation, result)) = cast::bind(head, setting, types) {
        return Some((Call::Cast(operation), result));
    }
    if setting.is_some() {
        return None;
    }
    if let Some((operation, result)) = logic::bind(head, types) {
        return Some((Call::Logic(operation), result));
    }
    if let Some((operation, result)) = comparison::bind(head, types) {
        return Some((Call::Comparison(operation), result));
    }
    if let Some((operation, result)) = arithmetic::bind(head, types) {
        return Some((Call::Arithmetic(operation), result));
    }
    text::bind(head, types).map(|(operation, result)| (Call::Text(operation), result))
}

fn take_apart(tree: &Json) -> Result<Parts<'_>> {
    let malformed = || invalid(format!("a part of an expression is malformed: {tree}"));
    let (head, rest) = tree.as_array().and_then(|list| list.split_first()).ok_or_else(malformed)?;
    let head = head.as_str().ok_or_else(malformed)?;
    let (setting, arguments) = match rest.split_first() {
        Some((setting, arguments)) if !setting.is_array() => (Some(setting), arguments),
        _ => (None, rest),
    };
    if !arguments.iter().all(Json::is_array) {
        return Err(malformed());
    }
    Ok(Parts { head, setting, arguments })
}

fn bind_leaf(parts: &Parts, schema: &[Declared]) -> Result<Option<Node>> {
    let Some(setting) = parts.setting else { return Ok(None) };
    let malformed =
        || invalid(format!("{setting} is no value for {:?} in an expression", parts.head));
    let string = || setting.as_str().ok_or_else(malformed);
    let (column, data_type) = match parts.head {
        "col" => return bind_column(string()?, schema).map(Some),
        "bool" => {
            let value = setting.as_bool().ok_or_else(malformed)?;
            (Column::Bool(BooleanArray::from(vec![value])), DataType::Bool)
        }
        "int" => {
            let value = setting.as_i64().ok_or_else(malformed)?;
            (Column::Int(Int64Array::from(vec![value])), DataType::Int)
        }
        "float" => {
            let value: f64 = string()?.parse().map_err(|_| malformed())?;
            if !value.is_finite() {
                return Err(malformed());
            }
            (Column::Float(Float64Array::from(vec![value + 0.0])), DataType::Float)
        }
        "str" => (Column::Str(StringArray::from(vec![string()?])), DataType::Str),
        "null" => {
            let data_type = data_type(setting).ok_or_else(malformed)?;
            (Column::null(data_type, 1), data_type)
        }
        _ => return Ok(None),
    };
    let text = print::literal(parts.head, setting);
    let call = Call::Literal(Operand::literal(column));
    Ok(Some(Node { call, arguments: Vec::new(), data_type, text }))
}

fn bind_column(name: &str, schema: &[Declared]) -> Result<Node> {
    let found = schema.iter().enumerate().find(|(_, column)| column.name == name);
    let Some((index, column)) = found else {
        return Err(invalid(format!(
            "an expression names the column {name:?}, which is not there"
        )));
    };
    Ok(Node {
        call: Call::Column { index, name: name.into() },
        arguments: Vec::new(),
        data_type: column.data_type,
        text: print::shorten(name.to_owned()),
    })
}

/// A type by its name in the blueprint.
pub(crate) fn data_type(name: &Json) -> Option<DataType> {
    serde_json::from_value(name.clone()).ok()
}

fn invalid(message: String) -> Error {
    Error::new(Kind::Invalid, "expression", message)
}

impl Node {
    /// The value of each row; where a row is not needed, anything.
    pub fn evaluate(&self, context: &mut Context, needed: Needed) -> Operand {
        match &self.call {
            Call::Column { index, name } => read_column(*index, name, self.data_type, context),
            Call::Literal(operand) => operand.clone(),
            Call::Logic(operation) => operation.evaluate(self, context, needed),
            Call::Comparison(operation) => operation.evaluate(self, context, needed),
            Call::Arithmetic(operation) => operation.evaluate(self, context, needed),
            Call::Text(operation) => operation.evaluate(self, context, needed),
            Call::Time(operation) => operation.evaluate(self, context, needed),
            Call::Cast(operation) => operation.evaluate(self, context, needed),
        }
    }

    /// All operands, each for the rows that this node is needed for.
    pub fn operands(&self, context: &mut Context, needed: Needed) -> Vec<Operand> {
        self.arguments.iter().map(|argument| argument.evaluate(context, needed)).collect()
    }
}

fn read_column(index: usize, name: &str, data_type: DataType, context: &Context) -> Operand {
    let batch = context.batch;
    let fields = batch.schema_ref().fields();
    let array = match fields.get(index) {
        Some(field) if field.name() == name => batch.column(index),
        _ => batch.column_by_name(name).expect("a batch holds the columns of its stream"),
    };
    Column::read(array, data_type).expect("a batch holds canonical types").into()
}
