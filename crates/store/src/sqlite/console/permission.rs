//! What SQL that somebody wrote may do, asked by SQLite for each part of a statement before the statement runs
//! (<https://sqlite.org/c3ref/set_authorizer.html>).
//!
//! Everything is refused that reaches beyond the transaction at hand: other files, the connection's own state, the
//! write-ahead log, and the tables that this program keeps in memory.

use std::sync::Arc;

use parking_lot::Mutex;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};

/// The tables that requests are served from memory of.
const KEPT_IN_MEMORY: [&str; 3] = ["_collections", "_params", "_migrations"];

/// The pragmas that only tell something, whatever they are given: a table, an index, a number of lines.
const TELLING: [&str; 10] = [
    "table_info",
    "table_xinfo",
    "table_list",
    "index_list",
    "index_info",
    "index_xinfo",
    "foreign_key_list",
    "foreign_key_check",
    "integrity_check",
    "quick_check",
];

/// The pragmas that tell something where they are given nothing, and set it otherwise.
const TELLING_ALONE: [&str; 17] = [
    "application_id",
    "cache_size",
    "collation_list",
    "compile_options",
    "data_version",
    "encoding",
    "foreign_keys",
    "freelist_count",
    "function_list",
    "journal_mode",
    "module_list",
    "page_count",
    "page_size",
    "pragma_list",
    "query_only",
    "synchronous",
    "user_version",
];

/// The functions whose time and result grow with the length of what they are given, and no faster. SQLite can't be
/// interrupted within a function: of the others, some take the product of two lengths.
const LINEAR: [&str; 91] = [
    "->",
    "->>",
    "abs",
    "acos",
    "asin",
    "atan",
    "atan2",
    "avg",
    "ceil",
    "ceiling",
    "changes",
    "char",
    "coalesce",
    "concat",
    "concat_ws",
    "cos",
    "count",
    "cume_dist",
    "current_date",
    "current_time",
    "current_timestamp",
    "date",
    "datetime",
    "degrees",
    "dense_rank",
    "exp",
    "first_value",
    "floor",
    "format",
    "group_concat",
    "hex",
    "ifnull",
    "iif",
    "json",
    "json_array",
    "json_array_length",
    "json_extract",
    "json_group_array",
    "json_group_object",
    "json_object",
    "json_quote",
    "json_type",
    "json_valid",
    "julianday",
    "lag",
    "last_insert_rowid",
    "last_value",
    "lead",
    "length",
    "ln",
    "log",
    "log10",
    "log2",
    "lower",
    "max",
    "min",
    "mod",
    "nth_value",
    "ntile",
    "nullif",
    "octet_length",
    "percent_rank",
    "pi",
    "pow",
    "power",
    "printf",
    "quote",
    "radians",
    "random",
    "randomblob",
    "rank",
    "round",
    "row_number",
    "sign",
    "sin",
    "sqrt",
    "strftime",
    "string_agg",
    "substr",
    "substring",
    "sum",
    "tan",
    "time",
    "total",
    "total_changes",
    "trunc",
    "typeof",
    "unicode",
    "unixepoch",
    "upper",
    "zeroblob",
];

/// Whether a function may take longer than in proportion to what it is given.
pub(super) fn is_costly(function: &str) -> bool {
    !LINEAR.iter().any(|name| name.eq_ignore_ascii_case(function))
}

/// What the statement does that was prepared last.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Seen {
    /// It would change something, which this connection does not.
    pub(super) wants_to_write: bool,
    /// It makes, changes or drops a table, an index or the like.
    pub(super) defines: bool,
    /// It makes a table or an index, whose expressions are worked out whenever somebody writes or reads.
    pub(super) keeps_expressions: bool,
    /// It changes a table. SQLite then asks for functions of its own, and not for those of a new column.
    pub(super) alters: bool,
    /// It calls a function that may be slow on long values.
    pub(super) is_costly: bool,
    /// Why it is refused.
    pub(super) refused: Option<&'static str>,
}

/// Answers SQLite's questions. Clones share what was seen.
#[derive(Debug, Clone)]
pub(super) struct Permission(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    may_write: bool,
    /// The program's own statements run.
    is_paused: bool,
    seen: Seen,
}

impl Permission {
    pub(super) fn new(may_write: bool) -> Self {
        Self(Arc::new(Mutex::new(State {
            may_write,
            is_paused: false,
            seen: Seen::default(),
        })))
    }

    /// Whether statements may do more than read.
    pub(super) fn may_write(&self) -> bool {
        self.0.lock().may_write
    }

    /// Forgets what was seen: the next statement begins.
    pub(super) fn begin(&self) {
        self.0.lock().seen = Seen::default();
    }

    pub(super) fn seen(&self) -> Seen {
        self.0.lock().seen
    }

    /// Runs statements of the program itself, which may do everything.
    pub(super) fn paused<T>(&self, work: impl FnOnce() -> T) -> T {
        self.0.lock().is_paused = true;
        let done = work();
        self.0.lock().is_paused = false;
        done
    }

    /// SQLite's question.
    pub(super) fn answer(&self, asked: &AuthContext<'_>) -> Authorization {
        let mut state = self.0.lock();
        let verdict = judge(asked);
        state.seen.is_costly |= verdict == Verdict::Costs;
        if state.is_paused {
            // A query under trial may name a pragma as a table: one that does more than tell may write.
            let is_own = matches!(asked.action, AuthAction::Pragma { pragma_name, .. } if pragma_name == "query_only");
            let is_pragma = matches!(asked.action, AuthAction::Pragma { .. });
            return match verdict {
                Verdict::Refused(_) if is_pragma && !is_own => Authorization::Deny,
                _ => Authorization::Allow,
            };
        }
        match verdict {
            Verdict::Reads | Verdict::Costs => Authorization::Allow,
            Verdict::Refused(why) => {
                state.seen.refused.get_or_insert(why);
                Authorization::Deny
            }
            Verdict::Changes | Verdict::Defines | Verdict::Keeps if !state.may_write => {
                state.seen.wants_to_write = true;
                Authorization::Deny
            }
            Verdict::Changes => Authorization::Allow,
            Verdict::Defines | Verdict::Keeps => {
                state.seen.defines = true;
                state.seen.keeps_expressions |= verdict == Verdict::Keeps;
                state.seen.alters |= matches!(asked.action, AuthAction::AlterTable { .. });
                Authorization::Allow
            }
        }
    }
}

/// What a part of a statement does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Reads,
    Costs,
    Changes,
    Defines,
    /// It defines what has expressions of its own.
    Keeps,
    Refused(&'static str),
}

fn judge(asked: &AuthContext<'_>) -> Verdict {
    use AuthAction as Act;
    use Verdict::{Changes, Costs, Defines, Keeps, Reads, Refused};
    const TEMPORARY: Verdict = Refused("temporary tables, views and triggers would outlive the request");
    const TEMPORARY_SCHEMA: [&str; 2] = ["sqlite_temp_master", "sqlite_temp_schema"];
    let is_temporary = asked
        .database_name
        .is_some_and(|name| name.eq_ignore_ascii_case("temp"));
    match asked.action {
        Act::Select | Act::Read { .. } | Act::Recursive => Reads,
        Act::Function { function_name } => {
            if function_name.eq_ignore_ascii_case("load_extension") {
                return Refused("extensions can't be loaded");
            }
            if is_costly(function_name) { Costs } else { Reads }
        }
        Act::Pragma {
            pragma_name,
            pragma_value,
        } => pragma(pragma_name, pragma_value),
        Act::CreateTempIndex { .. }
        | Act::CreateTempTable { .. }
        | Act::CreateTempTrigger { .. }
        | Act::CreateTempView { .. }
        | Act::DropTempIndex { .. }
        | Act::DropTempTable { .. }
        | Act::DropTempTrigger { .. }
        | Act::DropTempView { .. } => TEMPORARY,
        // A renaming looks there, too. By hand it may not be changed.
        Act::Update { table_name, .. } if is_temporary && TEMPORARY_SCHEMA.contains(&table_name) => Changes,
        _ if is_temporary => TEMPORARY,
        Act::Insert { table_name } | Act::Delete { table_name } | Act::Update { table_name, .. } => {
            table(table_name, Changes)
        }
        Act::CreateTable { table_name } | Act::AlterTable { table_name, .. } | Act::CreateIndex { table_name, .. } => {
            table(table_name, Keeps)
        }
        Act::DropTable { table_name } | Act::DropVtable { table_name, .. } | Act::DropIndex { table_name, .. } => {
            table(table_name, Defines)
        }
        Act::CreateView { .. }
        | Act::DropView { .. }
        | Act::DropTrigger { .. }
        | Act::Reindex { .. }
        | Act::Analyze { .. } => Defines,
        Act::CreateTrigger { .. } => Refused("triggers do not run here"),
        Act::CreateVtable { .. } => Refused("virtual tables can't be made"),
        Act::Attach { .. } | Act::Detach { .. } => Refused("other database files can't be attached"),
        Act::Transaction { .. } | Act::Savepoint { .. } => {
            Refused("the statements of a request are one transaction already")
        }
        _ => Refused("it is not known what this does"),
    }
}

fn table(name: &str, verdict: Verdict) -> Verdict {
    if KEPT_IN_MEMORY.iter().any(|kept| kept.eq_ignore_ascii_case(name)) {
        return Verdict::Refused(
            "_collections, _params and _migrations are read only; collections and settings have routes of their own",
        );
    }
    verdict
}

fn pragma(name: &str, value: Option<&str>) -> Verdict {
    let among = |list: &[&str]| list.iter().any(|known| known.eq_ignore_ascii_case(name));
    if among(&TELLING) || (value.is_none() && among(&TELLING_ALONE)) {
        Verdict::Reads
    } else {
        Verdict::Refused("this pragma is not one of those that only tell something")
    }
}
