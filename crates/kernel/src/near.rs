//! Near names: what the user may have meant by a name that does not exist. Serves the errors of
//! every room; it only compares, and knows no blueprint.

/// Names tried at most; a list longer than this is cut, since a hint is not worth more.
const CANDIDATES_MAX: usize = 10_000;

/// Longest name compared or shown, in letters: what comes from outside may have any length.
const LETTERS_MAX: usize = 100;

/// Most names in a hint.
const NEAR_MAX: usize = 3;

/// A hint naming the nearest of `names`, or some of them where none is near; empty for no names.
pub fn hint<'a>(wanted: &str, names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.take(CANDIDATES_MAX).collect();
    let near = nearest(wanted, &names);
    if !near.is_empty() {
        return format!("did you mean {}?", near.join(" or "));
    }
    match names.len() {
        0 => String::new(),
        count if count <= 10 => format!("there are: {}", names.join(", ")),
        count => format!("there are {count}, among them: {}", names[..10].join(", ")),
    }
}

/// A name for a message: cut where it is longer than a name can be.
pub fn shown(name: &str) -> String {
    match name.char_indices().nth(LETTERS_MAX) {
        Some((end, _)) => format!("\"{}...\"", name[..end].escape_debug()),
        None => format!("{name:?}"),
    }
}

/// Up to three names that differ from `wanted` in a third of its letters at most, nearest first.
fn nearest<'a>(wanted: &str, names: &[&'a str]) -> Vec<&'a str> {
    if wanted.len() > LETTERS_MAX {
        return Vec::new();
    }
    let folded = wanted.to_lowercase();
    let limit = (folded.chars().count() / 3).max(1);
    let mut near: Vec<(usize, &str)> = names
        .iter()
        .filter(|name| name.len() <= LETTERS_MAX)
        .map(|name| (strsim::levenshtein(&folded, &name.to_lowercase()), *name))
        .filter(|(distance, _)| *distance <= limit)
        .collect();
    near.sort();
    near.into_iter().take(NEAR_MAX).map(|(_, name)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The nearest names come first, whatever their case.
    #[test]
    fn near_names_are_told() {
        let names = ["delay_model", "Delay", "weather"];
        assert_eq!(hint("dealy_model", names.into_iter()), "did you mean delay_model?");
        assert_eq!(hint("delay", names.into_iter()), "did you mean Delay?");
    }

    /// Where nothing is near, what exists is told.
    #[test]
    fn far_names_are_answered_with_what_exists() {
        assert_eq!(hint("zzz", ["a_view", "b_view"].into_iter()), "there are: a_view, b_view");
        assert_eq!(hint("zzz", [].into_iter()), "");
    }
}
