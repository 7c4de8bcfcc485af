//! What a good token stands for.

use std::sync::Arc;

use bosbase_store::{AuthOptions, Record};

/// A token's account, and what its collection says about logins.
#[derive(Clone)]
pub(super) struct Login {
    pub(super) account: Arc<Record>,
    pub(super) options: Arc<AuthOptions>,
}
