//! Where mails went, and where they go.

use std::path::{Path, PathBuf};

use bosbase_disk::{Disk as _, RealDisk};

use super::report::Report;
use crate::settings::Settings;

/// Where PocketBase looks for the machine's program, before it looks along `PATH`.
const USUAL: [&str; 2] = ["/usr/sbin/sendmail", "/usr/bin/sendmail"];

pub(super) fn look(settings: &Settings, report: &mut Report) {
    if settings.smtp.enabled {
        report.works("mails", format!("Mails go to the server {}.", settings.smtp.host));
        return;
    }
    match sendmail() {
        Some(program) => report.differs(
            "mails",
            format!(
                "No mail server is set up (settings.smtp), so no mail is sent. PocketBase has {} send them on this \
                 machine.",
                program.display()
            ),
        ),
        None => report.note(
            "mails",
            "No mail server is set up (settings.smtp), so no mail is sent. PocketBase asks the machine's sendmail then, \
             which this one does not have.",
        ),
    }
}

/// The program that PocketBase has send mails where no server is set up.
fn sendmail() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let usual = USUAL.iter().map(PathBuf::from);
    let along = std::env::split_paths(&path).map(|folder| folder.join("sendmail"));
    let is_there = |program: &PathBuf| is_program(program);
    usual.chain(along).find(is_there)
}

fn is_program(path: &Path) -> bool {
    path.is_absolute() && matches!(RealDisk.exists(path), Ok(true))
}
