//! The small checks that definitions are made of, with PocketBase's codes and words.
//!
//! As there, an empty value passes all but [`required`]: what may be left out is not checked further.

use serde_json::json;

use super::problem::{Check, Problem};

/// The largest integer that JSON readers keep exactly.
pub const MAX_SAFE: i64 = (1 << 53) - 1;

pub fn required(given: bool) -> Check {
    if given { Ok(()) } else { Err(Problem::required()) }
}

/// `text` of `min` to `max` bytes.
pub fn length(text: &str, min: usize, max: usize) -> Check {
    if text.is_empty() || (min..=max).contains(&text.len()) {
        return Ok(());
    }
    Err(Problem::with(
        "validation_length_out_of_range",
        format!("the length must be between {min} and {max}"),
        json!({"min": min, "max": max}),
    ))
}

/// At least `threshold`, unless it is zero, which stands for "not set".
pub fn at_least(value: i64, threshold: i64) -> Check {
    if value == 0 || value >= threshold {
        return Ok(());
    }
    Err(Problem::with(
        "validation_min_greater_equal_than_required",
        format!("must be no less than {threshold}"),
        json!({"threshold": threshold}),
    ))
}

/// At most `threshold`.
pub fn at_most(value: i64, threshold: i64) -> Check {
    if value <= threshold {
        return Ok(());
    }
    Err(Problem::with(
        "validation_max_less_equal_than_required",
        format!("must be no greater than {threshold}"),
        json!({"threshold": threshold}),
    ))
}

pub fn between(value: i64, min: i64, max: i64) -> Check {
    at_least(value, min).and_then(|()| at_most(value, max))
}

/// Letters, digits and underscores of ASCII only.
pub fn word(text: &str) -> Check {
    if text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        Ok(())
    } else {
        Err(Problem::new("validation_match_invalid", "must be in a valid format"))
    }
}

/// `_via_` is how filters name back relations.
pub fn no_via(text: &str) -> Check {
    if text.to_lowercase().contains("_via_") {
        Err(Problem::new(
            "validation_found_via",
            "The value cannot contain \"_via_\".",
        ))
    } else {
        Ok(())
    }
}

/// A regular expression that can be evaluated; empty for none.
pub fn regex(pattern: &str) -> Check {
    let Err(error) = regex::Regex::new(pattern) else {
        return Ok(());
    };
    let text = error.to_string();
    let reason = if text.contains("unclosed group") {
        format!("missing closing ): `{pattern}`")
    } else if text.contains("unclosed character class") {
        let from = pattern.rfind('[').unwrap_or_default();
        format!("missing closing ]: `{}`", &pattern[from..])
    } else if text.contains("repetition operator missing") {
        let operator = pattern.find(['*', '+', '?']).map_or("", |at| &pattern[at..=at]);
        format!("missing argument to repetition operator: `{operator}`")
    } else if text.contains("incomplete escape") {
        "trailing backslash at end of expression: ``".to_owned()
    } else {
        let last = text.lines().last().unwrap_or_default();
        format!("{}: `{pattern}`", last.trim_start_matches("error: "))
    };
    Err(Problem::new(
        "validation_invalid_regex",
        format!("error parsing regexp: {reason}"),
    ))
}

/// A DNS name of at least two labels.
pub fn domain(text: &str) -> Check {
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let labels: Vec<&str> = text.trim_end_matches('.').split('.').collect();
    let ends_well = labels
        .last()
        .is_some_and(|last| last.bytes().any(|byte| byte.is_ascii_alphabetic()));
    if text.is_empty() || (text.len() <= 253 && labels.len() > 1 && ends_well && labels.into_iter().all(label)) {
        Ok(())
    } else {
        Err(Problem::new("validation_is_domain", "must be a valid domain"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains_are_told_from_what_is_none() {
        for good in ["a.com", "sub.example.org", "xn--a.io", ""] {
            assert_eq!(domain(good), Ok(()), "{good}");
        }
        for bad in ["-", "a", "not a domain", "a..b", "-a.com", "127.0.0.1"] {
            assert!(domain(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_broken_pattern_is_explained() {
        let Err(Problem::Value { message, .. }) = regex("(") else {
            panic!("accepted");
        };
        assert_eq!(message, "error parsing regexp: missing closing ): `(`");
        assert!(regex("[").is_err() && regex("a{2,1}").is_err() && regex("^[a-z]+$").is_ok());
    }
}
