//! PocketBase 0.34: the mail about a login from a new location tells where it came from.

use rusqlite::Connection;
use serde_json::Value;

use super::store_again;
use crate::error::{Error, ErrorKind, Result};
use crate::tables::{collections, defaults};

/// The default until then; who wrote their own keeps it.
const BEFORE: &str = "<p>Hello,</p>\n<p>We noticed a login to your {APP_NAME} account from a new location.</p>\n<p>If this was \
                      you, you may disregard this email.</p>\n<p><strong>If this wasn't you, you should immediately change \
                      your {APP_NAME} account password to revoke access from all other locations.</strong></p>\n<p>\n  \
                      Thanks,<br/>\n  {APP_NAME} team\n</p>";

const BODY: &str = "/authAlert/emailTemplate/body";

pub(super) fn apply(connection: &Connection) -> Result<()> {
    let now = defaults::collections()?
        .into_iter()
        .find_map(|mut collection| {
            Value::Object(std::mem::take(&mut collection.options))
                .pointer(BODY)
                .cloned()
        })
        .ok_or_else(|| {
            Error::new(
                ErrorKind::InvalidSchema,
                "reading the built-in defaults",
                "no alert template",
            )
        })?;
    for collection in collections::load(connection)?.all() {
        let mut options = Value::Object(collection.options.clone());
        let Some(body) = options.pointer_mut(BODY) else {
            continue;
        };
        if !collection.is_auth() || body.as_str().map(str::trim) != Some(BEFORE) {
            continue;
        }
        *body = now.clone();
        let mut changed = (**collection).clone();
        if let Value::Object(options) = options {
            changed.options = options;
        }
        store_again(connection, changed)?;
    }
    Ok(())
}
