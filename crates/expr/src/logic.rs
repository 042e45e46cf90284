//! Logic and choice: three-valued, left to right, computing nothing that a row does not need.
//!
//! Each operand is evaluated under the mask of the rows that are still undecided, so a row that a
//! condition has put aside can neither fail nor cost a branch that no row takes.

use arrow_array::{BooleanArray, Float64Array, Int64Array, StringArray};
use arrow_buffer::{BooleanBuffer, NullBuffer};
use headwater_kernel::value::DataType;

use crate::bind::Node;
use crate::column::{Column, Operand, Text, bools};
use crate::comparison::{Order, compare};
use crate::context::{Context, Needed, narrow};

/// The operations of this family.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Operation {
    And,
    Or,
    Not,
    IsNull,
    Case,
    Coalesce,
    NullIf,
}

/// A row that takes no branch.
const NONE: u32 = u32::MAX;

/// The operation of this head over these types.
pub(crate) fn bind(head: &str, types: &[DataType]) -> Option<(Operation, DataType)> {
    let same = types.windows(2).all(|pair| pair[0] == pair[1]);
    let bool_only = same && types.first() == Some(&DataType::Bool);
    let operation = match (head, types) {
        ("and", [_, _, ..]) if bool_only => Operation::And,
        ("or", [_, _, ..]) if bool_only => Operation::Or,
        ("not", [DataType::Bool]) => Operation::Not,
        ("is_null", [_]) => Operation::IsNull,
        ("coalesce", [first, _, ..]) if same => return Some((Operation::Coalesce, *first)),
        ("nullif", [first, _]) if same => return Some((Operation::NullIf, *first)),
        ("case", [pairs @ .., otherwise]) if !pairs.is_empty() && pairs.len().is_multiple_of(2) => {
            let fits = |pair: &[DataType]| pair == [DataType::Bool, *otherwise];
            return pairs.chunks(2).all(fits).then_some((Operation::Case, *otherwise));
        }
        _ => return None,
    };
    Some((operation, DataType::Bool))
}

impl Operation {
    pub fn evaluate(self, node: &Node, context: &mut Context, needed: Needed) -> Operand {
        let rows = context.rows;
        match self {
            Operation::And => connect(true, node, context, needed),
            Operation::Or => connect(false, node, context, needed),
            Operation::Case => case(node, context, needed),
            Operation::Coalesce => coalesce(node, context, needed),
            Operation::Not => {
                let operand = node.arguments[0].evaluate(context, needed);
                let (_, is_false) = operand.truths(rows);
                bools(is_false, operand.nulls(rows))
            }
            Operation::IsNull => {
                let operand = node.arguments[0].evaluate(context, needed);
                bools(!&operand.present(rows), None)
            }
            Operation::NullIf => {
                let operands = node.operands(context, needed);
                null_if(&operands[0], &operands[1], rows, node.data_type)
            }
        }
    }
}

/// AND (`conjunction`) and OR are one rule: an operand that is false (true) decides, all operands
/// true (false) decide the other way, and otherwise the answer is null.
fn connect(conjunction: bool, node: &Node, context: &mut Context, needed: Needed) -> Operand {
    let rows = context.rows;
    let (first, others) = node.arguments.split_first().expect("bind wants two operands or more");
    let sides =
        |(is_true, is_false)| if conjunction { (is_true, is_false) } else { (is_false, is_true) };
    let (mut agreed, mut decided) = sides(first.evaluate(context, needed).truths(rows));
    for argument in others {
        let open = narrow(needed, &!&decided);
        if open.count_set_bits() == 0 {
            break;
        }
        let operand = argument.evaluate(context, Some(&open));
        let (agrees, decides) = sides(operand.truths(rows));
        agreed = &agreed & &agrees;
        decided = &decided | &decides;
    }
    // A row decided before the end may also "agree": decided wins.
    let known = &agreed | &decided;
    let bits = if conjunction { !&decided } else { decided };
    let nulls = (known.count_set_bits() < rows).then(|| NullBuffer::new(known));
    bools(bits, nulls)
}

fn case(node: &Node, context: &mut Context, needed: Needed) -> Operand {
    let rows = context.rows;
    let mut choice = vec![NONE; rows];
    let mut branches: Vec<Option<Operand>> = Vec::with_capacity(node.arguments.len() / 2 + 1);
    let mut open: Option<BooleanBuffer> = needed.cloned();
    let (pairs, otherwise) = node.arguments.split_at(node.arguments.len() - 1);
    let mut empty = false;
    for pair in pairs.chunks(2) {
        let condition = pair[0].evaluate(context, open.as_ref());
        let (holds, _) = condition.truths(rows);
        let taken = narrow(open.as_ref(), &holds);
        branches.push(take(&pair[1], &taken, branches.len(), &mut choice, context));
        let rest = narrow(open.as_ref(), &!&holds);
        empty = rest.count_set_bits() == 0;
        open = Some(rest);
        if empty {
            break;
        }
    }
    if !empty && let Some(rest) = &open {
        branches.push(take(&otherwise[0], rest, branches.len(), &mut choice, context));
    }
    pick(&branches, &choice, node.data_type)
}

/// Evaluate a branch for the rows that take it; none when no row does.
fn take(
    branch: &Node,
    taken: &BooleanBuffer,
    number: usize,
    choice: &mut [u32],
    context: &mut Context,
) -> Option<Operand> {
    let number = u32::try_from(number).expect("a tree has fewer than 2^32 branches");
    let mut any = false;
    for row in taken.set_indices() {
        choice[row] = number;
        any = true;
    }
    any.then(|| branch.evaluate(context, Some(taken)))
}

fn coalesce(node: &Node, context: &mut Context, needed: Needed) -> Operand {
    let rows = context.rows;
    let mut choice = vec![NONE; rows];
    let mut branches = Vec::with_capacity(node.arguments.len());
    let mut open: Option<BooleanBuffer> = needed.cloned();
    for (number, argument) in node.arguments.iter().enumerate() {
        let operand = argument.evaluate(context, open.as_ref());
        let present = operand.present(rows);
        for row in narrow(open.as_ref(), &present).set_indices() {
            choice[row] = u32::try_from(number).expect("a tree has fewer than 2^32 branches");
        }
        branches.push(Some(operand));
        let rest = narrow(open.as_ref(), &!&present);
        if rest.count_set_bits() == 0 {
            break;
        }
        open = Some(rest);
    }
    pick(&branches, &choice, node.data_type)
}

fn null_if(a: &Operand, b: &Operand, rows: usize, data_type: DataType) -> Operand {
    let equal = compare(Order::Equal, a, b, rows);
    let both = &a.present(rows) & &b.present(rows);
    let hidden = &equal & &both;
    let choice: Vec<u32> = (0..rows).map(|row| if hidden.value(row) { NONE } else { 0 }).collect();
    pick(&[Some(a.clone())], &choice, data_type)
}

/// Each row's value from the branch that it chose; null from none.
pub(crate) fn pick(branches: &[Option<Operand>], choice: &[u32], data_type: DataType) -> Operand {
    let rows = choice.len();
    let presence: Vec<Option<BooleanBuffer>> =
        branches.iter().map(|branch| branch.as_ref().map(|one| one.present(rows))).collect();
    let chosen = |row: usize| -> Option<usize> {
        let branch = usize::try_from(choice[row]).ok().filter(|&number| number < branches.len())?;
        presence[branch].as_ref().is_some_and(|bits| bits.value(row)).then_some(branch)
    };
    let column = match data_type {
        DataType::Int => Column::Int(pick_ints(branches, rows, chosen)),
        DataType::Timestamp => Column::Timestamp(pick_ints(branches, rows, chosen)),
        DataType::Float => {
            let lanes: Vec<_> =
                branches.iter().map(|one| one.as_ref().map(Operand::floats)).collect();
            let value = |row| {
                chosen(row).and_then(|branch| lanes[branch].as_ref().map(|lane| lane.at(row)))
            };
            Column::Float((0..rows).map(value).collect::<Float64Array>())
        }
        DataType::Str => {
            let lanes: Vec<Option<Text>> =
                branches.iter().map(|one| one.as_ref().map(Operand::texts)).collect();
            let value = |row| {
                chosen(row).and_then(|branch| lanes[branch].as_ref().map(|lane| lane.at(row)))
            };
            Column::Str((0..rows).map(value).collect::<StringArray>())
        }
        DataType::Bool => {
            let truths: Vec<_> =
                branches.iter().map(|one| one.as_ref().map(|one| one.truths(rows).0)).collect();
            let value = |row| {
                chosen(row).and_then(|branch| truths[branch].as_ref().map(|bits| bits.value(row)))
            };
            Column::Bool((0..rows).map(value).collect::<BooleanArray>())
        }
    };
    column.into()
}

fn pick_ints(
    branches: &[Option<Operand>],
    rows: usize,
    chosen: impl Fn(usize) -> Option<usize>,
) -> Int64Array {
    let lanes: Vec<_> = branches.iter().map(|one| one.as_ref().map(Operand::ints)).collect();
    (0..rows)
        .map(|row| chosen(row).and_then(|branch| lanes[branch].as_ref().map(|lane| lane.at(row))))
        .collect()
}
