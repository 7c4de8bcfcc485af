//! What a mail's HTML says, for who reads none.

use std::sync::LazyLock;

use regex::Regex;

static UNSEEN: LazyLock<Regex> =
    LazyLock::new(|| constant(r"(?is)<(?:style|script)\b.*?</(?:style|script)\s*>|<!--.*?-->"));
static LINK: LazyLock<Regex> =
    LazyLock::new(|| constant(r#"(?is)<a\b[^>]*?\bhref\s*=\s*["']([^"']*)["'][^>]*>(.*?)</a\s*>"#));
static SPACE: LazyLock<Regex> = LazyLock::new(|| constant(r"\s+"));
static BREAK: LazyLock<Regex> =
    LazyLock::new(|| constant(r"(?i)<br\b[^>]*>|</?(?:p|div|h[1-6]|ul|ol|li|tr|table)\b[^>]*>"));
static TAG: LazyLock<Regex> = LazyLock::new(|| constant(r"(?s)<[a-zA-Z/!][^>]*>"));

fn constant(expression: &str) -> Regex {
    Regex::new(expression).expect("the expression is constant and valid")
}

/// `html` as text: a line for each paragraph, `[text](address)` for a link.
pub(super) fn text_of(html: &str) -> String {
    let seen = UNSEEN.replace_all(html, " ");
    let one_line = SPACE.replace_all(&seen, " ");
    let linked = LINK.replace_all(&one_line, "[$2]($1)");
    let broken = BREAK.replace_all(&linked, "\n");
    let bare = TAG.replace_all(&broken, "");
    let lines = bare.lines().map(str::trim).filter(|line| !line.is_empty());
    let mut text = lines.collect::<Vec<_>>().join("\n");
    // The ampersand last, so that `&amp;lt;` says `&lt;`.
    for (entity, character) in [
        ("&nbsp;", " "),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&amp;", "&"),
    ] {
        text = text.replace(entity, character);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paragraphs_links_and_entities_are_readable() {
        let html = "<style>p { color: red }</style><p>Hello,</p>\n<p>Click\n below.</p>\n<p>\n  <a class=\"btn\" \
                    href=\"http://x/y\" target=\"_blank\">Verify</a>\n</p><p>Thanks,<br/>\n  A &amp;lt; B &lt; team\n</p>";
        assert_eq!(
            text_of(html),
            "Hello,\nClick below.\n[Verify](http://x/y)\nThanks,\nA &lt; B < team"
        );
    }
}
