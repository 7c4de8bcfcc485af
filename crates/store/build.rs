//! Refuses to build over a SQLite that lacks what snapshots and filters need.
//!
//! The bundled SQLite takes its options from `LIBSQLITE3_FLAGS`, which `.cargo/config.toml` sets for every build within
//! the repository. A build from elsewhere (`cargo install --git`) does not read that file, and its backups would fail
//! at run time.

/// The options that the code relies on.
const NEEDED: [&str; 3] = [
    "-DSQLITE_ENABLE_DBPAGE_VTAB",
    "-DSQLITE_ENABLE_GEOPOLY",
    "-DSQLITE_ENABLE_MATH_FUNCTIONS",
];

/// All options that `.cargo/config.toml` sets.
const FLAGS: &str = "-DHAVE_FDATASYNC=1 -DSQLITE_DEFAULT_MEMSTATUS=0 -DSQLITE_ENABLE_DBPAGE_VTAB \
                     -DSQLITE_ENABLE_GEOPOLY -DSQLITE_ENABLE_STAT4 -DSQLITE_ENABLE_MATH_FUNCTIONS";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=LIBSQLITE3_FLAGS");
    let set = std::env::var("LIBSQLITE3_FLAGS").unwrap_or_default();
    if NEEDED
        .iter()
        .any(|needed| !set.split_whitespace().any(|flag| flag == *needed))
    {
        println!(
            "cargo::error=SQLite has to be built with options of this repository. Build within it, or set them: LIBSQLITE3_FLAGS=\"{FLAGS}\""
        );
    }
}
