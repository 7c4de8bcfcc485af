//! The pattern of `~` and `!~`: contains, unless it holds a `%` of its own.

/// The `LIKE` pattern (with `ESCAPE '\'`) of what somebody searches for.
///
/// Without an unescaped `%` the text is searched for literally, anywhere; with one it is the pattern itself.
pub(crate) fn pattern(text: &str) -> String {
    if has_unescaped_percent(text) {
        return text.to_owned();
    }
    format!("%{}%", escaped(text))
}

fn has_unescaped_percent(text: &str) -> bool {
    let mut escaping = false;
    for c in text.chars() {
        if c == '%' && !escaping {
            return true;
        }
        escaping = c == '\\' && !escaping;
    }
    false
}

/// `\`, `%` and `_` with a `\` before each that has none yet. As in PocketBase a backslash "has one" when the character
/// before it is a backslash, which is judged from the end of the text.
fn escaped(text: &str) -> String {
    let characters: Vec<char> = text.chars().collect();
    let mut reversed = Vec::with_capacity(characters.len() + 2);
    let mut pending = false;
    for (index, &c) in characters.iter().enumerate().rev() {
        if pending {
            if c != '\\' {
                reversed.push('\\');
            }
            pending = false;
        } else {
            pending = matches!(c, '\\' | '%' | '_');
        }
        reversed.push(c);
        if index == 0 && pending {
            reversed.push('\\');
        }
    }
    reversed.into_iter().rev().collect()
}

#[cfg(test)]
mod tests {
    use super::pattern;

    #[test]
    fn text_is_searched_for_literally_unless_it_holds_a_wildcard() {
        assert_eq!(pattern("abc"), "%abc%");
        assert_eq!(pattern(""), "%%");
        assert_eq!(pattern("a_b"), "%a\\_b%");
        assert_eq!(pattern("_"), "%\\_%");
        assert_eq!(pattern("a%"), "a%");
        assert_eq!(pattern("100\\%"), "%100\\%%");
        assert_eq!(pattern("a\\b"), "%a\\\\b%");
        assert_eq!(pattern("\\\\%"), "\\\\%");
    }
}
