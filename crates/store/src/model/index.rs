//! `CREATE INDEX` statements as collections keep them: taken apart and written out again.

use std::sync::LazyLock;

use regex::Regex;

/// The longest name of an index that is made here, in bytes.
const MAX_NAME: usize = 64;
/// The column of addresses, many of which may be empty.
const EMAIL: &str = "email";

/// An index of a collection's table.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Index {
    /// Whether two rows must differ in it.
    pub unique: bool,
    /// Whether it was written with `IF NOT EXISTS`.
    pub optional: bool,
    /// The database it was qualified with, mostly none.
    pub schema: String,
    /// Its name, unique in the database.
    pub name: String,
    /// The table it is on. Empty where the text names none: PocketBase before 0.40 stored what a scaffold holds, and
    /// put the collection's table in when it made the index.
    pub table: String,
    /// What it is made of, in order.
    pub columns: Vec<IndexColumn>,
    /// The condition of a partial index, empty for none.
    pub condition: String,
}

/// One column or expression of an index.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IndexColumn {
    /// The column's name, unquoted, or an expression.
    pub name: String,
    /// Its collation, empty for the default.
    pub collate: String,
    /// `ASC`, `DESC` or empty.
    pub sort: String,
}

static STATEMENT: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(concat!(
        r"(?is)create\s+(unique\s+)?\s*index\s*(if\s+not\s+exists\s+)?(\S*)\s+on\s+(\S*?)\s*",
        r"\((.*)\)(?:\s*where\s+(.*))?\s*$"
    ))
    .expect("the expression is constant and valid")
});

static COLUMN: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?is)^(.+?)(?:\s+collate\s+(\w+))?(?:\s+(asc|desc))?$").expect("the expression is constant and valid")
});

impl Index {
    /// The index that `sql` makes; `None` where it is not a `CREATE INDEX` with a name and columns. It may name no
    /// table.
    #[must_use]
    pub fn parse(sql: &str) -> Option<Self> {
        let parts = STATEMENT.captures(sql)?;
        let text = |at: usize| parts.get(at).map_or("", |part| part.as_str());
        let qualified = text(3);
        let (schema, name) = match qualified.split_once('.') {
            Some((schema, name)) => (unquote(schema), unquote(name)),
            None => (String::new(), unquote(qualified)),
        };
        let columns: Vec<IndexColumn> = split_columns(text(5))
            .iter()
            .filter_map(|column| {
                let parts = COLUMN.captures(column.trim())?;
                let text = |at: usize| parts.get(at).map_or("", |part| part.as_str());
                let name = unquote(text(1));
                (!name.is_empty()).then(|| IndexColumn {
                    name,
                    collate: text(2).to_owned(),
                    sort: text(3).to_uppercase(),
                })
            })
            .collect();
        let index = Self {
            unique: parts.get(1).is_some(),
            optional: parts.get(2).is_some(),
            schema,
            name,
            table: unquote(text(4)),
            columns,
            condition: text(6).trim().trim_end_matches(';').trim_end().to_owned(),
        };
        (!index.name.is_empty() && !index.columns.is_empty()).then_some(index)
    }

    /// The unique index on `column` alone that every auth collection has, called after what `suffix` names.
    #[must_use]
    pub fn of_identity(column: &str, table: &str, suffix: &str) -> Self {
        let mut name = format!("idx_{column}_{suffix}");
        while name.len() > MAX_NAME {
            name.pop();
        }
        Self {
            unique: true,
            name,
            table: table.to_owned(),
            columns: vec![IndexColumn {
                name: column.to_owned(),
                ..IndexColumn::default()
            }],
            condition: if column == EMAIL { "`email` != ''" } else { "" }.to_owned(),
            ..Self::default()
        }
    }

    /// Whether it makes `column` alone unique.
    #[must_use]
    pub fn makes_unique(&self, column: &str) -> bool {
        self.unique && matches!(self.columns.as_slice(), [only] if only.name.eq_ignore_ascii_case(column))
    }

    /// The stored text `sql` as one of an index of `table`; `None` where it is that already, or no index at all.
    #[must_use]
    pub fn on_table(sql: &str, table: &str) -> Option<String> {
        let mut index = Self::parse(sql).filter(|index| index.table != table)?;
        table.clone_into(&mut index.table);
        Some(index.statement())
    }

    /// The statement that makes it, in the one form PocketBase writes too.
    #[must_use]
    pub fn statement(&self) -> String {
        let mut sql = String::from("CREATE ");
        if self.unique {
            sql.push_str("UNIQUE ");
        }
        sql.push_str("INDEX ");
        if self.optional {
            sql.push_str("IF NOT EXISTS ");
        }
        if !self.schema.is_empty() {
            sql.push_str(&quote(&self.schema));
            sql.push('.');
        }
        sql.push_str(&format!("{} ON {} (", quote(&self.name), quote(&self.table)));
        let columns: Vec<String> = self.columns.iter().map(IndexColumn::text).collect();
        if columns.len() > 1 {
            sql.push_str(&format!("\n  {}\n", columns.join(",\n  ")));
        } else {
            sql.push_str(&columns.concat());
        }
        sql.push(')');
        if !self.condition.is_empty() {
            sql.push_str(&format!(" WHERE {}", self.condition));
        }
        sql
    }
}

impl IndexColumn {
    /// What it compares: the column or expression with its collation.
    pub(crate) fn value(&self) -> String {
        // What holds a space or a parenthesis is an expression.
        let mut text = if self.name.contains(['(', ' ']) {
            self.name.clone()
        } else {
            quote(&self.name)
        };
        if !self.collate.is_empty() {
            text.push_str(&format!(" COLLATE {}", self.collate));
        }
        text
    }

    fn text(&self) -> String {
        let mut text = self.value();
        if !self.sort.is_empty() {
            text.push_str(&format!(" {}", self.sort));
        }
        text
    }
}

/// `name` as an identifier, with any characters in it. Backticks, as PocketBase writes them.
pub(crate) fn quote(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

fn unquote(name: &str) -> String {
    name.trim_matches(|c: char| c.is_whitespace() || "`\"'[];".contains(c))
        .to_owned()
}

/// Splits at commas outside of parentheses and quotes.
fn split_columns(text: &str) -> Vec<String> {
    let mut columns = vec![String::new()];
    let mut depth = 0_u32;
    let mut quoted_by = None;
    for c in text.chars() {
        match (quoted_by, c) {
            (Some(quote), _) if c == quote => quoted_by = None,
            (Some(_), _) => {}
            (None, '`' | '"' | '\'') => quoted_by = Some(c),
            (None, '(') => depth += 1,
            (None, ')') => depth = depth.saturating_sub(1),
            (None, ',') if depth == 0 => {
                columns.push(String::new());
                continue;
            }
            _ => {}
        }
        if let Some(column) = columns.last_mut() {
            column.push(c);
        }
    }
    columns
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `CREATE INDEX …; DROP TABLE users` was once stored as the definition of an index, its second half unseen.
    #[test]
    fn what_follows_the_statement_makes_it_none() {
        assert_eq!(Index::parse("CREATE INDEX `i` ON `t` (`id`); DROP TABLE users"), None);
        assert_eq!(Index::parse("CREATE INDEX `i` ON `t` (`id`) more"), None);
        assert!(Index::parse("CREATE INDEX `i` ON `t` (`id`)\n  ").is_some());
    }

    #[test]
    fn a_statement_is_written_the_way_pocketbase_does() {
        for (given, written) in [
            (
                "create unique index if not exists foo on every (t collate nocase desc,  n) where n > 0",
                "CREATE UNIQUE INDEX IF NOT EXISTS `foo` ON `every` (\n  `t` COLLATE nocase DESC,\n  `n`\n) WHERE n > 0",
            ),
            (
                "CREATE INDEX `a`.idx ON [posts](lower(title), \"x,y\")",
                "CREATE INDEX `a`.`idx` ON `posts` (\n  lower(title),\n  `x,y`\n)",
            ),
            ("CREATE INDEX i ON t (a)", "CREATE INDEX `i` ON `t` (`a`)"),
        ] {
            assert_eq!(Index::parse(given).unwrap().statement(), written);
        }
        assert_eq!(Index::parse("DROP TABLE x"), None);
        assert_eq!(Index::parse("CREATE INDEX ON t (a)"), None);
    }

    /// Such texts were taken for no indexes at all, and those of the table were dropped as unknown.
    #[test]
    fn a_text_that_names_no_table_is_an_index_of_its_collections() {
        for given in [
            "CREATE UNIQUE INDEX `i` ON `` (`a`) WHERE `a` != ''",
            "create unique index i on (a) where `a` != ''",
            "CREATE UNIQUE INDEX i ON '' (a)  WHERE `a` != ''",
            "CREATE UNIQUE INDEX [i] ON [](a) WHERE `a` != '';",
            "CREATE UNIQUE INDEX `i` ON `T` (`a`) WHERE `a` != ''",
        ] {
            let text = Index::on_table(given, "t").unwrap();
            assert_eq!(text, "CREATE UNIQUE INDEX `i` ON `t` (`a`) WHERE `a` != ''", "{given}");
            assert_eq!(Index::on_table(&text, "t"), None);
        }
        assert_eq!(Index::on_table("CREATE INDEX `` ON `` (a)", "t"), None);
        assert_eq!(Index::on_table("CREATE INDEX i ON `` ()", "t"), None);
    }
}
