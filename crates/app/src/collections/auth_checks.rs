//! Whether an auth collection's options can stand.

use bosbase_store::Collection;
use serde_json::{Value, json};

use super::defaults::has_unique_index;
use super::problem::{Check, Problem, Problems};
use super::rules::{at_least, between, length, required};
use super::validate::Context;

/// The options that sign tokens.
const TOKENS: [&str; 5] = [
    "authToken",
    "passwordResetToken",
    "emailChangeToken",
    "verificationToken",
    "fileToken",
];
/// The options that are mails.
const TEMPLATES: [&str; 3] = [
    "verificationTemplate",
    "resetPasswordTemplate",
    "confirmEmailChangeTemplate",
];
/// The providers that PocketBase knows; a definition that names another could not go back to it.
const PROVIDERS: [&str; 32] = [
    "apple",
    "google",
    "microsoft",
    "yandex",
    "facebook",
    "instagram2",
    "github",
    "gitlab",
    "bitbucket",
    "gitee",
    "gitea",
    "discord",
    "twitter",
    "kakao",
    "vk",
    "linear",
    "notion",
    "monday",
    "lark",
    "box",
    "spotify",
    "trakt",
    "twitch",
    "patreon",
    "strava",
    "wakatime",
    "livechat",
    "mailcow",
    "planningcenter",
    "oidc",
    "oidc2",
    "oidc3",
];
/// About three years, in seconds.
const MAX_TOKEN_DURATION: i64 = 94_670_856;
/// A day, in seconds.
const MAX_CODE_DURATION: i64 = 86_400;

/// Checks the options of `collection` and adds what is wrong with them.
pub fn check(context: &Context<'_, '_>, collection: &Collection, problems: &mut Problems) {
    let mut found = Problems::default();
    for (name, may_be_empty) in [("authRule", true), ("manageRule", false)] {
        let rule = |collection: &Collection| collection.options.get(name).and_then(Value::as_str).map(str::to_owned);
        let now = rule(collection);
        if !may_be_empty && now.as_deref() == Some("") {
            found.add(
                name,
                Problem::new("validation_nil_or_not_empty_required", "cannot be blank"),
            );
        }
        let before = context.original.map(rule);
        found.check(
            name,
            context.rule(collection, now.as_deref(), before.as_ref().map(Option::as_deref)),
        );
    }
    let options = Value::Object(collection.options.clone());
    let mut alert = Problems::default();
    alert.check("emailTemplate", template(&options["authAlert"]["emailTemplate"]));
    found.check("authAlert", alert.into_check());
    found.check("passwordAuth", password_auth(&options["passwordAuth"]));
    found.check("oauth2", oauth2(&options["oauth2"]));
    found.check("otp", one_time_password(&options["otp"]));
    found.check("mfa", multi_factor(&options["mfa"]));
    for name in TOKENS {
        found.check(name, token(&options[name]));
    }
    for name in TEMPLATES {
        found.check(name, template(&options[name]));
    }
    // What the options are together is looked at once each is sound by itself.
    if found.is_empty() {
        together(context, collection, &options, &mut found);
    }
    for (name, problem) in found {
        problems.add(name, problem);
    }
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

fn number(value: &Value, name: &str) -> i64 {
    value[name].as_i64().unwrap_or_default()
}

fn enabled(value: &Value) -> bool {
    value["enabled"].as_bool().unwrap_or_default()
}

fn template(value: &Value) -> Check {
    let mut problems = Problems::default();
    problems.check("subject", required(!text(value, "subject").is_empty()));
    problems.check("body", required(!text(value, "body").is_empty()));
    problems.into_check()
}

fn token(value: &Value) -> Check {
    let (secret, duration) = (text(value, "secret"), number(value, "duration"));
    let mut problems = Problems::default();
    problems.check(
        "secret",
        required(!secret.is_empty()).and_then(|()| length(secret, 30, 255)),
    );
    problems.check(
        "duration",
        required(duration != 0).and_then(|()| between(duration, 10, MAX_TOKEN_DURATION)),
    );
    problems.into_check()
}

fn password_auth(value: &Value) -> Check {
    let fields = value["identityFields"].as_array().map_or(0, Vec::len);
    required(!enabled(value) || fields > 0).map_err(|problem| problem.at("identityFields"))
}

fn code_duration(value: &Value) -> Check {
    let duration = number(value, "duration");
    required(duration != 0)?;
    between(duration, 10, MAX_CODE_DURATION)
}

fn one_time_password(value: &Value) -> Check {
    let mut problems = Problems::default();
    if enabled(value) {
        let length = number(value, "length");
        problems.check("duration", code_duration(value));
        problems.check("length", required(length != 0).and_then(|()| at_least(length, 4)));
    }
    problems.check("emailTemplate", template(&value["emailTemplate"]));
    problems.into_check()
}

fn multi_factor(value: &Value) -> Check {
    if enabled(value) {
        code_duration(value).map_err(|problem| problem.at("duration"))
    } else {
        Ok(())
    }
}

fn oauth2(value: &Value) -> Check {
    if !enabled(value) {
        return Ok(());
    }
    let providers = value["providers"].as_array().cloned().unwrap_or_default();
    let mut problems = Problems::default();
    for (index, provider) in providers.iter().enumerate() {
        let name = text(provider, "name");
        let mut of_provider = Problems::default();
        for part in ["name", "clientId", "clientSecret"] {
            of_provider.check(part, required(!text(provider, part).is_empty()));
        }
        if !name.is_empty() && !PROVIDERS.contains(&name) {
            let problem = Problem::with(
                "validation_missing_provider",
                format!("Invalid or missing provider with name {name}."),
                json!({"name": name}),
            );
            of_provider.add("name", problem);
        }
        if !name.is_empty() && providers[..index].iter().any(|other| text(other, "name") == name) {
            let problem = Problem::with(
                "validation_duplicated_provider",
                format!("The provider {name} is already registered."),
                json!({"name": name}),
            );
            of_provider.add("name", problem);
        }
        problems.check(index.to_string(), of_provider.into_check());
    }
    problems.into_check().map_err(|problem| problem.at("providers"))
}

fn together(context: &Context<'_, '_>, collection: &Collection, options: &Value, found: &mut Problems) {
    let mfa = &options["mfa"];
    if enabled(mfa) {
        let methods = ["passwordAuth", "oauth2", "otp"];
        if methods.iter().filter(|method| enabled(&options[**method])).count() < 2 {
            let problem = Problem::new(
                "validation_mfa_not_enough_auths",
                "MFA requires at least 2 auth methods to be enabled.",
            );
            return found.add("mfa", problem.at("enabled"));
        }
        let rule = text(mfa, "rule");
        let before = context
            .original
            .map(|original| original.options.get("mfa").map_or("", |mfa| text(mfa, "rule")));
        if !rule.is_empty()
            && let Err(problem) = context.rule(collection, Some(rule), before.map(Some))
        {
            return found.add("mfa", problem.at("rule"));
        }
    }
    let password = &options["passwordAuth"];
    if enabled(password)
        && let Err(problem) = identity_fields(collection, &password["identityFields"])
    {
        found.add("passwordAuth", problem.at("identityFields"));
    }
}

/// Who logs in must be found by a value that only they have.
fn identity_fields(collection: &Collection, names: &Value) -> Check {
    for name in names.as_array().into_iter().flatten().filter_map(Value::as_str) {
        let params = || json!({"fieldName": name});
        if collection.field(name).is_none() {
            return Err(Problem::with(
                "validation_missing_field",
                format!("Invalid or missing field {name}"),
                params(),
            ));
        }
        if !has_unique_index(&collection.indexes, name) {
            return Err(Problem::with(
                "validation_missing_unique_constraint",
                format!("The field {name} doesn't have a UNIQUE constraint."),
                params(),
            ));
        }
    }
    Ok(())
}
