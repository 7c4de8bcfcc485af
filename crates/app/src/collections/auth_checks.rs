//! Whether an auth collection's options can stand.

use bosbase_store::{
    AuthOptions, Collection, MailTemplate, Mfa, OAuth2, OAuth2Provider, Otp, PasswordAuth, TokenOptions,
};
use serde_json::json;

use super::context::Context;
use super::draft::Draft;
use super::problem::{Check, Problem, Problems};
use super::rules::{at_least, between, length, required};
use crate::formats::is_url;
use crate::oauth2::is_known;

/// About three years, in seconds.
const MAX_TOKEN_DURATION: i64 = 94_670_856;
/// A day, in seconds.
const MAX_CODE_DURATION: i64 = 86_400;

/// Checks the options of the collection and adds what is wrong with them.
pub fn check(context: &Context<'_, '_>, draft: &Draft, problems: &mut Problems) {
    let collection = &draft.collection;
    let mut found = Problems::default();
    let now = AuthOptions::readable(&collection.options);
    let before = context
        .original
        .map(|original| AuthOptions::readable(&original.options));
    let before = before.as_ref();
    if now.manage_rule.as_deref() == Some("") {
        found.add(
            "manageRule",
            Problem::new("validation_nil_or_not_empty_required", "cannot be blank"),
        );
    }
    let rule = |now: &Option<String>, before: Option<&Option<String>>| {
        context.rule(collection, now.as_deref(), before.map(Option::as_deref))
    };
    found.check("authRule", rule(&now.auth_rule, before.map(|before| &before.auth_rule)));
    found.check(
        "manageRule",
        rule(&now.manage_rule, before.map(|before| &before.manage_rule)),
    );
    let alert = template(&now.auth_alert.email_template);
    found.check("authAlert", alert.map_err(|problem| problem.at("emailTemplate")));
    found.check("passwordAuth", password_auth(&now.password_auth));
    found.check(
        "oauth2",
        oauth2(&now.oauth2).and_then(|()| oauth2(&draft.not_for_superusers)),
    );
    found.check("otp", one_time_password(&now.otp));
    found.check("mfa", multi_factor(&now.mfa));
    for (name, options) in now.tokens() {
        found.check(name, token(options));
    }
    for (name, mail) in now.templates() {
        found.check(name, template(mail));
    }
    // What the options are together is looked at once each is sound by itself.
    if found.is_empty() {
        together(context, collection, &now, before, &mut found);
    }
    for (name, problem) in found {
        problems.add(name, problem);
    }
}

fn template(mail: &MailTemplate) -> Check {
    let mut problems = Problems::default();
    problems.check("subject", required(!mail.subject.is_empty()));
    problems.check("body", required(!mail.body.is_empty()));
    problems.into_check()
}

fn token(TokenOptions { secret, duration }: &TokenOptions) -> Check {
    let mut problems = Problems::default();
    problems.check(
        "secret",
        required(!secret.is_empty()).and_then(|()| length(secret, 30, 255)),
    );
    problems.check(
        "duration",
        required(*duration != 0).and_then(|()| between(*duration, 10, MAX_TOKEN_DURATION)),
    );
    problems.into_check()
}

fn password_auth(options: &PasswordAuth) -> Check {
    required(!options.enabled || !options.identity_fields.is_empty()).map_err(|problem| problem.at("identityFields"))
}

fn code_duration(duration: i64) -> Check {
    required(duration != 0)?;
    between(duration, 10, MAX_CODE_DURATION)
}

fn one_time_password(otp: &Otp) -> Check {
    let mut problems = Problems::default();
    if otp.enabled {
        problems.check("duration", code_duration(otp.duration));
        problems.check(
            "length",
            required(otp.length != 0).and_then(|()| at_least(otp.length, 4)),
        );
    }
    problems.check("emailTemplate", template(&otp.email_template));
    problems.into_check()
}

fn multi_factor(mfa: &Mfa) -> Check {
    if mfa.enabled {
        code_duration(mfa.duration).map_err(|problem| problem.at("duration"))
    } else {
        Ok(())
    }
}

fn oauth2(oauth2: &OAuth2) -> Check {
    if !oauth2.enabled {
        return Ok(());
    }
    let providers = &oauth2.providers;
    twice(providers).map_err(|problem| problem.at("providers"))?;
    let mut problems = Problems::default();
    for (index, provider) in providers.iter().enumerate() {
        let name = provider.name.as_str();
        let mut of_provider = Problems::default();
        for (part, value) in [
            ("name", &provider.name),
            ("clientId", &provider.client_id),
            ("clientSecret", &provider.client_secret),
        ] {
            of_provider.check(part, required(!value.is_empty()));
        }
        for (part, url) in [
            ("authURL", &provider.auth_url),
            ("tokenURL", &provider.token_url),
            ("userInfoURL", &provider.user_info_url),
        ] {
            if !url.is_empty() && !is_url(url) {
                of_provider.add(part, Problem::new("validation_is_url", "must be a valid URL"));
            }
        }
        if !name.is_empty() && !is_known(name) {
            let problem = Problem::with(
                "validation_missing_provider",
                format!("Invalid or missing provider with name {name}."),
                json!({"name": name}),
            );
            of_provider.add("name", problem);
        }
        problems.check(index.to_string(), of_provider.into_check());
    }
    problems.into_check().map_err(|problem| problem.at("providers"))
}

/// That a provider is there twice is told before all else.
fn twice(providers: &[OAuth2Provider]) -> Check {
    for (index, provider) in providers.iter().enumerate() {
        let name = provider.name.as_str();
        if !name.is_empty() && providers[..index].iter().any(|other| other.name == name) {
            let problem = Problem::with(
                "validation_duplicated_provider",
                format!("The provider {name} is already registered."),
                json!({"name": name}),
            );
            return Err(problem.at("name").at(index.to_string()));
        }
    }
    Ok(())
}

fn together(
    context: &Context<'_, '_>,
    collection: &Collection,
    now: &AuthOptions,
    before: Option<&AuthOptions>,
    found: &mut Problems,
) {
    if now.mfa.enabled {
        let methods = [now.password_auth.enabled, now.oauth2.enabled, now.otp.enabled];
        if methods.iter().filter(|is_on| **is_on).count() < 2 {
            let problem = Problem::new(
                "validation_mfa_not_enough_auths",
                "MFA requires at least 2 auth methods to be enabled.",
            );
            return found.add("mfa", problem.at("enabled"));
        }
        let rule = now.mfa.rule.as_str();
        let before = before.map(|before| Some(before.mfa.rule.as_str()));
        if !rule.is_empty()
            && let Err(problem) = context.rule(collection, Some(rule), before)
        {
            return found.add("mfa", problem.at("rule"));
        }
    }
    if now.password_auth.enabled
        && let Err(problem) = identity_fields(collection, &now.password_auth.identity_fields)
    {
        found.add("passwordAuth", problem.at("identityFields"));
    }
}

/// Who logs in must be found by a value that only they have.
fn identity_fields(collection: &Collection, names: &[String]) -> Check {
    for name in names {
        let params = || json!({"fieldName": name});
        if collection.field(name).is_none() {
            return Err(Problem::with(
                "validation_missing_field",
                format!("Invalid or missing field {name}"),
                params(),
            ));
        }
        if !collection.has_unique(name) {
            return Err(Problem::with(
                "validation_missing_unique_constraint",
                format!("The field {name} doesn't have a UNIQUE constraint."),
                params(),
            ));
        }
    }
    Ok(())
}
