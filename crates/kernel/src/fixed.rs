//! Fixed-point sums: a float becomes an integer multiple of `2^scale_exponent` once, and every sum
//! after that is integer addition, so that the order of events never decides a bit.
//!
//! Nothing here may round twice: `sum_to_f64` and `mean_to_f64` give the nearest double of the
//! exact rational, ties to even.

/// `to_fixed` refuses values of `2^(RANGE_BITS + scale_exponent)` and above.
pub const RANGE_BITS: i32 = 100;

/// `2^exponent` as a double; exact for normal exponents, 0 or infinite outside.
fn power_of_two(exponent: i32) -> f64 {
    if exponent > 1023 {
        f64::INFINITY
    } else if exponent >= -1022 {
        f64::from_bits(((exponent + 1023) as u64) << 52)
    } else if exponent >= -1074 {
        f64::from_bits(1u64 << (exponent + 1074))
    } else {
        0.0
    }
}

/// `x / 2^scale_exponent`, rounded to nearest, ties to even; `None` when x is not finite or out of
/// range (`|x| >= 2^(100 + scale_exponent)`).
pub fn to_fixed(x: f64, scale_exponent: i32) -> Option<i128> {
    if !in_range(x, scale_exponent) {
        return None;
    }
    Some(to_fixed_in_range(x, scale_exponent))
}

/// Is x finite and `|x| < 2^(100 + scale_exponent)`?
pub fn in_range(x: f64, scale_exponent: i32) -> bool {
    x.is_finite() && x.abs() < power_of_two(RANGE_BITS + scale_exponent)
}

/// [`to_fixed`] of a value already known to be [`in_range`].
fn to_fixed_in_range(x: f64, scale_exponent: i32) -> i128 {
    let bits = x.to_bits();
    let biased = ((bits >> 52) & 0x7ff) as i32;
    let fraction = bits & ((1 << 52) - 1);
    if biased == 0 && fraction == 0 {
        return 0;
    }
    let (mantissa, exponent) =
        if biased == 0 { (fraction, -1074) } else { (fraction | (1 << 52), biased - 1075) };
    let shift = exponent - scale_exponent;
    let magnitude = if shift >= 0 {
        i128::from(mantissa) << shift
    } else if shift < -54 {
        0
    } else {
        let down = shift.unsigned_abs();
        let whole = mantissa >> down;
        let rest = mantissa & ((1u64 << down) - 1);
        let half = 1u64 << (down - 1);
        i128::from(whole + u64::from(rest > half || (rest == half && whole & 1 == 1)))
    };
    if bits >> 63 == 1 { -magnitude } else { magnitude }
}

/// [`to_fixed`] where the result fits 64 bits; `None` otherwise (not an error: take the long way).
///
/// `scale` is `2^-scale_exponent`, exact; scaling by a power of two rounds nothing unless it leaves
/// the normal range, which the bound excludes upwards and rounding to 0 makes harmless downwards.
#[inline]
pub fn to_fixed_narrow(x: f64, scale: f64) -> Option<i64> {
    let scaled = x * scale;
    // 2^62: well inside i64, so that the conversion is exact.
    if scaled.abs() < 4_611_686_018_427_387_904.0 { Some(nearest(scaled)) } else { None }
}

/// The integer nearest to a number below 2^63, ties to even.
#[inline(always)]
fn nearest(x: f64) -> i64 {
    #[cfg(target_arch = "x86_64")]
    {
        // One instruction; it rounds as the processor is set to, which Rust takes to be to nearest.
        use std::arch::x86_64::{_mm_cvtsd_si64, _mm_set_sd};
        // SAFETY: every x86_64 processor has SSE2; the instruction takes and gives a register.
        unsafe { _mm_cvtsd_si64(_mm_set_sd(x)) }
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        round_ties_even(x) as i64
    }
}

/// `f64::round_ties_even` without a call where the target has no such instruction.
#[inline]
#[cfg(any(test, not(target_arch = "x86_64")))]
fn round_ties_even(x: f64) -> f64 {
    // From 2^52 on every double is whole; below it, adding 2^52 leaves no room for a fraction.
    const WHOLE: f64 = 4_503_599_627_370_496.0;
    if x.abs() < WHOLE {
        let shift = WHOLE.copysign(x);
        (x + shift) - shift
    } else {
        x
    }
}

/// The factor that [`to_fixed_narrow`] takes.
pub fn narrow_scale(scale_exponent: i32) -> f64 {
    power_of_two(-scale_exponent)
}

/// The double nearest to `sum * 2^scale_exponent`, ties to even.
#[inline]
pub fn sum_to_f64(sum: i128, scale_exponent: i32) -> f64 {
    if let Ok(narrow) = i64::try_from(sum)
        && (-900..=900).contains(&scale_exponent)
    {
        return narrow as f64 * power_of_two(scale_exponent);
    }
    // The conversion rounds, once; the product is exact while it stays in the normal range, which
    // holds as 1 <= |sum| <= 2^127.
    if (-1022..=895).contains(&scale_exponent) {
        return sum as f64 * power_of_two(scale_exponent);
    }
    mean_to_f64(sum, 1, scale_exponent)
}

/// The double nearest to the rational `sum * 2^scale_exponent / count`, ties to even.
///
/// `count` must be above 0. A result beyond the largest double is infinite; the range check of
/// `to_fixed` keeps sums far from that.
pub fn mean_to_f64(sum: i128, count: u64, scale_exponent: i32) -> f64 {
    assert!(count > 0, "a mean of nothing has no value");
    if sum == 0 {
        return 0.0;
    }
    let magnitude = sum.unsigned_abs();
    if let Ok(count) = u32::try_from(count)
        && (-900..=800).contains(&scale_exponent)
    {
        let count = u64::from(count);
        let value = match u64::try_from(magnitude) {
            Ok(magnitude) if count < 1 << 9 => mean_narrow(magnitude, count, scale_exponent),
            _ => mean_short(magnitude, count, scale_exponent),
        };
        return if sum < 0 { -value } else { value };
    }
    // Enough quotient bits (>= 55) that the remainder only serves as a sticky bit: shift the
    // dividend up as far as 128 bits allow, then divide again for the rest of the bits.
    let (quotient, sticky, exponent) = divide_long(magnitude, u128::from(count));
    let value = round_to_f64(quotient, sticky, exponent + scale_exponent);
    if sum < 0 { -value } else { value }
}

/// The mean of few: one division of 64 bits. The quotient has 55 bits at least, so that its lowest
/// bit may stand for the remainder: rounding to the 53 bits of a double then is right, once.
#[inline]
fn mean_narrow(magnitude: u64, count: u64, scale_exponent: i32) -> f64 {
    let up = magnitude.leading_zeros();
    let shifted = magnitude << up;
    let quotient = shifted / count;
    let sticky = u64::from(quotient * count != shifted);
    // The product with a power of two is exact in the normal range.
    (quotient | sticky) as f64 * power_of_two(scale_exponent - up as i32)
}

/// The mean of fewer than 2^32: the upper 64 bits of the quotient, the lowest of which may stand for
/// what is below them, as in [`mean_narrow`].
#[inline]
fn mean_short(magnitude: u128, count: u64, scale_exponent: i32) -> f64 {
    let up = magnitude.leading_zeros();
    let (quotient, sticky, exponent) = divide_by_narrow(magnitude << up, count, up as i32);
    // 96 bits, of which the upper 64 hold 32 significant ones at least.
    let more = ((quotient >> 32) as u64).leading_zeros();
    let shifted = quotient << more;
    let top = (shifted >> 32) as u64;
    let below = u64::from(sticky || shifted as u32 != 0);
    (top | below) as f64 * power_of_two(scale_exponent + exponent + 32 - more as i32)
}

/// `(q, sticky, e)` with `q * 2^e <= magnitude / count < (q + 1) * 2^e`, q of at least 62 bits
/// unless the division is exact; sticky tells a remainder.
fn divide_long(magnitude: u128, count: u128) -> (u128, bool, i32) {
    let up = magnitude.leading_zeros();
    let shifted = magnitude << up;
    if let Ok(count) = u32::try_from(count) {
        return divide_by_narrow(shifted, u64::from(count), up as i32);
    }
    let quotient = shifted / count;
    let remainder = shifted - quotient * count;
    if remainder == 0 {
        return (quotient, false, -(up as i32));
    }
    // count < 2^64, so the quotient has at least 64 bits here and is long enough as it is.
    (quotient, true, -(up as i32))
}

/// [`divide_long`] of a dividend with its highest bit set (it was shifted up by `up`) by a count
/// below 2^32: two divisions of 64 bits give the upper 96 bits of the quotient, at least 64 of them
/// significant.
fn divide_by_narrow(shifted: u128, count: u64, up: i32) -> (u128, bool, i32) {
    let (high, low) = ((shifted >> 64) as u64, shifted as u64);
    let (first, rest) = (high / count, high % count);
    let next = rest << 32 | low >> 32;
    let (second, rest) = (next / count, next % count);
    let sticky = rest != 0 || low as u32 != 0;
    (u128::from(first) << 32 | u128::from(second), sticky, 32 - up)
}

/// The double nearest to `(q + sticky fraction) * 2^exponent`, ties to even, subnormals included.
fn round_to_f64(quotient: u128, sticky: bool, exponent: i32) -> f64 {
    let length = 128 - quotient.leading_zeros() as i32;
    // Exponent of the last kept bit: 53 bits of mantissa, or the subnormal floor of 2^-1074.
    let last = (exponent + length - 53).max(-1074);
    let drop = last - exponent;
    let mantissa = if drop <= 0 {
        quotient << (-drop)
    } else if drop >= 128 {
        0
    } else {
        let whole = quotient >> drop;
        let rest = quotient & ((1u128 << drop) - 1);
        let half = 1u128 << (drop - 1);
        let up = rest > half || (rest == half && (sticky || whole & 1 == 1));
        whole + u128::from(up)
    };
    // At most 2^53: exact as a double; the product with a power of two is exact or overflows.
    scale_exact(mantissa as u64 as f64, last)
}

/// `x * 2^exponent` where the result is representable (or beyond the largest double).
fn scale_exact(x: f64, exponent: i32) -> f64 {
    if exponent < -1022 {
        (x * power_of_two(exponent + 1022)) * power_of_two(-1022)
    } else if exponent > 1023 {
        (x * power_of_two(1023)) * power_of_two(exponent - 1023)
    } else {
        x * power_of_two(exponent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_to_nearest_ties_to_even() {
        assert_eq!(to_fixed(0.5, 0), Some(0));
        assert_eq!(to_fixed(1.5, 0), Some(2));
        assert_eq!(to_fixed(-2.5, 0), Some(-2));
        assert_eq!(to_fixed(0.01, -44), Some((0.01 * 17_592_186_044_416.0_f64).round() as i128));
        assert_eq!(to_fixed(f64::from_bits(1), -44), Some(0));
    }

    #[test]
    fn refuses_out_of_range_at_the_edge() {
        let limit = 2f64.powi(56);
        assert_eq!(to_fixed(limit, -44), None);
        assert_eq!(to_fixed(limit.next_down(), -44), Some((limit.next_down() as i128) << 44));
        assert_eq!(to_fixed(f64::NAN, -44), None);
    }

    #[test]
    fn narrow_agrees_with_wide() {
        for x in [0.01, -0.01, 1e-20, 12345.67, -99_999.99, 260_000.0, f64::from_bits(7)] {
            let narrow = to_fixed_narrow(x, narrow_scale(-44)).map(i128::from);
            assert_eq!(narrow, to_fixed(x, -44));
        }
        assert_eq!(to_fixed_narrow(300_000.0, narrow_scale(-44)), None);
    }

    #[test]
    fn rounding_without_a_call_is_the_standard_rounding() {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        for step in 0..200_000_u32 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            // Halves, thirds and anything, of every magnitude up to 2^63.
            let fraction = [0.5, 1.0 / 3.0, (state >> 11) as f64 / 2f64.powi(53)];
            let whole = (state as i64 >> (step % 64)) as f64;
            let x = whole + fraction[step as usize % 3];
            assert_eq!(round_ties_even(x), x.round_ties_even(), "{x:e}");
            assert_eq!(round_ties_even(-x), (-x).round_ties_even(), "{x:e}");
            if x.abs() < 2f64.powi(62) {
                assert_eq!(nearest(x), x.round_ties_even() as i64, "{x:e}");
                assert_eq!(nearest(-x), (-x).round_ties_even() as i64, "{x:e}");
            }
        }
    }

    #[test]
    fn a_sum_is_the_mean_of_one() {
        let mut state = 0x9e37_79b9_7f4a_7c15_u128;
        for step in 0..100_000_u32 {
            state = state.wrapping_mul(0xda94_2042_e4dd_58b5_0123_4567_89ab_cdef).wrapping_add(1);
            let sum = (state as i128) >> (step % 128);
            for scale in [-1022, -44, 0, 895, -1040, 900] {
                let direct = sum_to_f64(sum, scale).to_bits();
                assert_eq!(direct, mean_to_f64(sum, 1, scale).to_bits(), "{sum} 2^{scale}");
            }
        }
    }

    #[test]
    fn narrow_counts_divide_as_wide_ones() {
        let mut state = 0x9e37_79b9_7f4a_7c15_u128;
        for step in 0..200_000_u32 {
            state = state.wrapping_mul(0xda94_2042_e4dd_58b5_0123_4567_89ab_cdef).wrapping_add(1);
            let magnitude = ((state ^ state >> 61) >> (step % 128)).max(1);
            let count = (state as u32 >> (step % 32)).max(1);
            let up = magnitude.leading_zeros();
            let shifted = magnitude << up;
            let (quotient, sticky, exponent) =
                divide_by_narrow(shifted, u64::from(count), up as i32);
            let wide = (shifted / u128::from(count), !shifted.is_multiple_of(u128::from(count)));
            for scale in [-1060, -44, 0] {
                assert_eq!(
                    round_to_f64(quotient, sticky, exponent + scale).to_bits(),
                    round_to_f64(wide.0, wide.1, scale - up as i32).to_bits(),
                    "{magnitude} / {count}"
                );
            }
        }
    }

    #[test]
    fn the_mean_of_few_is_the_long_mean() {
        let mut state = 0x9e37_79b9_7f4a_7c15_u128;
        for step in 0..200_000_u32 {
            state = state.wrapping_mul(0xda94_2042_e4dd_58b5_0123_4567_89ab_cdef).wrapping_add(1);
            let magnitude = ((state >> 64) as u64 >> (step % 64)).max(1);
            let count = u64::from((state as u32 >> 23).max(1));
            let (quotient, sticky, exponent) =
                divide_long(u128::from(magnitude), u128::from(count));
            for scale in [-900, -44, 0, 800] {
                let long = round_to_f64(quotient, sticky, exponent + scale);
                assert_eq!(mean_narrow(magnitude, count, scale), long, "{magnitude} / {count}");
            }
        }
    }

    #[test]
    fn the_mean_of_fewer_than_2_32_is_the_long_mean() {
        let mut state = 0x9e37_79b9_7f4a_7c15_u128;
        for step in 0..300_000_u32 {
            state = state.wrapping_mul(0xda94_2042_e4dd_58b5_0123_4567_89ab_cdef).wrapping_add(1);
            let most = u32::MAX - (step % 5);
            let count = (state >> 9) as u32 >> (step % 32);
            let count = u64::from(if step % 7 == 0 { most } else { count.max(1) });
            let random = ((state ^ state >> 61) >> (step % 127)).max(1) >> 1;
            // Products and their neighbours, and halves between two doubles: ties, nearly.
            let whole = u128::from((state >> 70) as u64 >> 5) * u128::from(count);
            let half = (1_u128 << 54 | u128::from(state as u32) << 1 | 1) * u128::from(count);
            for magnitude in [random, whole, whole + 1, half, half - 1, half + 1] {
                let magnitude = magnitude.max(1);
                let (quotient, sticky, exponent) = divide_long(magnitude, u128::from(count));
                for scale in [-900, -44, 0, 800] {
                    let long = round_to_f64(quotient, sticky, exponent + scale);
                    assert_eq!(mean_short(magnitude, count, scale), long, "{magnitude} / {count}");
                }
            }
        }
    }

    #[test]
    fn mean_is_the_nearest_double() {
        assert_eq!(mean_to_f64(1, 3, 0), 1.0 / 3.0);
        assert_eq!(mean_to_f64(10, 4, 0), 2.5);
        assert_eq!(mean_to_f64(-7, 7, 0), -1.0);
        // 2^53 + 1 is a tie and goes to even; with a third more it goes up.
        assert_eq!(sum_to_f64((1 << 53) + 1, 0), 2f64.powi(53));
        assert_eq!(mean_to_f64(((1 << 53) + 1) * 3 + 1, 3, 0), 2f64.powi(53) + 2.0);
        assert_eq!(sum_to_f64(1, -1074), f64::from_bits(1));
        assert_eq!(sum_to_f64(i128::MIN, -44), -(2f64.powi(83)));
        assert_eq!(mean_to_f64(i128::MAX, u64::MAX, 0), 2f64.powi(63));
    }
}
