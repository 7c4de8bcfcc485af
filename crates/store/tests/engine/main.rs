//! What every engine has to do: the tests know only what `bosbase_store` shows to
//! everybody.
//!
//! Each test is run once for each engine. Another one is an implementation of [`harness::Engine`] and a line at the end
//! of this file.
#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

mod filters;
mod harness;
mod reads;
mod retries;
mod schema;
mod snapshots;
mod writes;

/// Runs every test for an engine.
macro_rules! conformance {
    ($name:ident, $engine:ty) => {
        mod $name {
            conformance!(@tests $engine, reads: [
                a_view_is_of_one_moment_whatever_is_written_meanwhile,
                a_view_waits_for_no_write,
                values_come_back_as_they_were_stored,
                records_are_found_by_ids_and_by_fields,
                pages_are_cut_and_counted,
                a_total_counts_all_that_was_acknowledged_before,
                a_meter_ends_what_reads_too_much,
            ]);
            conformance!(@tests $engine, writes: [
                what_was_acknowledged_is_there_after_opening_again,
                a_write_sees_what_it_wrote_and_nobody_else_does_until_it_is_done,
                an_error_or_a_panic_undoes_its_write_and_no_other,
                many_writers_lose_nothing,
                a_unique_index_refuses_and_names_its_columns,
                records_that_give_way_can_swap_what_an_index_keeps_unique,
                what_is_not_there_is_said_to_be_missing,
                a_write_inside_of_a_write_is_refused,
                a_closed_store_says_so,
            ]);
            conformance!(@tests $engine, retries: [
                a_write_that_runs_again_happens_once,
                a_schema_change_that_runs_again_happens_once,
                a_write_that_never_ends_is_ended,
            ]);
            conformance!(@tests $engine, snapshots: [
                a_snapshot_is_of_one_moment_and_opens_as_a_database,
                a_snapshot_names_the_files_of_its_records,
                a_snapshot_of_both_databases_is_whole,
            ]);
            conformance!(@tests $engine, schema: [
                a_collection_is_made_changed_and_deleted,
                a_renamed_field_keeps_its_values,
                a_change_that_fails_leaves_everything_as_it_was,
                a_refused_index_is_named_by_its_position,
                a_view_follows_what_it_selects_from,
                rules_are_checked_before_they_are_stored,
            ]);
            conformance!(@tests $engine, filters: [
                every_recorded_answer_of_pocketbase_is_ours_too,
                any_two_filters_can_be_combined,
                a_made_filter_takes_any_text_for_a_value,
            ]);
        }
    };
    (@tests $engine:ty, $module:ident: [$($test:ident),* $(,)?]) => {
        mod $module {
            $(
                #[test]
                fn $test() {
                    crate::$module::$test::<$engine>();
                }
            )*
        }
    };
}

conformance!(sqlite, crate::harness::Sqlite);
