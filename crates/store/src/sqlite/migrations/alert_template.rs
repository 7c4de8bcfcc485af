//! PocketBase 0.34: the mail about a login from a new location tells where it came from.

use rusqlite::Connection;

use super::store_again;
use crate::error::Result;
use crate::model::auth_options::AuthOptions;
use crate::sqlite::tables::collections;

/// The default until then; who wrote their own keeps it.
const BEFORE: &str = "<p>Hello,</p>\n<p>We noticed a login to your {APP_NAME} account from a new location.</p>\n<p>If this was \
                      you, you may disregard this email.</p>\n<p><strong>If this wasn't you, you should immediately change \
                      your {APP_NAME} account password to revoke access from all other locations.</strong></p>\n<p>\n  \
                      Thanks,<br/>\n  {APP_NAME} team\n</p>";

pub(super) fn apply(connection: &Connection) -> Result<()> {
    let now = AuthOptions::of_new_collection().auth_alert.email_template.body;
    for collection in collections::load(connection)?.all() {
        let body = AuthOptions::readable(&collection.options)
            .auth_alert
            .email_template
            .body;
        if !collection.is_auth() || body.trim() != BEFORE {
            continue;
        }
        let mut changed = (**collection).clone();
        AuthOptions::change(&mut changed.options, |options| {
            options.auth_alert.email_template.body.clone_from(&now);
        });
        store_again(connection, changed)?;
    }
    Ok(())
}
