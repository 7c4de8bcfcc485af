//! Everything HTTP that is not about one resource.

pub mod access;
pub mod body;
pub mod caller;
pub mod drain;
pub mod error;
pub mod fields;
pub mod form;
pub mod listen;
pub mod paging;
pub mod range;
pub mod router;
pub mod state;
pub mod stream;
