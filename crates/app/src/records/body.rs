//! What a client sent to create or change a record.

use serde_json::{Map, Value};

use super::value;
use crate::files::Upload;

/// Values by key (a field's name, perhaps with a modifier such as `tags+`) and uploaded files by key, in the order
/// sent.
#[derive(Debug, Default)]
pub struct Body {
    /// The values, as JSON or as guessed from a form's strings.
    pub values: Map<String, Value>,
    /// The files.
    pub files: Vec<(String, Upload)>,
}

impl Body {
    /// A body without files.
    #[must_use]
    pub fn from_values(values: Map<String, Value>) -> Self {
        Self {
            values,
            files: Vec::new(),
        }
    }

    /// The id that it names, if any.
    pub(super) fn id(&self) -> Option<String> {
        self.values.get("id").map(value::text).filter(|id| !id.is_empty())
    }
}
