//! `bosbase superuser …`, on a stopped data directory or beside a running server.

use bosbase_app::App;
use bosbase_app::jobs::require_application;

use super::Failure;
use super::args::{Global, SuperuserAction};
use super::output::say;

/// Does what was asked and says so.
pub fn run(global: &Global, action: &SuperuserAction) -> Result<(), Failure> {
    if matches!(action, SuperuserAction::Update(_) | SuperuserAction::Delete { .. }) {
        require_application(&global.dir)?;
    }
    let app = App::open(global.options()?)?;
    let done = match action {
        SuperuserAction::Upsert(who) => {
            app.upsert_superuser(&who.email, &who.password)?;
            format!("Successfully saved superuser \"{}\"!", who.email)
        }
        SuperuserAction::Create(who) => {
            app.create_superuser(&who.email, &who.password)?;
            format!("Successfully created new superuser \"{}\"!", who.email)
        }
        SuperuserAction::Update(who) => {
            app.update_superuser(&who.email, &who.password)?;
            format!("Successfully changed superuser \"{}\" password!", who.email)
        }
        SuperuserAction::Delete { email } => {
            app.delete_superuser(email)?;
            format!("Successfully deleted superuser \"{email}\"!")
        }
    };
    app.close()?;
    say(&done);
    Ok(())
}
