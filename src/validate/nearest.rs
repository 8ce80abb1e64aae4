//! "Did you mean": the known name that a wrong one was probably meant to be. It compares letters and knows no meaning.

/// A known name that resembles a wrong one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Nearest<'a> {
    /// The known name.
    pub(crate) name: &'a str,
    /// Whether it differs so little that the wrong one can only be a slip: in case, in separators, or in one or two
    /// letters.
    pub(crate) is_slip: bool,
}

/// The known name that resembles `wrong` most, if any does.
pub(crate) fn nearest<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<Nearest<'a>> {
    // Longer texts are no slip of a member's or container's name, and the distance takes quadratic time.
    if wrong.is_empty() || wrong.len() > 255 {
        return None;
    }
    let letters = fold(wrong);
    known
        .into_iter()
        .filter_map(|name| Some((likeness(&letters, &fold(name))?, name)))
        .min_by_key(|(rank, name)| (*rank, name.len()))
        .map(|(rank, name)| Nearest { name, is_slip: rank < ABBREVIATION })
}

/// The rank of an abbreviation (`env` for `environment`), behind every slip.
const ABBREVIATION: usize = 3;

/// How much two folded names differ, 0 for not at all; `None` when they do not resemble each other.
fn likeness(wrong: &str, known: &str) -> Option<usize> {
    let distance = strsim::osa_distance(wrong, known);
    // Of a short name no more than a third may be wrong: `cpu` and `gpu` are different words, `nmae` is `name`.
    let tolerated = if known.len() < 4 {
        0
    } else if known.len() < 6 {
        1
    } else {
        2
    };
    if distance <= tolerated {
        return Some(distance);
    }
    let abbreviates = wrong.len() >= 3 && (known.starts_with(wrong) || wrong.starts_with(known) && known.len() >= 4);
    abbreviates.then_some(ABBREVIATION)
}

/// The name without what people vary: case, underscores and hyphens.
fn fold(name: &str) -> String {
    name.chars().filter(|c| !matches!(c, '_' | '-')).map(|c| c.to_ascii_lowercase()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [&str; 6] = ["cpu", "name", "environment", "environmentFiles", "portMappings", "dependsOn"];

    fn slip(wrong: &str) -> Option<&'static str> {
        nearest(wrong, KNOWN).filter(|found| found.is_slip).map(|found| found.name)
    }

    #[test]
    fn a_slip_differs_in_case_separators_or_a_letter_or_two() {
        assert_eq!(slip("Name"), Some("name"));
        assert_eq!(slip("nmae"), Some("name"));
        assert_eq!(slip("depends_on"), Some("dependsOn"));
        assert_eq!(slip("portMapping"), Some("portMappings"));
        assert_eq!(slip("enviroment"), Some("environment"));
        assert_eq!(slip("gpu"), None);
        assert_eq!(slip("game"), Some("name"));
    }

    #[test]
    fn an_abbreviation_is_a_suggestion_only() {
        assert_eq!(nearest("env", KNOWN), Some(Nearest { name: "environment", is_slip: false }));
        assert_eq!(nearest("trustedExecutionConfiguration", KNOWN), None);
        assert_eq!(nearest(&"x".repeat(10_000), KNOWN), None);
    }
}
