//! Whom what this process creates is for.

use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use rustix::fs::Mode;
use rustix::process::{Gid, Uid, geteuid, umask};

/// Bits that are taken from all that is created in a directory of the mode `dir`, or in one that is still to be made.
///
/// A directory that is open to its group and to nobody else (750, 2770) was made so that the group may look, or work,
/// in it. One that is open to everybody, as `mkdir` makes them, tells nothing.
///
/// Where the directory is somebody else's, as for a command that root runs beside a server, nothing is taken: its owner
/// must be able to read what is left there.
fn taken(dir: Option<u32>, is_own: bool) -> u32 {
    match dir {
        Some(_) if !is_own => 0,
        Some(mode) if mode & 0o070 != 0 && mode & 0o007 == 0 => 0o007 | (0o070 & !mode),
        _ => 0o077,
    }
}

/// Sees to it that all that this process creates from here on, also what libraries create, is its owner's alone (600,
/// directories 700), or its group's too, where the directory at `dir` is there and open to its group and to nobody
/// else. In a directory of another user's the `umask` stays as it is. What was there before keeps its mode, and an
/// `umask` that forbids more holds.
///
/// To be called while no other thread creates anything.
pub fn keep_private(dir: &Path) {
    #[allow(clippy::disallowed_methods, reason = "modes are looked at here and nowhere else")]
    let found = std::fs::metadata(dir).ok();
    let is_own = found.as_ref().is_none_or(|found| found.uid() == geteuid().as_raw());
    let mode = found.map(|found| found.permissions().mode());
    let before = umask(Mode::from_raw_mode(0o077));
    umask(before | Mode::from_raw_mode(taken(mode, is_own)));
}

/// Becomes, where this process is root's, the user whose data lies in `dir`: the owner of the file called `database` in
/// it, else of the folder itself. What a command that root runs leaves there is that user's then, whose server has to
/// write it. Answers whether that is so.
///
/// It is for good, and for the thread that calls it with those that it starts later.
///
/// # Errors
/// Where the system does not let it.
pub fn become_owner(dir: &Path, database: &str) -> io::Result<bool> {
    use rustix::thread::{set_thread_groups, set_thread_res_gid, set_thread_res_uid};
    let Some(found) = other_owner(dir, database) else {
        return Ok(false);
    };
    let (user, group) = (Uid::from_raw(found.uid()), Gid::from_raw(found.gid()));
    set_thread_groups(&[group])?;
    set_thread_res_gid(group, group, group)?;
    set_thread_res_uid(user, user, user)?;
    keep_private(dir);
    Ok(true)
}

/// The number of the user that [`become_owner`] would become; nothing where this process is not root's, or the data is.
pub fn owner_beside_root(dir: &Path, database: &str) -> Option<u32> {
    other_owner(dir, database).map(|found| found.uid())
}

/// What says whose the data is, where this process is root's and the data is not.
fn other_owner(dir: &Path, database: &str) -> Option<std::fs::Metadata> {
    if !geteuid().is_root() {
        return None;
    }
    #[allow(clippy::disallowed_methods, reason = "owners are looked at here and nowhere else")]
    let found = std::fs::symlink_metadata(dir.join(database)).or_else(|_| std::fs::metadata(dir));
    found.ok().filter(|found| found.uid() != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_says_by_its_mode_whether_its_group_is_meant() {
        for (mode, umask) in [
            (None, 0o077),
            (Some(0o40_755), 0o077),
            (Some(0o40_777), 0o077),
            (Some(0o40_700), 0o077),
            (Some(0o40_750), 0o027),
            (Some(0o42_770), 0o007),
        ] {
            assert_eq!(taken(mode, true), umask, "{mode:?}");
        }
        assert_eq!(taken(Some(0o40_700), false), 0);
        assert_eq!(taken(None, true), 0o077);
    }
}
