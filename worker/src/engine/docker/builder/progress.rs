//! BuildKit's progress as lines of a build log.
//!
//! BuildKit reports a graph: steps appear, start, end or turn out to be cached, and output belongs
//! to a step. People read a story: a line when a step begins, its output below it.

use std::collections::{BTreeMap, VecDeque};

use bollard::moby::buildkit::v1::{StatusResponse, Vertex, VertexLog};

use super::text::plain;
use crate::output::Lines;

/// How many lines of each step are kept for the case that it fails.
const TAIL: usize = 20;
/// How a line begins that a step wants shown as a warning.
const WARNING: &str = " !     ";

/// The state of one build's story.
pub struct Progress {
    /// Titles of steps by a text their instruction contains; with any, other steps are not shown.
    titles: BTreeMap<String, String>,
    steps: BTreeMap<String, Step>,
    failed: Option<String>,
}

struct Step {
    /// What it is called, `None` when it is not shown.
    title: Option<String>,
    is_announced: bool,
    output: Lines,
    tail: VecDeque<String>,
    error: String,
}

/// The step at which a build failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    pub title: String,
    pub error: String,
    pub last_lines: Vec<String>,
}

impl Progress {
    /// A story that has not begun.
    pub fn new(titles: BTreeMap<String, String>) -> Self {
        Self { titles, steps: BTreeMap::new(), failed: None }
    }

    /// Takes a report in and returns the lines it adds to the log.
    pub fn take(&mut self, report: &StatusResponse) -> Vec<String> {
        let announced = |steps: &BTreeMap<String, Step>, log: &VertexLog| {
            steps.get(&log.vertex).is_some_and(|step| step.is_announced)
        };
        // Output of steps that are known belongs above the steps that this report begins.
        let (known, new): (Vec<_>, Vec<_>) =
            report.logs.iter().partition(|log| announced(&self.steps, log));
        let mut lines = self.output(&known);
        lines.extend(self.endings(&report.vertexes));
        for vertex in &report.vertexes {
            lines.extend(self.step(vertex));
        }
        lines.extend(self.output(&new));
        lines.extend(self.endings(&report.vertexes));
        lines
    }

    fn output(&mut self, logs: &[&VertexLog]) -> Vec<String> {
        let mut lines = Vec::new();
        for log in logs {
            if let Some(step) = self.steps.get_mut(&log.vertex) {
                let complete = step.output.push(&log.msg);
                lines.extend(step.tell(complete));
            }
        }
        lines
    }

    /// What steps that are done printed last, which may have no line end.
    fn endings(&mut self, vertexes: &[Vertex]) -> Vec<String> {
        let mut lines = Vec::new();
        for vertex in vertexes.iter().filter(|vertex| vertex.completed.is_some()) {
            if let Some(step) = self.steps.get_mut(&vertex.digest) {
                let rest = step.output.finish();
                lines.extend(step.tell(rest));
            }
        }
        lines
    }

    /// The step that failed, if one did.
    pub fn failure(&self) -> Option<Failure> {
        let (name, step) = self.failed.as_ref().and_then(|name| self.steps.get_key_value(name))?;
        Some(Failure {
            title: step.title.clone().unwrap_or_else(|| name.clone()),
            error: step.error.clone(),
            last_lines: step.tail.iter().cloned().collect(),
        })
    }

    fn step(&mut self, vertex: &Vertex) -> Option<String> {
        let title = title(&vertex.name, &self.titles);
        let step = self.steps.entry(vertex.digest.clone()).or_insert_with(|| Step {
            title,
            is_announced: false,
            output: Lines::default(),
            tail: VecDeque::new(),
            error: String::new(),
        });
        if !vertex.error.is_empty() && !vertex.error.contains("context canceled") {
            step.error.clone_from(&vertex.error);
            step.title.get_or_insert_with(|| vertex.name.clone());
            self.failed.get_or_insert_with(|| vertex.digest.clone());
        }
        if step.is_announced || !(vertex.cached || vertex.started.is_some()) {
            return None;
        }
        step.is_announced = true;
        let cached = if vertex.cached { " (cached)" } else { "" };
        step.title.as_ref().map(|title| format!("-----> {title}{cached}"))
    }
}

impl Step {
    /// Keeps lines for a failure, and returns them as they stand in the log.
    fn tell(&mut self, lines: impl IntoIterator<Item = String>) -> Vec<String> {
        let mut shown = Vec::new();
        for line in lines {
            let line = plain(&line);
            if line.is_empty() {
                continue;
            }
            if self.tail.len() == TAIL {
                self.tail.pop_front();
            }
            if self.title.is_some() {
                let is_warning = line.starts_with(WARNING);
                shown.push(if is_warning { line.clone() } else { format!("       {line}") });
            }
            self.tail.push_back(line);
        }
        shown
    }
}

/// What a step is called in the log, `None` when it is not shown.
fn title(name: &str, titles: &BTreeMap<String, String>) -> Option<String> {
    if !name.starts_with('[') || name.starts_with("[internal]") {
        return None;
    }
    if titles.is_empty() {
        return Some(plain(name));
    }
    titles.iter().find(|(part, _)| name.contains(part.as_str())).map(|(_, title)| title.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vertex(digest: &str, name: &str, cached: bool) -> Vertex {
        let started = (!cached).then(Default::default);
        Vertex {
            digest: digest.to_owned(),
            name: name.to_owned(),
            cached,
            started,
            ..Vertex::default()
        }
    }

    fn output(digest: &str, text: &str) -> StatusResponse {
        let log = VertexLog { vertex: digest.to_owned(), msg: text.into(), ..VertexLog::default() };
        StatusResponse { logs: vec![log], ..StatusResponse::default() }
    }

    fn steps(vertexes: Vec<Vertex>) -> StatusResponse {
        StatusResponse { vertexes, ..StatusResponse::default() }
    }

    #[test]
    fn a_step_is_told_once_with_its_output_below() {
        let mut progress = Progress::new(BTreeMap::new());
        let mut log = Vec::new();
        let mut waiting = vertex("a", "[2/3] RUN make", false);
        waiting.started = None;
        log.extend(progress.take(&steps(vec![vertex("i", "[internal] load", false), waiting])));
        log.extend(progress.take(&steps(vec![vertex("a", "[2/3] RUN make", false)])));
        log.extend(progress.take(&output("a", "one\n\u{1b}[32mtw")));
        log.extend(progress.take(&output("a", "o\u{1b}[0m\r\n\n !     careful\n50%\r100%")));
        let mut done = vertex("a", "[2/3] RUN make", false);
        done.completed = done.started;
        log.extend(progress.take(&steps(vec![done, vertex("b", "[3/3] COPY . .", true)])));
        assert_eq!(
            log,
            [
                "-----> [2/3] RUN make",
                "       one",
                "       two",
                " !     careful",
                "       100%",
                "-----> [3/3] COPY . . (cached)",
            ]
        );
    }

    #[test]
    fn with_titles_other_steps_are_silent_unless_they_fail() {
        let titles =
            BTreeMap::from([("pip install".to_owned(), "Installing 3 packages".to_owned())]);
        let mut progress = Progress::new(titles);
        let first = steps(vec![
            vertex("a", "[2/3] RUN useradd x", false),
            vertex("b", "[3/3] RUN pip install y", true),
        ]);
        assert_eq!(progress.take(&first), ["-----> Installing 3 packages (cached)"]);
        assert!(progress.take(&output("a", "no such\nthing\n")).is_empty());
        let mut failed = vertex("a", "[2/3] RUN useradd x", false);
        failed.error = "exit code: 1".to_owned();
        progress.take(&steps(vec![failed]));
        assert_eq!(
            progress.failure(),
            Some(Failure {
                title: "[2/3] RUN useradd x".to_owned(),
                error: "exit code: 1".to_owned(),
                last_lines: vec!["no such".to_owned(), "thing".to_owned()],
            })
        );
    }

    #[test]
    fn the_last_lines_of_a_step_are_bounded() {
        let mut progress = Progress::new(BTreeMap::new());
        progress.take(&steps(vec![vertex("a", "[1/1] RUN x", false)]));
        let lines: Vec<String> = (0..1000).map(|number| number.to_string()).collect();
        let text = lines.join("\n") + "\n";
        progress.take(&output("a", &text));
        let mut failed = vertex("a", "[1/1] RUN x", false);
        failed.error = "exit code: 2".to_owned();
        progress.take(&steps(vec![failed]));
        let lines = progress.failure().unwrap().last_lines;
        assert_eq!((lines.len(), lines[0].as_str(), lines[19].as_str()), (20, "980", "999"));
    }
}
