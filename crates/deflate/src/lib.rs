//! A DEFLATE encoder (RFC 1951) made for one job: pieces of a backup, each compressed on a core that is free, that
//! put one behind the other are a stream which any unzip reads.
//!
//! It gives some of the size that zlib would still find for several times the speed: one look for a match at each place
//! ([`matches`]), Huffman codes of its own for every block ([`huffman`], [`header`]), and blocks stored as they are
//! where that is shorter. Its output depends on its input alone. No unsafe code, no dependencies.
//!
//! ```
//! let mut encoder = bosbase_deflate::Encoder::new();
//! let mut stream = Vec::new();
//! encoder.block(b"two pieces, ", false, &mut stream);
//! encoder.block(b"one stream", true, &mut stream);
//! assert_eq!(stream[0] & 1, 0, "the first piece does not end the stream");
//! ```

mod bits;
mod encoder;
mod header;
mod huffman;
mod matches;
mod symbols;

pub use encoder::Encoder;
