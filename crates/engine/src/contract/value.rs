//! The rules for one value: what becomes null, what is out of range, what a fault says.

use arrow_buffer::NullBuffer;

use super::cause::Cause;
use super::quality::Quality;

/// Why a value is refused; the column's name is put before the message when it becomes a
/// rejection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Cause of the rejection.
    pub cause: Cause,
    /// What is wrong with the value.
    pub message: String,
}

impl Fault {
    pub(crate) fn new(cause: Cause, message: impl Into<String>) -> Self {
        Self { cause, message: message.into() }
    }

    /// The message of the rejection of a row whose `column` holds the value.
    pub(crate) fn in_column(self, column: &str) -> (Cause, String) {
        (self.cause, format!("column \"{column}\": {}", self.message))
    }
}

/// Values looked at side by side; what they share would else be one long chain of additions.
const LANES: usize = 4;

/// What one of [`LANES`] has seen.
#[derive(Clone, Copy)]
struct Lane {
    kept: bool,
    rounded: u32,
    /// The most that rounding loses, in steps of the scale.
    lost_max: f64,
}

/// The rule for the floats of one column, with its powers of two at hand.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FloatRule {
    scale_exponent: i32,
    /// 2^-scale: steps of the scale in 1.0.
    steps: f64,
    /// 2^scale: one step.
    step: f64,
    /// Absolute values from here on are out of range: 2^(100 + scale). Rounded to the scale a
    /// smaller value is an integer below 2^100, so that 2^27 of them add up within 128 bits.
    limit: f64,
}

impl FloatRule {
    pub(crate) fn new(scale_exponent: i32) -> Self {
        Self {
            scale_exponent,
            steps: 2f64.powi(-scale_exponent),
            step: 2f64.powi(scale_exponent),
            limit: 2f64.powi(100 + scale_exponent),
        }
    }

    /// A float as it is kept: none for NaN and infinities (counted), 0.0 for -0.0.
    #[inline]
    pub(crate) fn check(
        &self,
        value: f64,
        quality: &mut Quality,
    ) -> std::result::Result<Option<f64>, Fault> {
        if !value.is_finite() {
            quality.not_finite += 1;
            return Ok(None);
        }
        if value.abs() >= self.limit {
            return Err(self.too_large(value));
        }
        let scaled = value * self.steps;
        let lost = (scaled - scaled.round_ties_even()).abs();
        if lost > 0.0 {
            quality.rounded += 1;
            quality.rounding_max = quality.rounding_max.max(lost * self.step);
        }
        // Adding 0.0 turns -0.0 into 0.0 and changes nothing else.
        Ok(Some(value + 0.0))
    }

    /// Are all values kept as they are: finite, in range and not -0.0? Then what rounding them to
    /// the scale costs is counted, of the values that are not null. Nothing is counted otherwise.
    ///
    /// The same as [`FloatRule::check`] of each value, without a branch or a call a value.
    pub(crate) fn keeps_all(
        &self,
        values: &[f64],
        nulls: Option<&NullBuffer>,
        quality: &mut Quality,
    ) -> bool {
        let mut lanes = [Lane { kept: true, rounded: 0, lost_max: 0.0 }; LANES];
        let (blocks, rest) = values.as_chunks::<LANES>();
        match nulls {
            None => {
                for block in blocks {
                    lanes
                        .iter_mut()
                        .zip(block)
                        .for_each(|(lane, value)| self.look(lane, *value, 1));
                }
                lanes.iter_mut().zip(rest).for_each(|(lane, value)| self.look(lane, *value, 1));
            }
            Some(nulls) => {
                for (row, value) in values.iter().enumerate() {
                    let weight = u32::from(nulls.is_valid(row));
                    self.look(&mut lanes[row % LANES], *value, weight);
                }
            }
        }
        if !lanes.iter().all(|lane| lane.kept) {
            return false;
        }
        for lane in lanes {
            quality.rounded += u64::from(lane.rounded);
            quality.rounding_max = quality.rounding_max.max(lane.lost_max * self.step);
        }
        true
    }

    /// Looks at one value; one of weight 0 (a null's) counts as no loss.
    #[inline(always)]
    fn look(&self, lane: &mut Lane, value: f64, weight: u32) {
        /// From 2^52 on every double is whole; adding it to a smaller one rounds that to nearest,
        /// ties to even.
        const WHOLE: f64 = 4_503_599_627_370_496.0;
        let size = value.abs();
        // False of NaN.
        let bounded = size < self.limit;
        lane.kept &= bounded & (value.to_bits() != (-0.0_f64).to_bits());
        let scaled = size * self.steps;
        let lost = (scaled - ((scaled + WHOLE) - WHOLE)).abs();
        let lost = if scaled < WHOLE { lost * f64::from(weight) } else { 0.0 };
        lane.rounded += u32::from(lost > 0.0);
        lane.lost_max = if lost > lane.lost_max { lost } else { lane.lost_max };
    }

    #[cold]
    fn too_large(&self, value: f64) -> Fault {
        let (scale, bits) = (self.scale_exponent, 100 + self.scale_exponent);
        let message = format!(
            "{value:?} is too large for exact sums at scale 2^{scale}: |x| must be below 2^{bits}; \
             declare hw.field(scale=...)"
        );
        Fault::new(Cause::ValueOutOfRange, message)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn float() -> impl Strategy<Value = f64> {
        prop_oneof![
            12 => -1e6_f64..1e6,
            4 => any::<i32>().prop_map(|cents| f64::from(cents) / 100.0),
            2 => any::<f64>(),
            1 => prop::sample::select(vec![0.0, 2f64.powi(52), 2f64.powi(56).next_down()]),
            1 => prop::sample::select(vec![-0.0, f64::NAN, f64::INFINITY, -(2f64.powi(56))]),
        ]
    }

    proptest! {
        /// A column looked at as a whole is kept where each value is, with the same losses told.
        #[test]
        fn a_column_is_kept_as_its_values_are(
            values in prop::collection::vec((float(), prop::bool::weighted(0.8)), 0..30),
            with_nulls in any::<bool>(),
            scale in prop::sample::select(vec![-44, -10, 0, 20]),
        ) {
            let rule = FloatRule::new(scale);
            let (values, valid): (Vec<f64>, Vec<bool>) = values.into_iter().unzip();
            let nulls = with_nulls.then(|| NullBuffer::from(valid.clone()));
            let mut expected = Quality::default();
            let mut each = Quality::default();
            let kept = values.iter().zip(&valid).all(|(value, valid)| {
                let checked = rule.check(*value, &mut each);
                if !with_nulls || *valid {
                    let _ = rule.check(*value, &mut expected);
                }
                checked.is_ok_and(|kept| kept.map(f64::to_bits) == Some(value.to_bits()))
            });
            let mut told = Quality::default();
            prop_assert_eq!(rule.keeps_all(&values, nulls.as_ref(), &mut told), kept);
            prop_assert_eq!(told, if kept { expected } else { Quality::default() });
        }
    }
}
