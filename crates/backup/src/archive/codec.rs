//! How bytes get smaller: DEFLATE (RFC 1951), as a stream and for a whole buffer.
//!
//! The only file that knows the compressor, so that a faster or parallel one replaces it here.

use std::io::{self, Write};

use flate2::{Compress, Compression, FlushCompress, Status};

/// Measured on a SQLite file: level 1 saves a third, level 2 half, at 130 and 70 MiB/s.
const LEVEL: u32 = 2;

/// Bytes that get no smaller than this share (in percent) are stored as they are: unpacking them would cost time for nothing.
const WORTHWHILE_PERCENT: usize = 97;

const SAMPLE: usize = 16 << 10;

/// A DEFLATE compressor that can be used for one stream after another.
pub(super) struct Deflater {
    state: Compress,
    out: Vec<u8>,
}

impl Deflater {
    pub(super) fn new() -> Self {
        Self {
            state: Compress::new(Compression::new(LEVEL), false),
            out: Vec::with_capacity(64 << 10),
        }
    }

    /// Starts a new stream.
    pub(super) fn reset(&mut self) {
        self.state.reset();
    }

    /// Compresses the next piece of a stream into `sink`; returns how many bytes that gave.
    pub(super) fn write(&mut self, piece: &[u8], sink: &mut dyn Write) -> io::Result<u64> {
        self.run(piece, FlushCompress::None, sink)
    }

    /// Ends the stream.
    pub(super) fn finish(&mut self, sink: &mut dyn Write) -> io::Result<u64> {
        self.run(&[], FlushCompress::Finish, sink)
    }

    /// Compresses a buffer whole. `None` if it is not worth it.
    pub(super) fn whole(&mut self, bytes: &[u8]) -> io::Result<Option<Vec<u8>>> {
        self.reset();
        let mut packed = Vec::with_capacity(bytes.len() / 2);
        self.write(bytes, &mut packed)?;
        self.finish(&mut packed)?;
        Ok((packed.len() * 100 <= bytes.len() * WORTHWHILE_PERCENT).then_some(packed))
    }

    /// Tells from a few samples of its beginning whether a long stream is worth compressing.
    pub(super) fn worthwhile(&mut self, beginning: &[u8]) -> io::Result<bool> {
        let step = (beginning.len() / 4).max(SAMPLE);
        let samples: Vec<u8> = beginning
            .chunks(step)
            .flat_map(|chunk| &chunk[..chunk.len().min(SAMPLE)])
            .copied()
            .collect();
        Ok(self.whole(&samples)?.is_some())
    }

    fn run(&mut self, mut input: &[u8], flush: FlushCompress, sink: &mut dyn Write) -> io::Result<u64> {
        let mut written = 0;
        loop {
            self.out.clear();
            let before = self.state.total_in();
            let status = self
                .state
                .compress_vec(input, &mut self.out, flush)
                .map_err(io::Error::other)?;
            input = &input[(self.state.total_in() - before) as usize..];
            sink.write_all(&self.out)?;
            written += self.out.len() as u64;
            let room_left = self.out.len() < self.out.capacity();
            match (flush, status) {
                (FlushCompress::Finish, Status::StreamEnd) => return Ok(written),
                (FlushCompress::None, _) if input.is_empty() && room_left => return Ok(written),
                _ => {}
            }
        }
    }
}
