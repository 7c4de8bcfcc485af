//! What is wrong with a definition, as a tree that follows the definition's own shape.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::error::{Error, FieldErrors};

/// A complaint, or complaints about the parts of something.
///
/// Messages are worded as PocketBase has them internally (`cannot be blank`, which an import reports as it is); the API
/// shows them as sentences.
#[derive(Debug, Clone, PartialEq)]
pub enum Problem {
    /// What is wrong with one value.
    Value {
        /// Stable name of the rule that was broken.
        code: &'static str,
        /// What is wrong.
        message: String,
        /// The rule's limits, for a client that words the message itself.
        params: Option<Value>,
    },
    /// What is wrong with the parts, by name or index.
    Parts(Problems),
}

/// Complaints by field or index.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Problems(BTreeMap<String, Problem>);

/// A check of one value.
pub type Check = Result<(), Problem>;

impl Problem {
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self::Value {
            code,
            message: message.into(),
            params: None,
        }
    }

    pub fn with(code: &'static str, message: impl Into<String>, params: Value) -> Self {
        Self::Value {
            code,
            message: message.into(),
            params: Some(params),
        }
    }

    pub fn required() -> Self {
        Self::new("validation_required", "cannot be blank")
    }

    /// The same complaint about the part called `name`.
    pub fn at(self, name: impl Into<String>) -> Self {
        let mut parts = Problems::default();
        parts.add(name, self);
        Self::Parts(parts)
    }

    fn to_wire(&self) -> Value {
        match self {
            Self::Value { code, message, params } => {
                let mut wire = json!({"code": code, "message": sentence(message)});
                if let Some(params) = params {
                    wire["params"] = params.clone();
                }
                wire
            }
            Self::Parts(parts) => Value::Object(parts.to_wire()),
        }
    }

    pub fn to_plain(&self) -> Value {
        match self {
            Self::Value { message, .. } => json!(message),
            Self::Parts(parts) => parts.to_plain(),
        }
    }
}

impl Problems {
    /// Adds a complaint; the first one about a part stays.
    pub fn add(&mut self, name: impl Into<String>, problem: Problem) {
        self.0.entry(name.into()).or_insert(problem);
    }

    /// Adds what a check found.
    pub fn check(&mut self, name: impl Into<String>, check: Check) {
        if let Err(problem) = check {
            self.add(name, problem);
        }
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// `Ok` where there is nothing to complain of.
    pub fn into_check(self) -> Check {
        if self.is_empty() {
            Ok(())
        } else {
            Err(Problem::Parts(self))
        }
    }

    /// The complaints as messages only, as an import reports them.
    pub fn to_plain(&self) -> Value {
        self.0
            .iter()
            .map(|(name, problem)| (name.clone(), problem.to_plain()))
            .collect()
    }

    fn to_wire(&self) -> Map<String, Value> {
        self.0
            .iter()
            .map(|(name, problem)| (name.clone(), problem.to_wire()))
            .collect()
    }

    /// The error that says them all.
    pub fn into_error(self, message: &str) -> Error {
        Error::validation(message, FieldErrors::from(self.to_wire()))
    }
}

impl IntoIterator for Problems {
    type Item = (String, Problem);
    type IntoIter = std::collections::btree_map::IntoIter<String, Problem>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

/// `text` with a capital and a full stop.
pub fn sentence(text: &str) -> String {
    let text = text.trim();
    let mut letters = text.chars();
    let Some(first) = letters.next() else {
        return String::new();
    };
    let mut sentence: String = first.to_uppercase().chain(letters).collect();
    if !sentence.ends_with(['.', '?', '!']) {
        sentence.push('.');
    }
    sentence
}
