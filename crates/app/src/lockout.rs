//! Whether superusers are there, and whether one of them could log in.
//!
//! Restored data may hold anything. Data without a collection of superusers is none of an application. Data into which
//! no superuser can log in is served, since it may be what somebody wants, but the person who restored it has to hear
//! of it: the undo is then reached from the command line alone.

use std::sync::Arc;

use bosbase_store::{AuthOptions, Collection, FieldKind, ListQuery, PageRequest, ReadTx, Record, Store};
use serde_json::Value;

use crate::access;
use crate::caller::Caller;
use crate::error::{Error, Result};
use crate::settings::Settings;

/// The account with which PocketBase's first-run page works; nobody's, and gone once there is a real one.
pub(crate) const INSTALLER: &str = "__pbinstaller@example.com";

/// Why nobody can log in where an account is what is missing.
const NOBODY: &str = "there is none";
const NO_PASSWORD: &str = "none has a password and a token key";

/// Whether a superuser with a password is all that is missing, by the [`reason`] that was given.
pub(crate) fn wants_account(reason: &str) -> bool {
    matches!(reason, NOBODY | NO_PASSWORD)
}

/// So many superusers are looked at.
const MOST: u64 = 200;

/// The collection of superusers, which every application has.
///
/// # Errors
///
/// [`crate::ErrorKind::Internal`] where there is none, or none whose records can log in.
pub(crate) fn superusers(store: &Store) -> Result<Arc<Collection>> {
    let schema = store.schema();
    let found = schema
        .find(Collection::SUPERUSERS)
        .ok_or_else(|| unfit("the data has no collection _superusers"))?;
    if !found.is_superusers() {
        let name = &found.name;
        return Err(unfit(&format!("the collection _superusers is called {name:?}")));
    }
    if !found.is_auth() {
        let kind = found.kind.name();
        return Err(unfit(&format!(
            "the collection _superusers is of the type {kind}, and must be of the type auth"
        )));
    }
    Ok(found.clone())
}

/// How many superusers there are, the installer, whom nobody can log in as, not among them.
///
/// # Errors
///
/// Where they can't be read.
pub(crate) fn count_superusers(tx: &ReadTx<'_>, superusers: &Arc<Collection>) -> bosbase_store::Result<u64> {
    let all = tx.count_records(superusers)?;
    let has_installer = tx.find_record(superusers, "email", INSTALLER, false)?.is_some();
    Ok(all - u64::from(has_installer))
}

/// Whether nobody is left without this record of a superuser: nobody who can log in, or nobody at all.
///
/// # Errors
///
/// As [`count_superusers`].
pub(crate) fn is_last_superuser(tx: &ReadTx<'_>, superuser: &Record) -> bosbase_store::Result<bool> {
    match superuser.text("email") {
        INSTALLER => Ok(tx.count_records(&superuser.collection)? <= 1),
        _ => Ok(count_superusers(tx, &superuser.collection)? <= 1),
    }
}

/// Looks superusers up as a login does.
///
/// # Errors
///
/// As [`superusers`], and where they can't be read.
pub(crate) fn prove(store: &Store) -> Result<()> {
    let collection = superusers(store)?;
    AuthOptions::of(&collection)
        .map_err(|error| unfit("the options of the collection _superusers can't be read").caused_by(error))?;
    let found = first_superusers(store, &collection)?;
    let email = found
        .first()
        .map_or(INSTALLER, |record| record.text("email"))
        .to_owned();
    store.read(|tx| tx.find_record(&collection, "email", &email, false).map_err(Error::from))?;
    Ok(())
}

/// Why no superuser can log in, in half a sentence; `None` where one can, as far as is known. Who was admitted by the
/// `former` settings, which were in force before a restore, is admitted by the same now.
///
/// # Errors
///
/// As [`prove`].
pub(crate) fn reason(store: &Store, settings: &Settings, former: Option<&Settings>) -> Result<Option<String>> {
    let collection = superusers(store)?;
    let options = AuthOptions::of(&collection)?;
    let found = first_superusers(store, &collection)?;
    let mut accounts: Vec<&Record> = found
        .iter()
        .filter(|record| record.text("email") != INSTALLER)
        .collect();
    if accounts.is_empty() {
        return said(NOBODY);
    }
    accounts.retain(|record| !record.text("password").is_empty() && !record.text("tokenKey").is_empty());
    if accounts.is_empty() {
        return said(NO_PASSWORD);
    }
    if !options.password_auth.enabled {
        return said("logins by password are switched off for _superusers");
    }
    let fields = &options.password_auth.identity_fields;
    let is_usable = |record: &Record, name: &String| !record.text(name).is_empty() && collection.has_unique(name);
    accounts.retain(|record| fields.iter().any(|name| is_usable(record, name)));
    if accounts.is_empty() {
        return said("_superusers names no field with a unique index that a login goes by");
    }
    if options.auth_token.secret.is_empty() || options.auth_token.duration <= 0 {
        return said("the tokens of _superusers have no secret or no duration");
    }
    let Some(rule) = &options.auth_rule else {
        return said("the authRule of _superusers is null");
    };
    let context = Caller::default().context("password", serde_json::Map::new());
    // A second factor is mailed; that of a command line is for when nothing else helps.
    let has_second = (options.otp.enabled || options.oauth2.enabled) && settings.smtp.enabled;
    let mut needs_more = false;
    for record in accounts {
        let admitted = store.read(|tx| {
            if !access::passes(tx, record, rule, &context)? {
                return Ok(false);
            }
            let mfa = options.mfa.enabled && access::evaluate(tx, record, &options.mfa.rule, &context)?.unwrap_or(true);
            needs_more |= mfa;
            Ok::<_, Error>(!mfa || has_second)
        })?;
        if admitted {
            let ips = &settings.superuser_ips;
            let is_new = former.is_none_or(|former| former.superuser_ips != *ips);
            return Ok((is_new && !ips.is_empty()).then(|| {
                let from = ips.join(", ");
                format!("only these addresses are admitted (superuserIPs): {from}")
            }));
        }
    }
    if needs_more {
        return said(match options.otp.enabled {
            true => {
                "_superusers asks for more than a password (MFA), and one-time passwords are not mailed (settings.smtp is \
                 off); bosbase superuser otp EMAIL makes one"
            }
            false => "_superusers asks for more than a password (MFA), and nothing else is switched on",
        });
    }
    said("the authRule of _superusers admits none")
}

#[allow(clippy::unnecessary_wraps, reason = "it is what its caller answers")]
fn said(why: &str) -> Result<Option<String>> {
    Ok(Some(why.to_owned()))
}

fn first_superusers(store: &Store, collection: &Arc<Collection>) -> Result<Vec<Record>> {
    let query = ListQuery {
        sort: "created".to_owned(),
        page: PageRequest::first(MOST),
        allow_hidden: true,
        ..ListQuery::default()
    };
    let page = store.read(|tx| tx.list_records(collection, &query).map_err(Error::from));
    let page = page.map_err(|error| unfit("the records of _superusers can't be read").caused_by(error))?;
    Ok(page.items)
}

/// Writes to the database and takes that back: a trigger may refuse every write, and a file may be read-only.
///
/// # Errors
///
/// Where nothing can be written.
pub(crate) fn prove_writes(store: &Store) -> Result<()> {
    /// How the transaction ends.
    enum End {
        Undone,
        Failed(bosbase_store::Error),
    }
    impl From<bosbase_store::Error> for End {
        fn from(error: bosbase_store::Error) -> Self {
            Self::Failed(error)
        }
    }
    let outcome: Result<(), End> = store.write(|tx| {
        tx.set_param("bosbaseProbe", &Value::Null.to_string())?;
        Err(End::Undone)
    });
    match outcome {
        Ok(()) | Err(End::Undone) => Ok(()),
        Err(End::Failed(error)) => Err(unfit("the database can't be written").caused_by(error)),
    }
}

/// Makes sure of what the collections of data from elsewhere say about logins: options of the right types, secrets for
/// tokens, a work factor of passwords that is not without end.
///
/// # Errors
///
/// With the collection and the part where one does not.
pub(crate) fn prove_logins(store: &Store) -> Result<()> {
    /// The largest work factor; the next one doubles the time, and this one takes a minute.
    const MOST_COST: i64 = 20;
    for collection in store.schema().all() {
        let name = &collection.name;
        for field in &collection.fields {
            if let FieldKind::Password { cost, .. } = &field.kind
                && *cost > MOST_COST
            {
                let field = &field.name;
                return Err(unfit(&format!(
                    "the cost of the field {field} of the collection {name} is {cost}, and must not exceed {MOST_COST}"
                )));
            }
        }
        if !collection.is_auth() {
            continue;
        }
        let options = AuthOptions::of(collection).map_err(|error| {
            let option = AuthOptions::misfits(&collection.options).join(", ");
            unfit(&format!(
                "the option {option} of the collection {name} is of the wrong type"
            ))
            .caused_by(error)
        })?;
        for (option, token) in [("authToken", &options.auth_token), ("fileToken", &options.file_token)] {
            if token.secret.is_empty() {
                return Err(unfit(&format!(
                    "the option {option} of the collection {name} has no secret"
                )));
            }
        }
    }
    Ok(())
}

fn unfit(why: &str) -> Error {
    let text = crate::error::sentence(why);
    Error::new(crate::ErrorKind::Internal, text)
}
