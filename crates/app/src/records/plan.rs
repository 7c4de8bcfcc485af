//! What a change of a record comes to, decided on one view of the data. Nothing happens here, and nobody else is asked.

use std::collections::BTreeMap;
use std::sync::Arc;

use bosbase_store::{Collection, ReadTx, Record, new_secret};
use serde_json::Map;

use super::account::{self, Proof};
use super::body::Body;
use super::change::{Change, Kind};
use super::delete::reachable_files;
use super::draft::{Draft, Made, blank};
use super::link::Extras;
use super::pattern::Patterns;
use super::references::file_names;
use super::rules::{self, Judge};
use super::validate::Check;
use super::{find, writable};
use crate::caller::Caller;
use crate::error::{Error, FieldErrors, Result};
use crate::files::{Removals, Upload};

pub(super) const NOT_CREATED: &str = "Failed to create record.";
pub(super) const NOT_UPDATED: &str = "Failed to update record.";
/// The longest name that file systems take, in bytes.
pub(super) const LONGEST_FOLDER: usize = 255;

/// One request to change a record of a collection, which is given by its id or name.
pub(super) struct Request<'a> {
    pub(super) collection: &'a str,
    pub(super) action: Action<'a>,
    pub(super) caller: &'a Caller,
    pub(super) extras: Extras<'a>,
}

/// What is to be done.
pub(super) enum Action<'a> {
    Create(&'a Body),
    Update(&'a str, &'a Body),
    Delete(&'a str),
}

/// What stays the same however often a request is planned anew: made-up values (a record keeps its id, and its files
/// their folder), hashes, and whether an old password was right.
#[derive(Debug, Clone, Default)]
pub(super) struct Fixed {
    /// Texts of a pattern.
    pub(super) generated: Made,
    /// By field.
    pub(super) hashes: BTreeMap<String, String>,
    /// Which hash the old password was held against, and whether it fitted.
    pub(super) proven: Option<(String, bool)>,
}

impl Fixed {
    /// A password that nobody knows.
    fn password(&mut self) -> String {
        let made = self.generated.entry(("password".to_owned(), String::new()));
        made.or_insert_with(new_secret).clone()
    }
}

/// A change as far as a view of the data decides it. What takes as long as a hash does is still to be found out.
pub(super) struct Plan {
    pub(super) change: Change,
    pub(super) message: &'static str,
    /// What is wrong with an account's form, but for the old password.
    pub(super) form: FieldErrors,
    /// What is wrong with the values; told where the form is right.
    pub(super) values: FieldErrors,
    /// The old password that is still to be proven.
    pub(super) proof: Option<Proof>,
    /// Newly set passwords by field, in plain text.
    pub(super) passwords: BTreeMap<String, String>,
}

impl Plan {
    fn right(change: Change, message: &'static str) -> Self {
        Self {
            change,
            message,
            form: FieldErrors::new(),
            values: FieldErrors::new(),
            proof: None,
            passwords: BTreeMap::new(),
        }
    }
}

/// Plans what `request` asks for, on the view that `tx` has: a reader's, or that of a write that is under way.
///
/// # Errors
///
/// [`crate::ErrorKind::NotFound`], [`crate::ErrorKind::Forbidden`] or [`crate::ErrorKind::Invalid`] where the rule
/// denies it; faults of the values are a part of the plan.
pub(super) fn plan(tx: &ReadTx<'_>, patterns: &Patterns, request: &Request<'_>, fixed: &mut Fixed) -> Result<Plan> {
    let collection = find(tx.schema(), request.collection)?;
    writable(&collection)?;
    match request.action {
        Action::Create(body) => plan_creation(tx, patterns, &collection, body, request, fixed),
        Action::Update(id, body) => plan_update(tx, patterns, &collection, (id, body), request, fixed),
        Action::Delete(id) => plan_deletion(tx, &collection, id, request.caller),
    }
}

fn plan_creation(
    tx: &ReadTx<'_>,
    patterns: &Patterns,
    collection: &Arc<Collection>,
    body: &Body,
    &Request { caller, extras, .. }: &Request<'_>,
    fixed: &mut Fixed,
) -> Result<Plan> {
    let rule = rules::applied(collection.rules.create_rule.as_ref(), caller)?;
    let mut draft = draft(blank(collection), None, body, caller, fixed);
    if extras.random_password {
        let password = fixed.password();
        draft.body.insert("password".to_owned(), password.clone().into());
        draft.body.insert("passwordConfirm".to_owned(), password.clone().into());
        draft.passwords.insert("password".to_owned(), password);
    }
    let mut judge = Judge::of_candidate(&draft.record);
    let manager = caller.is_superuser() || {
        let manage_rule = collection.manage_rule().filter(|_| caller.auth.is_some());
        if rule.is_some() || manage_rule.is_some() {
            let body = draft.body.clone();
            judge.hear(match extras.context {
                Some(context) => caller.context(context, body),
                None => caller.own_context(body),
            });
        }
        if let Some(rule) = rule
            && !judge.admits(tx, rule)?
        {
            return Err(Error::invalid(NOT_CREATED));
        }
        match manage_rule {
            Some(rule) => judge.admits(tx, rule)?,
            None => false,
        }
    };
    let (form, proof) = account::check(&draft, manager);
    draft.generate(&mut fixed.generated);
    let uploads = body.uploads();
    let mut values = validate(tx, patterns, &mut draft, &uploads, extras.random_password)?;
    if values.is_empty() && account::id_taken_elsewhere(tx, &draft.record)? {
        values = account::duplicate_id();
    }
    let passwords = std::mem::take(&mut draft.passwords);
    let mut record = finished(draft);
    if extras
        .confirmed
        .is_some_and(|confirmed| record.text("email") == confirmed)
    {
        record.values.insert("verified".to_owned(), true.into());
    }
    let link = linked(tx, &record, extras)?;
    let mut change = Change::new(tx, Kind::Create { record }, judge, Removals::default());
    change.link = link;
    change.installer = account::installer(caller).cloned();
    Ok(Plan {
        form,
        values,
        proof,
        passwords,
        ..Plan::right(change, NOT_CREATED)
    })
}

fn plan_update(
    tx: &ReadTx<'_>,
    patterns: &Patterns,
    collection: &Arc<Collection>,
    (id, body): (&str, &Body),
    &Request { caller, extras, .. }: &Request<'_>,
    fixed: &mut Fixed,
) -> Result<Plan> {
    let rule = rules::applied(collection.rules.update_rule.as_ref(), caller)?;
    let before = tx.record(collection, id)?.ok_or_else(Error::not_found)?;
    let mut draft = draft(before.clone(), Some(before.clone()), body, caller, fixed);
    let mut judge = Judge::of_stored(&before);
    let manager = caller.is_superuser() || {
        let manage_rule = collection.manage_rule().filter(|_| caller.auth.is_some());
        if rule.is_some() || manage_rule.is_some() {
            judge.hear(caller.own_context(draft.body.clone()));
        }
        if let Some(rule) = rule
            && !judge.admits(tx, rule)?
        {
            return Err(Error::not_found());
        }
        match manage_rule {
            Some(rule) => judge.admits(tx, rule)?,
            None => false,
        }
    };
    let (form, proof) = account::check(&draft, manager);
    if extras.random_password {
        draft.passwords.insert("password".to_owned(), fixed.password());
    }
    let values = validate(tx, patterns, &mut draft, &body.uploads(), extras.random_password)?;
    account::renew_token_key(&mut draft);
    let passwords = std::mem::take(&mut draft.passwords);
    let record = finished(draft);
    let kept = file_names(&record);
    let mut gone = file_names(&before);
    gone.retain(|name| !kept.contains(name));
    let removals = Removals::of_record(&collection.id, id, gone);
    let link = linked(tx, &record, extras)?;
    let mut change = Change::new(tx, Kind::Update { before, record }, judge, removals);
    change.link = link;
    change.ends_links = extras.random_password;
    Ok(Plan {
        form,
        values,
        proof,
        passwords,
        ..Plan::right(change, NOT_UPDATED)
    })
}

fn plan_deletion(tx: &ReadTx<'_>, collection: &Arc<Collection>, id: &str, caller: &Caller) -> Result<Plan> {
    let rule = rules::applied(collection.rules.delete_rule.as_ref(), caller)?;
    let before = tx.record(collection, id)?.ok_or_else(Error::not_found)?;
    let mut judge = Judge::of_stored(&before);
    if let Some(rule) = rule {
        judge.hear(caller.own_context(Map::new()));
        if !judge.admits(tx, rule)? {
            return Err(Error::not_found());
        }
    }
    // Which other records go is known when they go. Where their files would be is known before.
    let mut removals = Removals::of_record(&collection.id, id, file_names(&before));
    removals.collections = reachable_files(tx.schema(), collection);
    let change = Change::new(tx, Kind::Delete { before }, judge, removals);
    Ok(Plan::right(change, ""))
}

/// `blank`, or the record that it stands for, with what was sent applied to it.
fn draft(blank: Record, original: Option<Record>, body: &Body, caller: &Caller, fixed: &mut Fixed) -> Draft {
    let mut draft = Draft::new(blank, original);
    let files = body.files.iter();
    let names: Vec<_> = files
        .map(|(key, upload)| (key.clone(), upload.name().to_owned()))
        .collect();
    draft.apply(&body.values, &names, &mut fixed.generated);
    draft.describe(&body.uploads());
    if !caller.is_superuser() {
        draft.forget_hidden();
    }
    draft
}

/// The link that is stored with an account.
fn linked(tx: &ReadTx<'_>, account: &Record, extras: Extras<'_>) -> Result<Option<Record>> {
    extras.link.map(|link| link.record(tx.schema(), account)).transpose()
}

/// What is wrong with the values. A random password is not held against what its field accepts.
fn validate(
    tx: &ReadTx<'_>,
    patterns: &Patterns,
    draft: &mut Draft,
    uploads: &[&Upload],
    random_password: bool,
) -> Result<FieldErrors> {
    if random_password && let Some(password) = draft.passwords.remove("password") {
        let stored = draft.record.values.insert("password".to_owned(), "(set)".into());
        let errors = validate(tx, patterns, draft, uploads, false);
        if let Some(stored) = stored {
            draft.record.values.insert("password".to_owned(), stored);
        }
        draft.passwords.insert("password".to_owned(), password);
        return errors;
    }
    let check = Check {
        draft,
        uploads,
        tx,
        patterns,
    };
    let errors = check.all()?;
    // Its id names the folder of a record's files.
    if !uploads.is_empty() && draft.record.id().len() > LONGEST_FOLDER {
        let text = format!("The id of a record with files can have {LONGEST_FOLDER} bytes at most.");
        return Ok(FieldErrors::one("id", "validation_max_text_constraint", &text));
    }
    Ok(errors)
}

/// The record that was drafted. What was sent goes here; it may be large.
fn finished(draft: Draft) -> Record {
    let mut record = draft.record;
    if record.collection.is_superusers() {
        record.values.insert("verified".to_owned(), true.into());
    }
    record
}
