//! How fast this encoder and two others compress the given files on one core, in pieces of a quarter of a MiB, and how
//! small.
//!
//! `cargo run --release -p bosbase-deflate --example throughput -- FILE…`

#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a program of its own, which reads what it is told and prints"
)]

use std::time::Instant;

use bosbase_deflate::Encoder;

const PIECE: usize = 4 * 65_535;
const ROUNDS: usize = 10;

/// The best of several rounds, in MiB/s, and the share of the size that is left, in percent.
fn measure(bytes: &[u8], mut encode: impl FnMut(&[u8], &mut Vec<u8>)) -> (f64, f64) {
    let (mut best, mut size) = (f64::MAX, 0);
    let mut out = Vec::with_capacity(2 * PIECE);
    for _ in 0..ROUNDS {
        size = 0;
        let started = Instant::now();
        for piece in bytes.chunks(PIECE) {
            out.clear();
            encode(piece, &mut out);
            size += out.len();
        }
        best = best.min(started.elapsed().as_secs_f64());
    }
    (
        bytes.len() as f64 / best / f64::from(1 << 20),
        100.0 * size as f64 / bytes.len() as f64,
    )
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let quick = std::env::var_os("QUICK").is_some();
    println!("| file | bosbase | libdeflate 1 | zlib-rs 1 |\n| --- | --- | --- | --- |");
    for path in std::env::args().skip(1) {
        let bytes = std::fs::read(&path)?;
        let mut ours = Encoder::new();
        let mut results = vec![measure(&bytes, |piece, out| ours.block(piece, false, out))];
        if !quick {
            let mut theirs = libdeflater::Compressor::new(libdeflater::CompressionLvl::new(1).map_err(|_| "level")?);
            results.push(measure(&bytes, |piece, out| {
                for block in piece.chunks(65_535) {
                    let start = out.len();
                    out.resize(start + theirs.deflate_compress_bound(block.len()), 0);
                    let len = theirs.deflate_compress(block, &mut out[start..]).unwrap_or(block.len());
                    out.truncate(start + len);
                }
            }));
            let mut zlib = flate2::Compress::new(flate2::Compression::new(1), false);
            results.push(measure(&bytes, |piece, out| {
                zlib.reset();
                out.reserve(2 * PIECE);
                let ended = zlib.compress_vec(piece, out, flate2::FlushCompress::Finish);
                assert!(matches!(ended, Ok(flate2::Status::StreamEnd)));
            }));
        }
        let name = path.rsplit('/').next().unwrap_or(&path);
        let cells: Vec<String> = results
            .iter()
            .map(|(speed, size)| format!("{speed:.0}, {size:.1} %"))
            .collect();
        println!("| {name} | {} |", cells.join(" | "));
    }
    Ok(())
}
