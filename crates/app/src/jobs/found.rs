//! What a proof found.

use bosbase_backup::create::Names;
use bosbase_backup::{Depth, Examined, Inventory};

use super::content::{Content, Inside};
use super::proofs::Verdict;

/// Of the files that a warning is about, so many are named.
const NAMED: usize = 5;

/// What a proof found that did not fail.
#[derive(Debug)]
pub(super) struct Found {
    pub depth: Depth,
    /// Files that records name and that are not in the backup.
    missing: Names,
    /// Whether the job told of those before.
    is_told: bool,
    /// What it holds.
    pub content: Content,
}

impl Found {
    /// Of a backup that was just made, with a warning of the files that were `missing` then. Its databases hold what
    /// is `inside`.
    pub(super) fn made(missing: Names, inventory: &Inventory, inside: Option<Inside>) -> Self {
        Self {
            depth: Depth::Databases,
            missing,
            is_told: true,
            content: Content::of(inventory, inside),
        }
    }

    /// What the users of the backup called `key` should know.
    pub(super) fn warning(&self, key: &str) -> Option<String> {
        let mut warnings = Vec::new();
        if self.depth == Depth::Bytes {
            warnings.push(format!(
                "There was no room to unpack the databases of {key}: its bytes are as they should be, its databases were not opened."
            ));
        }
        if self.missing.count > 0 && !self.is_told {
            let (count, some) = (self.missing.count, some(&self.missing));
            let files = if count == 1 { "file" } else { "files" };
            warnings.push(format!("{key} lacks {count} {files} that its records name: {some}."));
        }
        (!warnings.is_empty()).then(|| warnings.join(" "))
    }

    /// What examining one found, whose databases hold what is `inside` where they were opened.
    pub(super) fn examined(examined: Examined, inside: Option<Inside>) -> Self {
        Self {
            depth: examined.depth,
            missing: examined.missing,
            is_told: false,
            content: Content::of(&examined.inventory, inside),
        }
    }

    pub(super) fn verdict(&self) -> Verdict {
        Verdict::Proven {
            depth: self.depth,
            missing: (self.depth == Depth::Databases).then_some(self.missing.count),
        }
    }
}

/// The first of these names.
pub(super) fn some(names: &Names) -> String {
    let shown: Vec<&str> = names.first.iter().take(NAMED).map(String::as_str).collect();
    let more = if names.count > shown.len() as u64 { ", …" } else { "" };
    format!("{}{more}", shown.join(", "))
}
