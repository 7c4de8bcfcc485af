//! `bosbase superuser …`, on a stopped data directory or beside a running server.

use bosbase_app::App;
use bosbase_app::jobs::require_application;

use super::Failure;
use super::args::SuperuserAction;
use super::global::Global;
use super::output::say;

/// Does what was asked and says so.
pub fn run(global: &Global, action: &SuperuserAction) -> Result<(), Failure> {
    if matches!(
        action,
        SuperuserAction::Update(_)
            | SuperuserAction::Delete { .. }
            | SuperuserAction::Otp { .. }
            | SuperuserAction::Unlock
    ) {
        require_application(&global.dir)?;
    }
    // A mistyped directory would be made, and nobody would know why the login fails.
    let is_new = require_application(&global.dir).is_err();
    let app = App::open(global.options()?)?;
    let done = match action {
        SuperuserAction::Upsert(who) => {
            app.accounts().upsert_superuser(&who.email, &who.password)?;
            format!("Successfully saved superuser \"{}\"!", who.email)
        }
        SuperuserAction::Create(who) => {
            app.accounts().create_superuser(&who.email, &who.password)?;
            format!("Successfully created new superuser \"{}\"!", who.email)
        }
        SuperuserAction::Update(who) => {
            app.accounts().update_superuser(&who.email, &who.password)?;
            format!("Successfully changed superuser \"{}\" password!", who.email)
        }
        SuperuserAction::Unlock => {
            let done = app.accounts().unlock_superusers()?;
            let mut said = if done.changed.is_empty() {
                "Nothing had to be changed.".to_owned()
            } else {
                format!(
                    "Changed: {}. A server that runs has to be restarted to notice.",
                    done.changed.join(", ")
                )
            };
            said.push_str(&match done.left {
                None => " With a password superusers can log in from any address.".to_owned(),
                Some(why) => format!(
                    " Still no superuser can log in: {why}. Make one who can: bosbase superuser upsert EMAIL PASSWORD --dir {}",
                    global.dir.display()
                ),
            });
            said
        }
        SuperuserAction::Otp { email } => {
            let made = app.accounts().superuser_one_time_password(email)?;
            format!(
                "Successfully created OTP for superuser \"{email}\":\n├─ Id:    {}\n├─ Pass:  {}\n└─ Valid: {}s",
                made.id, made.password, made.seconds
            )
        }
        SuperuserAction::Delete { email } => {
            app.accounts().delete_superuser(email)?;
            format!("Successfully deleted superuser \"{email}\"!")
        }
    };
    app.close()?;
    say(&done);
    if is_new {
        let dir = global.dir.display();
        say(&format!(
            "There was no data in {dir} before: a new data directory was made there. For another one add --dir."
        ));
    }
    Ok(())
}
