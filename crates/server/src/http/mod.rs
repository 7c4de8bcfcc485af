//! Everything HTTP that is not about one resource.

pub mod access;
pub mod answer;
pub mod around;
pub mod body;
pub mod caller;
pub mod cors;
pub mod drain;
pub mod error;
pub mod fields;
pub mod form;
pub mod gather;
pub mod held;
pub mod host;
pub mod limit;
pub mod listen;
pub mod paging;
pub mod parts;
pub mod path;
pub mod range;
pub mod router;
pub mod slow;
pub mod state;
pub mod stream;
pub mod unsent;
pub mod values;
