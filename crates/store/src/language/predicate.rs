//! What a filter, a rule or an order asks for, with all names resolved: a typed tree, which an engine renders.
//!
//! No engine is known here. A tree names tables and columns of the schema, and keeps what somebody wrote or sent as
//! [`Literal`]s.

use super::token::Operator;

/// A value that somebody wrote or sent, or that a macro stands for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Literal {
    Null,
    /// Of a request's JSON: 0 or 1, but a word where it is a pattern.
    Bool(bool),
    Integer(i64),
    Real(f64),
    Text(String),
}

impl Literal {
    /// Whether it is absent or an empty text.
    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Self::Null => true,
            Self::Text(text) => text.is_empty(),
            Self::Bool(_) | Self::Integer(_) | Self::Real(_) => false,
        }
    }

    /// The text that is searched for when it is a pattern.
    pub(crate) fn to_text(&self) -> String {
        match self {
            Self::Null => String::new(),
            Self::Bool(truth) => truth.to_string(),
            Self::Integer(number) => number.to_string(),
            Self::Real(number) => number.to_string(),
            Self::Text(text) => text.clone(),
        }
    }
}

/// One of the rows that a query brings together: the one it is about, or one that a [`Join`] adds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Row(pub(crate) u32);

impl Row {
    /// The row that the query is about.
    pub(crate) const BASE: Self = Self(0);

    /// A column of the row.
    pub(crate) fn column(self, name: &str) -> Column {
        Column {
            row: self,
            name: name.to_owned(),
        }
    }

    /// The value of a row of [`Source::Elements`] or [`Source::Sent`].
    pub(crate) fn element(self) -> Column {
        self.column("value")
    }
}

/// A column of a row.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Column {
    pub(crate) row: Row,
    pub(crate) name: String,
}

/// A step into a JSON value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum JsonStep {
    /// A member of an object; letters, digits and `_`.
    Key(String),
    /// An element of a list; digits.
    Index(String),
}

impl JsonStep {
    /// The step that a property of a path stands for; none for an empty one. Colons are left out: nothing else can be
    /// in a name that would have a meaning in a path.
    pub(crate) fn parse(property: &str) -> Option<Self> {
        let key: String = property.chars().filter(|&c| c != ':').collect();
        if key.is_empty() {
            None
        } else if key.chars().all(|c| c.is_ascii_digit()) {
            Some(Self::Index(key))
        } else {
            Some(Self::Key(key))
        }
    }
}

/// Something that has one value for each row.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Expression {
    /// No value at all.
    Absent,
    /// `true` or `false`, which the program knows.
    Truth(bool),
    /// Whether something was sent. Behind `=` and `!=` it is asked whether the other side is true, not whether it is 1,
    /// as in PocketBase: no text but a number is, so `title != @request.body.x:isset` does not hold for `abc`.
    IsSent(bool),
    /// How many values were sent.
    Count(usize),
    Literal(Literal),
    Column(Column),
    /// What is at a path in a column of JSON. A `lenient` one takes a text that is no JSON for a value.
    Json {
        column: Column,
        path: Vec<JsonStep>,
        lenient: bool,
    },
    /// How many elements the list in a column has.
    Length(Column),
    Lower(Box<Self>),
    /// A value where a column says that it may be told, and no value elsewhere.
    Guarded {
        guard: Column,
        value: Box<Self>,
    },
    /// The kilometres along the sphere between two points, each given by its longitude and latitude.
    Distance(Box<[Self; 4]>),
    /// A format, a moment and what modifies it, as SQLite's `strftime` understands them.
    FormattedTime(Vec<Self>),
    /// Whether a comparison holds.
    Holds(Box<Comparison>),
}

impl Expression {
    /// The literals that it is made of, but for those of a comparison of its own.
    pub(crate) fn literals(&self) -> Vec<&Literal> {
        match self {
            Self::Literal(literal) => vec![literal],
            Self::Lower(value) | Self::Guarded { value, .. } => value.literals(),
            Self::Distance(parts) => parts.iter().flat_map(Self::literals).collect(),
            Self::FormattedTime(parts) => parts.iter().flat_map(Self::literals).collect(),
            Self::Absent
            | Self::Truth(_)
            | Self::IsSent(_)
            | Self::Count(_)
            | Self::Column(_)
            | Self::Json { .. }
            | Self::Length(_)
            | Self::Holds(_) => Vec::new(),
        }
    }

    /// The same with each of [`Expression::literals`] changed.
    pub(crate) fn map_literals(&self, change: &impl Fn(&Literal) -> Literal) -> Self {
        let all = |parts: &[Self]| -> Vec<Self> { parts.iter().map(|part| part.map_literals(change)).collect() };
        match self {
            Self::Literal(literal) => Self::Literal(change(literal)),
            Self::Lower(value) => Self::Lower(Box::new(value.map_literals(change))),
            Self::Guarded { guard, value } => Self::Guarded {
                guard: guard.clone(),
                value: Box::new(value.map_literals(change)),
            },
            Self::Distance(parts) => Self::Distance(Box::new(parts.each_ref().map(|part| part.map_literals(change)))),
            Self::FormattedTime(parts) => Self::FormattedTime(all(parts)),
            other => other.clone(),
        }
    }

    /// Whether it depends on rows.
    fn looks_at_rows(&self) -> bool {
        match self {
            Self::Column(_) | Self::Json { .. } | Self::Length(_) | Self::Guarded { .. } => true,
            Self::Lower(value) => value.looks_at_rows(),
            Self::Distance(parts) => parts.iter().any(Self::looks_at_rows),
            Self::FormattedTime(parts) => parts.iter().any(Self::looks_at_rows),
            Self::Holds(comparison) => comparison.looks_at_rows(),
            Self::Absent | Self::Truth(_) | Self::IsSent(_) | Self::Count(_) | Self::Literal(_) => false,
        }
    }

    /// The value, to be told only where `guard` holds.
    pub(crate) fn guarded_by(self, guard: Option<&Column>) -> Self {
        match guard {
            None => self,
            Some(guard) => Self::Guarded {
                guard: guard.clone(),
                value: Box::new(self),
            },
        }
    }
}

/// How an absent value compares with an empty one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum NullFallback {
    /// As equal, in the cheapest way that is known to be right.
    #[default]
    Auto,
    /// As different: JSON knows both.
    Disabled,
    /// As equal, although it looks like a value (a function's result may be absent).
    Enforced,
}

/// What is known of a value before any row is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Presence {
    /// It is absent or empty.
    Empty,
    /// It is neither.
    Present,
    Unknown,
}

/// Where the rows of a [`Join`] come from.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Source {
    /// The records of a collection, by its name.
    Records { collection: String, on: On },
    /// The elements of the list in a column; a value that is no list is its own only element.
    Elements(Column),
    /// The elements of a list that was sent, as JSON.
    Sent(String),
}

/// Which records a join adds. Columns of the new row are given by name.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum On {
    /// All of them.
    All,
    /// Those whose column is the same as the one of a row before.
    Same { column: String, anchor: Column },
    /// Those whose list holds the value of a row before.
    Holding { list: String, anchor: Column },
    /// The one with this id.
    Id(String),
    /// Those with these ids.
    Ids(Vec<String>),
}

/// Rows that are added to a query, one with nothing in it where there are none.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Join {
    pub(crate) row: Row,
    pub(crate) source: Source,
}

/// All values that a path can lead to, for operators that ask whether every one of them matches.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Many {
    /// The table that the path starts in, and the row of it that it starts from once more.
    pub(crate) table: String,
    pub(crate) start: Row,
    /// The same row outside.
    pub(crate) outer: Row,
    /// The steps of the path.
    pub(crate) joins: Vec<Join>,
    /// The value at the path's end.
    pub(crate) value: Expression,
}

/// One side of a comparison.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Operand {
    pub(crate) value: Expression,
    pub(crate) fallback: NullFallback,
    /// Whether it counts as neither absent nor empty although its value does not show it.
    pub(crate) known: bool,
    /// Present where the path leads to several values.
    pub(crate) many: Option<Many>,
    /// A column without which the comparison must not hold (an address that its owner hides).
    pub(crate) guard: Option<Column>,
}

impl Operand {
    /// An operand that is one value.
    pub(crate) fn new(value: Expression) -> Self {
        Self {
            value,
            fallback: NullFallback::Auto,
            known: false,
            many: None,
            guard: None,
        }
    }

    /// The absent value.
    pub(crate) fn absent() -> Self {
        Self::new(Expression::Absent)
    }

    /// True or false.
    pub(crate) fn truth(value: bool) -> Self {
        Self::new(Expression::Truth(value))
    }

    /// Whether something was sent.
    pub(crate) fn is_sent(value: bool) -> Self {
        Self::new(Expression::IsSent(value))
    }

    /// A value that somebody wrote or sent.
    pub(crate) fn literal(value: Literal) -> Self {
        Self::new(Expression::Literal(value))
    }

    /// Its value where it may be told, and nothing where its guard says no: for what shows it otherwise than by a
    /// comparison, to which the guard is added.
    pub(crate) fn shielded(&self) -> Expression {
        self.value.clone().guarded_by(self.guard.as_ref())
    }

    /// What is known of it before any row is read.
    pub(crate) fn presence(&self) -> Presence {
        if self.value == Expression::Absent {
            return Presence::Empty;
        }
        let literals = self.value.literals();
        if self.fallback == NullFallback::Auto && literals.len() == 1 && literals[0].is_empty() {
            return Presence::Empty;
        }
        if self.fallback == NullFallback::Enforced {
            return Presence::Unknown;
        }
        // As in PocketBase a count of other than none or one is compared like a column.
        let is_flag = matches!(
            self.value,
            Expression::Truth(_) | Expression::IsSent(_) | Expression::Count(0 | 1)
        );
        let is_written = !literals.is_empty() && !literals.iter().any(|literal| literal.is_empty());
        if self.known || is_flag || is_written {
            Presence::Present
        } else {
            Presence::Unknown
        }
    }
}

/// Two operands and how they are compared.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Comparison {
    pub(crate) left: Operand,
    pub(crate) operator: Operator,
    pub(crate) right: Operand,
}

impl Comparison {
    /// Whether it depends on rows.
    fn looks_at_rows(&self) -> bool {
        [&self.left, &self.right]
            .into_iter()
            .any(|side| side.value.looks_at_rows() || side.many.is_some() || side.guard.is_some())
    }
}

/// A condition on the rows of a query.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Predicate {
    All(Vec<Self>),
    Any(Vec<Self>),
    Compare(Box<Comparison>),
}

impl Predicate {
    /// Whether it depends on rows. What does not is as true for one as for the other.
    pub(crate) fn looks_at_rows(&self) -> bool {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().any(Self::looks_at_rows),
            Self::Compare(comparison) => comparison.looks_at_rows(),
        }
    }
}

/// What rows are ordered by.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum SortKey {
    Random,
    /// The order in which they were stored.
    Stored,
    Value(Expression),
}

/// One step of an order.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SortTerm {
    pub(crate) key: SortKey,
    pub(crate) descending: bool,
}
