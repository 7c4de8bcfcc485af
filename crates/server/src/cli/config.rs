//! `bosbase config check`: what is in force, and where each value comes from.

use bosbase_app::unsupported::Programs;
use bosbase_certificates::LETS_ENCRYPT;

use super::Failure;
use super::args::ConfigAction;
use super::configuration::Setting;
use super::environment::{Origin, is_secret, settings};
use super::global::Global;
use super::listening::Addresses;
use super::output::{note, say};
use super::serve::log_filter;
use super::unheeded::{tolerated, unheeded};
use super::unsupported::refuse_ignored;

/// Does what was asked. `flags` are those of the command, with where their values come from.
///
/// # Errors
///
/// Where the server would not start, or would pass over what is set.
pub fn run(global: &Global, action: &ConfigAction, flags: &[Setting]) -> Result<(), Failure> {
    let ConfigAction::Check(serve) = action;
    let variables = &global.variables;
    log_filter(global)?;
    let addresses = Addresses::of(serve, global.has_own_authority())?;
    if addresses.https.is_some() {
        global.require_authority()?;
    }
    global.require_directory()?;
    refuse_ignored(&Programs::beside(&global.dir, &global.program_dirs())?, serve)?;
    let public = global.public_files(&global.dir)?;
    global.options()?;
    variables.require_superuser()?;
    if let Some(line) = unheeded(global, serve, &addresses).into_iter().next() {
        return Err(Failure(line));
    }
    tolerated(global).iter().for_each(|line| note(line));

    // What is usual depends on other values.
    let usual = |name: &str| match name {
        "BOSBASE_ACME_DIRECTORY" => Some(LETS_ENCRYPT.to_owned()),
        "BOSBASE_DIR" => Some(global.dir.display().to_string()),
        "BOSBASE_HTTP" => Some(addresses.http.clone()),
        "BOSBASE_HTTPS" => addresses.https.clone(),
        "BOSBASE_LOG" => Some(if global.dev { "debug" } else { "info" }.to_owned()),
        "BOSBASE_PUBLIC_DIR" => Some(public.folder().display().to_string()),
        _ => None,
    };
    say(&match variables.file() {
        Some(file) => format!("The configuration is good. The file is {}.", file.display()),
        None => {
            let file = variables.passed_over().unwrap_or("There is no file.");
            format!("The configuration is good. {file}")
        }
    });
    let mut names = settings();
    if !global.encryption_env.is_empty() && !names.contains(&global.encryption_env) {
        names.push(global.encryption_env.clone());
    }
    for name in names {
        let flag = flags.iter().find(|flag| flag.name == name);
        let (value, origin) = match (flag, variables.find(&name)) {
            (Some(flag), _) => (flag.value.clone(), flag.origin),
            (None, Some((value, origin))) => (Some(value.to_owned()), origin),
            (None, None) => (None, Origin::Default),
        };
        let value = match value.or_else(|| usual(&name)) {
            None => "-".to_owned(),
            Some(_) if is_secret(&name) || name == global.encryption_env => "(hidden)".to_owned(),
            Some(value) => value,
        };
        say(&format!("{name:36} {value:32} {origin}"));
    }
    Ok(())
}
