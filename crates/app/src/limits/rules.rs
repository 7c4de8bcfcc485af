//! Which of `rateLimits.rules` a request falls under.

use crate::settings::RateLimitRule;

/// The rule of a request that goes by `labels`, the most particular first.
///
/// For each label in turn: the rule with exactly that label, else the first whose label ends in `/` and begins the
/// label.
pub(super) fn find<'a>(
    rules: &'a [RateLimitRule],
    labels: &[String],
    is_authenticated: bool,
) -> Option<&'a RateLimitRule> {
    let mut meant = rules.iter().filter(|rule| concerns(rule, is_authenticated));
    let meant: Vec<_> = meant.by_ref().collect();
    labels.iter().find_map(|label| {
        let exact = meant.iter().find(|rule| rule.label == *label);
        let slashed = format!("{label}/");
        exact
            .or_else(|| {
                let mut prefixes = meant.iter().filter(|rule| rule.label.ends_with('/'));
                prefixes.find(|rule| slashed.starts_with(&rule.label))
            })
            .copied()
    })
}

/// Whether a rule says how many requests in how many seconds. Others can't be set; stored by somebody else, they would
/// let nobody in, superusers included.
pub(crate) fn is_sound(rule: &RateLimitRule) -> bool {
    rule.max_requests > 0 && rule.duration > 0
}

fn concerns(rule: &RateLimitRule, is_authenticated: bool) -> bool {
    is_sound(rule)
        && match rule.audience.as_str() {
            "@guest" => !is_authenticated,
            "@auth" => is_authenticated,
            _ => true,
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(given: &[(&str, &str)]) -> Vec<RateLimitRule> {
        let rule = |(label, audience): &(&str, &str)| RateLimitRule {
            label: (*label).to_owned(),
            audience: (*audience).to_owned(),
            duration: 1,
            max_requests: 1,
        };
        given.iter().map(rule).collect()
    }

    fn found(given: &[(&str, &str)], labels: &[&str], is_authenticated: bool) -> Option<String> {
        let labels: Vec<_> = labels.iter().map(|label| (*label).to_owned()).collect();
        find(&rules(given), &labels, is_authenticated).map(|rule| rule.label.clone())
    }

    const LIST: &[&str] = &[
        "a:list",
        "*:list",
        "GET /api/collections/a/records",
        "/api/collections/a/records",
    ];

    #[test]
    fn an_action_comes_before_a_path_and_the_first_of_two_prefixes_wins() {
        assert_eq!(found(&[("/api/", ""), ("a:list", "")], LIST, false).unwrap(), "a:list");
        assert_eq!(found(&[("/api/", ""), ("*:list", "")], LIST, false).unwrap(), "*:list");
        assert_eq!(found(&[("*:list", ""), ("a:list", "")], LIST, false).unwrap(), "a:list");
        let prefixes = [("/api/", ""), ("/api/collections/", "")];
        assert_eq!(found(&prefixes, LIST, false).unwrap(), "/api/");
        assert_eq!(
            found(&[("GET /api/collections/", "")], LIST, false).unwrap(),
            "GET /api/collections/"
        );
    }

    #[test]
    fn what_is_no_prefix_has_to_be_the_whole() {
        assert_eq!(found(&[("/api/collections", "")], LIST, false), None);
        assert_eq!(
            found(
                &[("POST /api/", ""), ("b:list", ""), ("*:view", ""), ("a", "")],
                LIST,
                false
            ),
            None
        );
        assert_eq!(
            found(&[("/api/health/", "")], &["GET /api/health", "/api/health"], false).unwrap(),
            "/api/health/"
        );
    }

    #[test]
    fn a_rule_may_be_for_guests_or_for_accounts() {
        assert_eq!(found(&[("/api/", "@auth")], LIST, false), None);
        assert_eq!(found(&[("/api/", "@auth")], LIST, true).unwrap(), "/api/");
        assert_eq!(found(&[("/api/", "@guest")], LIST, true), None);
        let both = [("a:list", "@auth"), ("*:list", "@guest")];
        assert_eq!(found(&both, LIST, false).unwrap(), "*:list");
    }
}
