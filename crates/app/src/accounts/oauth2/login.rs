//! A login with a provider, in two steps: the provider is asked, which takes long and no thread; then the database is.

use std::sync::Arc;

use bosbase_store::{AuthOptions, Collection, OAuth2};
use serde_json::{Map, Value};

use super::linking::{self, Found};
use super::picture::{self, Picture};
use super::sign_up;
use crate::accounts::Accounts;
use crate::accounts::second_factor::{Factor, Login};
use crate::caller::Caller;
use crate::error::{Error, FieldErrors, Result};
use crate::form::{LOADING, text};
use crate::oauth2::{Code, Configured, Exchange, Profile, switched_on};
use crate::records::{Body, Extras, Link};

const FAILED: &str = "Failed to authenticate.";
/// The longest name of a provider, in characters, as in PocketBase.
const LONGEST_NAME: usize = 100;
/// How often it is decided whose account it is, since another login of the same person was faster.
const ATTEMPTS: usize = 10;

/// Somebody of whom a provider has said who they are.
pub struct Introduced {
    collection: Arc<Collection>,
    provider: String,
    profile: Profile,
    created_with: Map<String, Value>,
    picture: Option<Picture>,
}

/// What a login sends.
struct Form {
    provider: String,
    code: String,
    verifier: String,
    redirect_url: String,
    created_with: Map<String, Value>,
}

impl Form {
    fn read(body: &Map<String, Value>, options: &OAuth2) -> Result<Self> {
        let created_with = match body.get("createData") {
            None | Some(Value::Null) => Map::new(),
            Some(Value::Object(values)) => values.clone(),
            Some(_) => return Err(Error::invalid(LOADING)),
        };
        let mut redirect_url = text(body, "redirectURL")?;
        // The older spelling.
        let older = text(body, "redirectUrl")?;
        if redirect_url.is_empty() {
            redirect_url = older;
        }
        let form = Self {
            provider: text(body, "provider")?.to_owned(),
            code: text(body, "code")?.to_owned(),
            verifier: text(body, "codeVerifier")?.to_owned(),
            redirect_url: redirect_url.to_owned(),
            created_with,
        };
        let mut errors = FieldErrors::new();
        let name = &form.provider;
        if name.is_empty() {
            errors.add_required("provider");
        } else if name.chars().count() > LONGEST_NAME {
            errors.add_max_length("provider", LONGEST_NAME);
        } else if Configured::find(options, name).is_none() {
            let message = format!("Provider with name {name} is missing or is not enabled.");
            let params = serde_json::json!({ "name": name });
            errors.add_with("provider", "validation_invalid_provider", &message, &params);
        }
        if form.code.is_empty() {
            errors.add_required("code");
        }
        errors.into_result(LOADING)?;
        Ok(form)
    }
}

impl Accounts {
    /// Refuses a login with a provider before anything of its body is looked at.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::NotFound`] without such an auth collection, [`crate::ErrorKind::Forbidden`] where it takes
    /// no such logins.
    pub fn check_oauth2_login(&self, collection: &str) -> Result<()> {
        switched_on(&*self.collection(collection)?).map(drop)
    }

    /// Asks the provider that `body` names who gave the code, and for a picture where a new account will want it.
    /// Asynchronous; waits for the provider for half a minute at most, and holds no thread meanwhile.
    ///
    /// # Errors
    ///
    /// As [`Accounts::check_oauth2_login`]; [`crate::ErrorKind::Invalid`] with what is wrong with the body, or where
    /// the provider does not say who it is; [`crate::ErrorKind::Unavailable`] where too many logins wait for theirs.
    pub async fn introduce(&self, collection: &str, body: &Map<String, Value>, caller: &Caller) -> Result<Introduced> {
        let collection = self.collection(collection)?;
        let options = switched_on(&collection)?;
        let form = Form::read(body, &options)?;
        let with = Configured::find(&options, &form.provider).ok_or_else(|| Error::invalid(FAILED))?;
        let shared = self.providers();
        let fetcher = shared.fetcher().await?;
        let turn = shared.turn()?;
        let exchange = Exchange { fetcher, with };
        let code = Code {
            code: &form.code,
            verifier: &form.verifier,
            redirect_url: &form.redirect_url,
        };
        let mut profile = exchange.profile(&code).await?;
        drop(turn);
        if with.provider.name == "apple"
            && let Some(name) = shared.names.take(&form.code)
            && profile.name.is_empty()
        {
            profile.name = name;
        }
        let mut introduced = Introduced {
            collection: collection.clone(),
            provider: form.provider,
            profile,
            created_with: form.created_with,
            picture: None,
        };
        let field = sign_up::wants_picture(
            &collection,
            &options.mapped_fields,
            &introduced.profile,
            &introduced.created_with,
        );
        if let Some(limit) = field.and_then(|field| picture::limit(&collection, field)) {
            let (accounts, asking) = (self.clone(), caller.clone());
            let looking = tokio::task::spawn_blocking(move || {
                let found = accounts.store().read(|tx| introduced.find(tx, &asking))?;
                Ok::<_, Error>((introduced, found.is_none()))
            });
            let (found, is_new) = looking.await.map_err(Error::internal)??;
            introduced = found;
            if is_new {
                match shared.download(fetcher, &introduced.profile.avatar_url, limit).await {
                    Ok(picture) => introduced.picture = Some(picture),
                    // The account can be made without.
                    Err(reason) => self.logs().failure(
                        "Failed to retrieve OAuth2 avatar",
                        &Error::invalid("It could not be downloaded.").caused_by(reason),
                    ),
                }
            }
        }
        Ok(introduced)
    }

    /// Logs in whom a provider has introduced: with the account that is linked, the caller's, the one that has the
    /// confirmed address, or a new one as the collection's rule for new records admits it. Durable when it returns.
    /// Hashes: take [`Accounts::password_turn`] first.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Forbidden`] and [`crate::ErrorKind::Invalid`] as for a new record, where the collection does
    /// not admit the account, and where the account is linked with somebody else of that provider.
    pub fn log_in_introduced(
        &self,
        introduced: &Introduced,
        body: Map<String, Value>,
        caller: &Caller,
    ) -> Result<Login> {
        if introduced.profile.id.is_empty() {
            let mut errors = FieldErrors::new();
            errors.add_required("providerId");
            return Err(Error::validation(FAILED, errors));
        }
        let find = || self.store().read(|tx| introduced.find(tx, caller));
        let (mut found, mut attempt) = (find()?, 1);
        let (account, is_new) = loop {
            let settled = match &found {
                Some(found) => self.link(introduced, found),
                None => self.sign_up(introduced, caller),
            };
            let error = match settled {
                Ok(account) => break (account, found.is_none()),
                Err(error) if attempt == ATTEMPTS => return Err(error),
                Err(error) => error,
            };
            let again = find()?;
            let is_overtaken = match found {
                // The account has changed, or somebody has the link.
                Some(_) => ["token", "providerId"]
                    .iter()
                    .any(|name| error.data().contains_key(*name)),
                None => again.is_some(),
            };
            if !is_overtaken {
                return Err(error);
            }
            (found, attempt) = (again, attempt + 1);
        };
        let options = AuthOptions::of(&account.collection)?;
        let session = Factor::session_of(caller, &body).to_owned();
        let factor = Factor {
            method: "oauth2",
            session: &session,
            caller,
        };
        let mut told = body;
        for secret in ["code", "codeVerifier"] {
            told.remove(secret);
        }
        if let Some(Value::Object(values)) = told.get_mut("createData") {
            values.remove("password");
            values.remove("passwordConfirm");
        }
        let login = self.grant(account, &options, &caller.context("oauth2", told), &factor)?;
        Ok(login.with_meta(introduced.profile.meta(is_new)))
    }

    /// Links an account that is there, and changes what has to change with that.
    fn link(&self, introduced: &Introduced, found: &Found) -> Result<bosbase_store::Record> {
        let changes = found.changes(&introduced.profile);
        let loses_password = found.loses_password();
        // Other links end with the password of an address that nobody has confirmed, and where it is confirmed; this
        // one stays.
        let stays_alone = loses_password || changes.contains_key("verified");
        let link = (!found.is_linked || stays_alone).then(|| introduced.link());
        if changes.is_empty() && link.is_none() && !loses_password {
            return Ok(found.account.clone());
        }
        let with = Extras {
            link: link.as_ref(),
            random_password: loses_password,
            ..Extras::default()
        };
        self.records().change_by_login(&found.account, changes, with, FAILED)
    }

    /// Makes an account, linked.
    fn sign_up(&self, introduced: &Introduced, caller: &Caller) -> Result<bosbase_store::Record> {
        let collection = &introduced.collection;
        if collection.is_superusers() {
            return Err(Error::invalid(FAILED));
        }
        let mapped = AuthOptions::of(collection)?.oauth2.mapped_fields;
        let values = self.store().read(|tx| {
            let (profile, sent) = (&introduced.profile, &introduced.created_with);
            sign_up::values(tx, self.records().patterns(), collection, &mapped, profile, sent)
        })?;
        let mut body = Body::from_values(values);
        if let Some(picture) = &introduced.picture {
            let upload = picture.receive(self.files()).map_err(crate::records::disk_error)?;
            body.files.push((mapped.avatar_url, upload));
        }
        let with = Extras {
            context: Some("oauth2"),
            link: Some(&introduced.link()),
            random_password: !introduced.created_with.contains_key("password"),
            confirmed: Some(&introduced.profile.email),
        };
        self.records().create_by_login(collection, &body, caller, with)
    }
}

impl Introduced {
    fn find(&self, tx: &bosbase_store::ReadTx<'_>, caller: &Caller) -> Result<Option<Found>> {
        linking::find(tx, &self.collection, &self.provider, &self.profile, caller)
    }

    fn link(&self) -> Link {
        Link {
            provider: self.provider.clone(),
            person: self.profile.id.clone(),
        }
    }
}
