//! The rules for one value: what becomes null, what is out of range, what a fault says.

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
