//! How much memory this process may use: the machine's, or less where it lives in a control group that has less.
//!
//! What a process reads into the system's cache counts as its group's memory
//! (<https://docs.kernel.org/admin-guide/cgroup-v2.html>, "Memory Ownership"). A service with `MemoryMax=`, or a
//! container with a limit, would push its own pages out with it.
#![allow(
    clippy::disallowed_methods,
    reason = "files of the kernel are read here, not those of the program"
)]

use std::fs;
use std::path::{Component, Path};

/// Where control groups of the second version are mounted, also beside the first.
const UNIFIED: [&str; 2] = ["sys/fs/cgroup", "sys/fs/cgroup/unified"];
/// Where those of the first version are that limit memory.
const FIRST: &str = "sys/fs/cgroup/memory";

/// Bytes of memory that this process may use, 0 where that is not known.
pub(crate) fn memory() -> u64 {
    of_machine().min(of_groups(Path::new("/")).unwrap_or(u64::MAX))
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn of_machine() -> u64 {
    let info = rustix::system::sysinfo();
    (info.totalram as u64).saturating_mul(info.mem_unit.into())
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn of_machine() -> u64 {
    0
}

/// The least that a group of this process may use, of those that can be seen below `root`; none where none is limited.
fn of_groups(root: &Path) -> Option<u64> {
    let groups = fs::read_to_string(root.join("proc/self/cgroup")).ok()?;
    let limits = groups.lines().filter_map(|line| {
        // Number, controllers, path (`man 7 cgroups`).
        let mut parts = line.splitn(3, ':');
        let (number, controllers, path) = (parts.next()?, parts.next()?, Path::new(parts.next()?));
        if number == "0" && controllers.is_empty() {
            let of = |mount: &&str| least(&root.join(mount), path, &["memory.max", "memory.high"]);
            return UNIFIED.iter().filter_map(of).min();
        }
        let is_memory = controllers.split(',').any(|controller| controller == "memory");
        is_memory.then(|| least(&root.join(FIRST), path, &["memory.limit_in_bytes"]))?
    });
    limits.min()
}

/// The least that the files of these names say, in the group at `path` and in those that it lies in.
fn least(mount: &Path, path: &Path, files: &[&str]) -> Option<u64> {
    let parts: Vec<_> = path.components().filter(|part| *part != Component::RootDir).collect();
    // A group outside of this process's view of them.
    let is_below = parts.iter().all(|part| matches!(part, Component::Normal(_)));
    let depth = if is_below { parts.len() } else { 0 };
    let said = (0..=depth).flat_map(|depth| {
        let group = parts[..depth].iter().fold(mount.to_owned(), |at, part| at.join(part));
        // `max` is no limit. In a container the path may be that of the host, whose groups are not there.
        files
            .iter()
            .filter_map(move |file| fs::read_to_string(group.join(file)).ok()?.trim().parse().ok())
    });
    said.min()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIB: u64 = 1 << 30;

    /// What is found where the kernel says `own` of the process, and its files these.
    fn found(own: &str, files: &[(&str, &str)]) -> Option<u64> {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in [&[("proc/self/cgroup", own)], files].concat() {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        of_groups(root.path())
    }

    #[test]
    fn the_least_of_the_own_group_and_of_those_around_it_counts() {
        // As systemd has it: a service of a slice.
        let own = "0::/system.slice/bosbase.service\n";
        let of = |service: (&str, &str), slice: &str| {
            let (max, high) = service;
            found(
                own,
                &[
                    ("sys/fs/cgroup/cgroup.controllers", "cpuset cpu io memory pids\n"),
                    ("sys/fs/cgroup/system.slice/memory.max", slice),
                    ("sys/fs/cgroup/system.slice/memory.high", "max\n"),
                    ("sys/fs/cgroup/system.slice/bosbase.service/memory.max", max),
                    ("sys/fs/cgroup/system.slice/bosbase.service/memory.high", high),
                    ("sys/fs/cgroup/user.slice/memory.max", "4096\n"),
                ],
            )
        };
        assert_eq!(of(("max\n", "max\n"), "max\n"), None);
        assert_eq!(of(("1073741824\n", "max\n"), "max\n"), Some(GIB));
        assert_eq!(of(("1073741824\n", "536870912\n"), "max\n"), Some(GIB / 2));
        assert_eq!(of(("1073741824\n", "max\n"), "268435456\n"), Some(GIB / 4));
    }

    #[test]
    fn a_container_sees_its_own_group_alone() {
        let limited = [
            ("sys/fs/cgroup/memory.max", "268435456\n"),
            ("sys/fs/cgroup/memory.high", "max\n"),
        ];
        // With groups of its own, with the host's, and with one beside those that it sees.
        for own in [
            "0::/\n",
            "0::/system.slice/docker-3f1c.scope\n",
            "0::/../../other.scope\n",
        ] {
            assert_eq!(found(own, &limited), Some(GIB / 4), "{own}");
        }
    }

    #[test]
    fn groups_of_the_first_version_count_as_well() {
        let own = "12:pids:/docker/3f1c\n4:memory:/docker/3f1c\n3:cpu,cpuacct:/docker/3f1c\n0::/docker/3f1c\n";
        let unlimited = ("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
        let limited = ("sys/fs/cgroup/memory/docker/3f1c/memory.limit_in_bytes", "536870912\n");
        assert_eq!(found(own, &[unlimited, limited]), Some(GIB / 2));
        let beside = ("sys/fs/cgroup/unified/docker/3f1c/memory.high", "268435456\n");
        assert_eq!(found(own, &[unlimited, limited, beside]), Some(GIB / 4));
        // More than any machine has.
        assert_eq!(found(own, &[unlimited]), Some(9_223_372_036_854_771_712));
    }

    #[test]
    fn what_can_t_be_read_limits_nothing() {
        assert_eq!(of_groups(Path::new("/nowhere")), None);
        for own in ["", "0::\n", "nonsense\n", "4:memory\n"] {
            assert_eq!(found(own, &[]), None, "{own}");
        }
        assert_eq!(found("0::/a\n", &[("sys/fs/cgroup/a/memory.max", "lots\n")]), None);
        assert!(cfg!(not(target_os = "linux")) || memory() > 0);
    }
}
