//! `NaN`, `Infinity` and `-Infinity`: words that JSON does not have and that its writers use all
//! the same, Python's first of all. The parser does not know them; a row that it refuses is read
//! again with the words covered up, and they are put in their columns by their place in the row.

/// A row without its words; they stand where `places` says.
pub(super) struct Covered {
    /// The text, of the same length: what the parser says of a byte is true of the row.
    pub(super) text: String,
    /// Number of the member of the row, from 0, and the float that stands there.
    pub(super) places: Vec<(usize, f64)>,
}

const WORDS: [(&str, f64); 3] =
    [("NaN", f64::NAN), ("Infinity", f64::INFINITY), ("-Infinity", f64::NEG_INFINITY)];

/// What covers a word: a value that makes no other value with anything that touches it.
const COVER: &str = "[]";

/// The float of a word that JSON has none for; none for a float that it has a number for.
pub(super) fn word_of(value: f64) -> Option<&'static str> {
    let same = |word: f64| value == word || (value.is_nan() && word.is_nan());
    WORDS.iter().find(|(_, word)| same(*word)).map(|(text, _)| *text)
}

/// The row that begins with `text`, with its words covered; none where there is no word.
pub(super) fn covered(text: &str) -> Option<Covered> {
    let mut out = String::with_capacity(text.len());
    let (mut places, mut depth, mut member, mut at) = (Vec::new(), 0_usize, 0, 0);
    let mut kept = 0;
    while at < text.len() {
        match text.as_bytes()[at] {
            b'"' => {
                at = end_of_string(text, at);
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            b',' if depth == 1 => member += 1,
            b'N' | b'I' | b'-' => {
                let found = WORDS.iter().find(|(word, _)| text[at..].starts_with(word));
                if let Some((word, value)) = found {
                    out.push_str(&text[kept..at]);
                    out.push_str(COVER);
                    out.extend(std::iter::repeat_n(' ', word.len() - COVER.len()));
                    at += word.len();
                    kept = at;
                    // Deeper down no column holds a value; it only has to be read over.
                    if depth == 1 {
                        places.push((member, *value));
                    }
                    continue;
                }
            }
            _ => {}
        }
        at += 1;
    }
    if kept == 0 {
        return None;
    }
    out.push_str(&text[kept..]);
    Some(Covered { text: out, places })
}

/// Where the element of an array that begins at `at` ends: at the comma or bracket after it.
pub(super) fn end_of_element(text: &str, mut at: usize) -> Option<usize> {
    let mut depth = 0_usize;
    loop {
        match text.as_bytes().get(at)? {
            b'"' => {
                at = end_of_string(text, at);
                continue;
            }
            b'{' | b'[' => depth += 1,
            b',' | b']' if depth == 0 => return Some(at),
            b'}' | b']' => depth = depth.checked_sub(1)?,
            _ => {}
        }
        at += 1;
    }
}

/// The place after the string that begins at `at`; the end of the text where it has no end.
fn end_of_string(text: &str, mut at: usize) -> usize {
    at += 1;
    while let Some(byte) = text.as_bytes().get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_covered_in_place_and_told_by_the_number_of_their_member() {
        let text = r#"{"a": NaN, "b": "NaN, \" -Infinity", "c":[NaN,1],"d":-Infinity}"#;
        let Covered { text: out, places } = covered(text).unwrap();
        assert_eq!(out.len(), text.len());
        assert_eq!(out, r#"{"a": [] , "b": "NaN, \" -Infinity", "c":[[] ,1],"d":[]       }"#);
        assert!(places[0].0 == 0 && places[0].1.is_nan(), "{places:?}");
        assert_eq!(places[1..], [(3, f64::NEG_INFINITY)]);
    }

    #[test]
    fn a_row_without_words_is_left_to_the_parser() {
        assert!(covered(r#"{"a": "NaN", "b": nan, "c": -1, "Infinity": 2}"#).is_none());
    }

    #[test]
    fn an_element_ends_before_the_comma_or_bracket_after_it() {
        let text = r#"[{"a": "}],", "b": [NaN, {}]} , 2]"#;
        let end = end_of_element(text, 1).unwrap();
        assert_eq!(&text[1..end], r#"{"a": "}],", "b": [NaN, {}]} "#);
        assert_eq!(end_of_element(r#"{"a": NaN"#, 0), None);
    }
}
