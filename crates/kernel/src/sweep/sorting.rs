//! Sorts one key's records by (event time, tie); they come nearly sorted.
//!
//! Insertion while records move little, the standard stable sort once they do not: the worst case
//! is n log n. Events equal in time and tie keep their order.

use std::cmp::Ordering;

/// Moves allowed to the insertion sort, as a multiple of the number of records: past it the input
/// is not nearly sorted, and n log n is cheaper.
const MOVES_PER_RECORD: usize = 4;

/// Sorts the records of `words`, each of `width` words with its time first; `tie` orders two
/// records of one time.
pub(super) fn sort_records(
    words: &mut [u64],
    width: usize,
    tie: impl Fn(&[u64], &[u64]) -> Ordering,
) {
    let count = words.len() / width;
    let order = |left: &[u64], right: &[u64]| {
        (left[0] as i64).cmp(&(right[0] as i64)).then_with(|| tie(left, right))
    };
    let mut moves_left = count * MOVES_PER_RECORD;
    for record in 1..count {
        let here = record * width;
        let (before, rest) = words.split_at(here);
        if order(&before[here - width..], &rest[..width]) != Ordering::Greater {
            continue;
        }
        let target = insertion_place(before, width, &rest[..width], &order, moves_left);
        let Some(target) = target else {
            sort_stably(words, width, &order);
            return;
        };
        moves_left -= record - target;
        words[target * width..here + width].rotate_right(width);
    }
}

/// Where a record belongs among the sorted ones before it; none when that is too far away.
fn insertion_place(
    before: &[u64],
    width: usize,
    record: &[u64],
    order: &impl Fn(&[u64], &[u64]) -> Ordering,
    moves_left: usize,
) -> Option<usize> {
    let count = before.len() / width;
    let mut place = count;
    while place > 0 && order(&before[(place - 1) * width..place * width], record).is_gt() {
        place -= 1;
        if count - place > moves_left {
            return None;
        }
    }
    Some(place)
}

fn sort_stably(words: &mut [u64], width: usize, order: &impl Fn(&[u64], &[u64]) -> Ordering) {
    let mut records: Vec<&[u64]> = words.chunks_exact(width).collect();
    records.sort_by(|left, right| order(left, right));
    let sorted = records.concat();
    words.copy_from_slice(&sorted);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Sorted by time and tie, equal ones in their order, however far out of order they come.
        #[test]
        fn equals_the_standard_stable_sort(
            keys in prop::collection::vec((0_i64..20, 0_u64..3), 0..300),
            nearly in any::<bool>(),
        ) {
            let mut keys = keys;
            if nearly {
                keys.sort_unstable_by_key(|key| key.0 / 4);
            }
            let mut words: Vec<u64> = Vec::new();
            for (index, &(time, tie)) in keys.iter().enumerate() {
                words.extend([(time - 10) as u64, tie, index as u64]);
            }
            let mut expected: Vec<Vec<u64>> = words.chunks(3).map(<[u64]>::to_vec).collect();
            expected.sort_by_key(|record| (record[0] as i64, record[1]));
            sort_records(&mut words, 3, |left, right| left[1].cmp(&right[1]));
            prop_assert_eq!(words, expected.concat());
        }
    }
}
