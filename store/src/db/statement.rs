//! Statements from their files, each checked against the values it is given.
//!
//! SQLite turns a missing parameter into NULL without a word. So the number of values is compared
//! with the statement's highest `$N` when the crate is built, and a mismatch does not compile.

/// The highest `N` of the statement's `$N` parameters.
pub(crate) const fn highest_parameter(sql: &str) -> usize {
    let bytes = sql.as_bytes();
    let (mut highest, mut at) = (0, 0);
    while at < bytes.len() {
        if bytes[at] == b'$' {
            let mut number = 0;
            while at + 1 < bytes.len() && bytes[at + 1].is_ascii_digit() {
                at += 1;
                number = number * 10 + (bytes[at] - b'0') as usize;
            }
            if number > highest {
                highest = number;
            }
        }
        at += 1;
    }
    highest
}

/// The text of `sql/<path>.sql`.
macro_rules! sql {
    ($($path:expr),+) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/sql/", $($path),+, ".sql"))
    };
}

/// The statement in `sql/<path>.sql`, with these values for `$1`, `$2`, ….
macro_rules! statement {
    ($path:literal $(, $value:expr)* $(,)?) => {{
        const SQL: &str = sql!($path);
        const VALUES: &[&str] = &[$(stringify!($value)),*];
        const { assert!($crate::db::highest_parameter(SQL) == VALUES.len(), $path) };
        sqlx::query::<sqlx::Any>(SQL)$(.bind($value))*
    }};
}

/// The same for a statement that must differ: `sql/<path>.sqlite.sql` or `sql/<path>.postgres.sql`.
macro_rules! statement_pair {
    ($backend:expr, $path:literal $(, $value:expr)* $(,)?) => {{
        const SQLITE: &str = sql!($path, ".sqlite");
        const POSTGRES: &str = sql!($path, ".postgres");
        const VALUES: &[&str] = &[$(stringify!($value)),*];
        const { assert!($crate::db::highest_parameter(SQLITE) == VALUES.len(), $path) };
        const { assert!($crate::db::highest_parameter(POSTGRES) == VALUES.len(), $path) };
        let sql = match $backend {
            $crate::db::Backend::Sqlite => SQLITE,
            $crate::db::Backend::Postgres => POSTGRES,
        };
        sqlx::query::<sqlx::Any>(sql)$(.bind($value))*
    }};
}

#[cfg(test)]
mod tests {
    use super::highest_parameter;

    #[test]
    fn the_highest_parameter_is_found_wherever_it_stands() {
        assert_eq!(highest_parameter("SELECT 1"), 0);
        assert_eq!(highest_parameter("a = $12 AND b = $2"), 12);
        assert_eq!(highest_parameter("LIMIT $3"), 3);
        assert_eq!(highest_parameter("price $ 4"), 0);
    }
}
