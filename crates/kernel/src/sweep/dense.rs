//! Numbers of keys that are whole numbers close together: found by their place, without a hash.
//!
//! Made from the directory only where it takes no more memory than the directory itself; what is
//! found is the same.

use super::directory::NONE;

/// Places there may be a key: 4 bytes each, where the table of hashes takes 21 to 43 bytes a key.
const PLACES_A_KEY: u64 = 8;

/// The number of each key from the least to the greatest, [`NONE`] for what is no key.
pub(super) struct Dense {
    least: u64,
    ids: Vec<u32>,
}

impl Dense {
    /// The table of these keys with their numbers; none where they lie too far apart.
    pub(super) fn new(keys: impl Iterator<Item = (i64, u32)> + Clone) -> Option<Self> {
        let (least, first) = (keys.clone().map(|key| key.0).min()?, keys.clone());
        let (greatest, count) = first
            .fold((least, 0_u64), |(greatest, count), (key, _)| (greatest.max(key), count + 1));
        // Wrapped around, the difference of any two is right as a number without sign.
        let last = greatest.wrapping_sub(least) as u64;
        if last >= count * PLACES_A_KEY {
            return None;
        }
        let least = least as u64;
        let mut ids = vec![NONE; last as usize + 1];
        keys.for_each(|(key, id)| ids[(key as u64).wrapping_sub(least) as usize] = id);
        Some(Self { least, ids })
    }

    /// The number of a key; [`NONE`] if it is none of ours.
    #[inline(always)]
    pub(super) fn find(&self, key: i64) -> u32 {
        let place = usize::try_from((key as u64).wrapping_sub(self.least));
        place.ok().and_then(|place| self.ids.get(place).copied()).unwrap_or(NONE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Keys are found wherever they lie, up to both ends of 64 bits, and others are not.
    #[test]
    fn keys_close_together_are_found_by_place() {
        for least in [i64::MIN, -9, 0, 1 << 40, i64::MAX - 14] {
            let keys = [least + 14, least, least + 3];
            let dense = Dense::new(keys.into_iter().zip(0..)).expect("15 places are few");
            assert_eq!(keys.map(|key| dense.find(key)), [0, 1, 2]);
            let others = [least + 1, least + 13, least.wrapping_sub(1), least.wrapping_add(15)];
            assert!(others.iter().all(|&key| dense.find(key) == NONE), "{least}");
        }
    }

    /// Eight places a key are the edge.
    #[test]
    fn keys_far_apart_have_no_table() {
        let of = |keys: &[i64]| Dense::new(keys.iter().copied().zip(0..)).is_some();
        assert!(of(&[0, 15]) && !of(&[0, 16]));
        assert!(!of(&[i64::MIN, i64::MAX]) && !of(&[]));
        assert!(of(&[i64::MAX]));
    }
}
