//! What was found in a data directory, for people and for scripts.

use serde::Serialize;

/// One thing that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What it is about: a word for scripts.
    pub topic: &'static str,
    /// The finding in a sentence or more, on one line.
    pub text: String,
}

impl Finding {
    fn new(topic: &'static str, text: &str) -> Self {
        // Names out of a database must not move a terminal's cursor.
        let text = text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c });
        Self {
            topic,
            text: text.collect(),
        }
    }
}

/// What came of it all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Verdict {
    /// Nothing differs.
    Works,
    /// Something differs, is not honoured or has to be mended.
    Differs,
    /// It can't be served, or it can't be told.
    CannotServe,
}

impl Verdict {
    /// The exit code of the command.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Works => 0,
            Self::Differs => 1,
            Self::CannotServe => 2,
        }
    }
}

/// What works here of a data directory and what does not.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Why it can't be served, or can't be looked at.
    pub cannot_serve: Vec<Finding>,
    /// What is broken, also for PocketBase, and wants somebody's hand.
    pub to_mend: Vec<Finding>,
    /// What it asks for and this version does not do.
    pub not_honoured: Vec<Finding>,
    /// What is another way than it was.
    pub differs: Vec<Finding>,
    /// What is as it was.
    pub works: Vec<Finding>,
    /// What is good to know and changes no verdict.
    pub notes: Vec<Finding>,
}

impl Report {
    /// What came of it all.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        let is_same = self.to_mend.is_empty() && self.not_honoured.is_empty() && self.differs.is_empty();
        match (self.cannot_serve.is_empty(), is_same) {
            (false, _) => Verdict::CannotServe,
            (true, false) => Verdict::Differs,
            (true, true) => Verdict::Works,
        }
    }

    /// The sections that hold something, the gravest first, each with its heading.
    pub fn sections(&self) -> impl Iterator<Item = (&'static str, &[Finding])> {
        let sections: [(&'static str, &[Finding]); 6] = [
            ("Can't be served", &self.cannot_serve),
            ("Must be mended", &self.to_mend),
            ("Not honoured", &self.not_honoured),
            ("Differs", &self.differs),
            ("Works", &self.works),
            ("Good to know", &self.notes),
        ];
        sections.into_iter().filter(|(_, found)| !found.is_empty())
    }

    pub(super) fn cannot_serve(&mut self, topic: &'static str, text: impl AsRef<str>) {
        self.cannot_serve.push(Finding::new(topic, text.as_ref()));
    }

    pub(super) fn mend(&mut self, topic: &'static str, text: impl AsRef<str>) {
        self.to_mend.push(Finding::new(topic, text.as_ref()));
    }

    pub(super) fn not_honoured(&mut self, topic: &'static str, text: impl AsRef<str>) {
        self.not_honoured.push(Finding::new(topic, text.as_ref()));
    }

    pub(super) fn differs(&mut self, topic: &'static str, text: impl AsRef<str>) {
        self.differs.push(Finding::new(topic, text.as_ref()));
    }

    pub(super) fn works(&mut self, topic: &'static str, text: impl AsRef<str>) {
        self.works.push(Finding::new(topic, text.as_ref()));
    }

    pub(super) fn note(&mut self, topic: &'static str, text: impl AsRef<str>) {
        self.notes.push(Finding::new(topic, text.as_ref()));
    }
}
