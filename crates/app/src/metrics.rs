//! Numbers for a monitoring system, as Prometheus' text
//! (<https://prometheus.io/docs/instrumenting/exposition_formats/>).

use std::fmt::{Display, Write as _};

use crate::files::FileStore;

/// The text in the making. A metric's samples follow its head at once, as the format wants it.
#[derive(Debug, Default)]
pub struct Metrics(String);

impl Metrics {
    /// A number that goes up and down, without labels.
    pub(crate) fn gauge(&mut self, name: &str, help: &str, value: impl Display) {
        self.gauges(name, help).sample(&[], value);
    }

    /// A number that goes up and down, for each set of labels.
    pub(crate) fn gauges<'a>(&'a mut self, name: &'a str, help: &str) -> Samples<'a> {
        self.head(name, help, "gauge")
    }

    /// A number that only goes up while the process lives, for each set of labels.
    pub(crate) fn counters<'a>(&'a mut self, name: &'a str, help: &str) -> Samples<'a> {
        self.head(name, help, "counter")
    }

    /// Adds whose the bucket of `files` is; nothing where that is not known.
    pub fn add_files(&mut self, files: &FileStore) {
        if let Some(is_foreign) = files.is_foreign() {
            self.gauge(
                "bosbase_files_bucket_owned",
                "Whether the bucket of the uploaded files is this data directory's to delete in.",
                u8::from(!is_foreign),
            );
        }
    }

    fn head<'a>(&'a mut self, name: &'a str, help: &str, kind: &str) -> Samples<'a> {
        let Self(text) = self;
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
        Samples { text, name }
    }

    /// All of it.
    #[must_use]
    pub fn into_text(self) -> String {
        self.0
    }
}

/// The samples of one metric.
pub(crate) struct Samples<'a> {
    text: &'a mut String,
    name: &'a str,
}

impl Samples<'_> {
    /// Adds a sample. Neither labels nor their values need escaping: they are this program's own words.
    pub(crate) fn sample(&mut self, labels: &[(&str, &str)], value: impl Display) {
        self.text.push_str(self.name);
        for (position, (label, value)) in labels.iter().enumerate() {
            let before = if position == 0 { '{' } else { ',' };
            let _ = write!(self.text, "{before}{label}=\"{value}\"");
        }
        let after = if labels.is_empty() { "" } else { "}" };
        let _ = writeln!(self.text, "{after} {value}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_follow_the_head_of_their_metric() {
        let mut metrics = Metrics::default();
        metrics.gauge("up", "Whether it is up.", 1);
        let mut jobs = metrics.counters("jobs_total", "Jobs that ended.");
        jobs.sample(&[("kind", "create"), ("outcome", "failed")], 2);
        jobs.sample(&[("kind", "undo")], 0.5);
        let expected = "# HELP up Whether it is up.\n# TYPE up gauge\nup 1\n\
                        # HELP jobs_total Jobs that ended.\n# TYPE jobs_total counter\n\
                        jobs_total{kind=\"create\",outcome=\"failed\"} 2\njobs_total{kind=\"undo\"} 0.5\n";
        assert_eq!(metrics.into_text(), expected);
    }
}
