//! Aligned tables.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::view::{Tone, View, word};

/// One field of a table; its text is made harmless here.
#[derive(Debug, Clone)]
pub struct Cell {
    text: String,
    tone: Tone,
}

/// Rows under a header. The last column is cut to fit a terminal.
#[derive(Debug)]
pub struct Table {
    header: Vec<&'static str>,
    rows: Vec<Vec<Cell>>,
}

const GAP: usize = 2;
/// The last column is never cut below this, however narrow the terminal.
const NARROWEST: usize = 12;

impl Cell {
    pub fn new(text: impl AsRef<str>) -> Self {
        Self { text: word(text.as_ref()), tone: Tone::Plain }
    }

    pub fn toned(tone: Tone, text: impl AsRef<str>) -> Self {
        Self { text: word(text.as_ref()), tone }
    }

    fn width(&self) -> usize {
        self.text.width()
    }
}

impl<T: AsRef<str>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::new(text)
    }
}

impl Table {
    pub fn new<const N: usize>(header: [&'static str; N]) -> Self {
        Self { header: header.to_vec(), rows: Vec::new() }
    }

    pub fn row<const N: usize>(&mut self, cells: [Cell; N]) {
        debug_assert_eq!(N, self.header.len(), "a row has as many cells as the header");
        self.rows.push(Vec::from(cells));
    }

    /// The table with its header, each line ended.
    pub fn render(&self, view: &View) -> String {
        let header: Vec<Cell> =
            self.header.iter().map(|title| Cell::toned(Tone::Quiet, title)).collect();
        let lines = || std::iter::once(&header).chain(&self.rows);
        let widths: Vec<usize> = (0..self.header.len())
            .map(|column| lines().map(|line| line[column].width()).max().unwrap_or(0))
            .collect();
        lines().map(|line| render_line(view, line, &widths)).collect()
    }
}

/// Pairs of a label and a text, indented, the texts aligned.
pub fn facts(view: &View, pairs: &[(&str, String)]) -> String {
    let widest = pairs.iter().map(|(label, _)| label.len()).max().unwrap_or(0);
    let line = |(label, text): &(&str, String)| {
        let label = view.paint(Tone::Quiet, &format!("{label:widest$}"));
        format!("  {label}  {text}\n")
    };
    let lines: Vec<String> = pairs.iter().map(line).collect();
    lines.concat()
}

fn render_line(view: &View, line: &[Cell], widths: &[usize]) -> String {
    let last = line.len() - 1;
    let mut out = String::new();
    let mut used = 0;
    for (cell, width) in line[..last].iter().zip(widths) {
        out.push_str(&view.paint(cell.tone, &cell.text));
        out.extend(std::iter::repeat_n(' ', width - cell.width() + GAP));
        used += width + GAP;
    }
    let room = view.width.map(|width| width.saturating_sub(used).max(NARROWEST));
    out.push_str(&view.paint(line[last].tone, &cut(&line[last].text, room)));
    format!("{}\n", out.trim_end())
}

fn cut(text: &str, room: Option<usize>) -> String {
    let Some(room) = room.filter(|room| text.width() > *room) else {
        return text.to_owned();
    };
    let mut used = 0;
    let kept = text.chars().take_while(|c| {
        used += c.width().unwrap_or(0);
        used < room
    });
    let mut kept: String = kept.collect();
    kept.push('…');
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[test]
    fn columns_are_aligned_by_what_is_seen() {
        let mut table = Table::new(["NAME", "WHAT"]);
        table.row(["größe".into(), "a".into()]);
        table.row(["日本".into(), "b\x1b[2J".into()]);
        assert_eq!(table.render(&testing::PLAIN), "NAME   WHAT\ngröße  a\n日本   b^[[2J\n");
    }

    #[test]
    fn the_last_column_is_cut_on_a_terminal_only() {
        let mut table = Table::new(["A", "B"]);
        table.row(["x".into(), "a description that is long".into()]);
        let narrow = View { width: Some(20), ..testing::PLAIN };
        assert_eq!(table.render(&narrow), "A  B\nx  a description th…\n");
        assert!(table.render(&testing::PLAIN).contains("that is long"));
    }
}
