//! The text of a settings module, and of what it takes over from other modules.

use super::statements::statements;
use crate::source::path::{directory, file_name, join};
use crate::source::tree::SourceTree;

/// How many imports lead from the settings to the last file that is read.
const MAX_DEPTH: usize = 4;
/// How many files are read at most for what they are imported for.
const MAX_IMPORTED: usize = 32;

/// The text of the module, with its neighbours when settings are a package, after that of the files
/// of the tree it imports everything or `DATABASES` from. Modules are found from `root`.
pub fn text(tree: &SourceTree, root: &str, module: &str) -> String {
    let path = join(root, &module.replace('.', "/"));
    let file = format!("{path}.py");
    let package = format!("{path}/");
    let beside = format!("{}/", directory(&path));
    let is_split = file_name(beside.trim_end_matches('/')).starts_with("settings");
    let own = tree.python_sources().filter(|(candidate, _)| {
        *candidate == file
            || candidate.starts_with(&package)
            || (is_split && candidate.starts_with(&beside))
    });
    let own: Vec<String> = own.map(|(path, _)| path.to_owned()).collect();
    let mut files = imported(tree, root, &own);
    files.reverse();
    files.extend(own);
    files.iter().filter_map(|path| tree.text(path)).collect::<Vec<_>>().join("\n")
}

/// The files that these take settings from, each once, the nearest first.
fn imported(tree: &SourceTree, root: &str, own: &[String]) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut level = own.to_vec();
    for _ in 0..MAX_DEPTH {
        let mut next = Vec::new();
        for file in &level {
            let lines = statements(tree.text(file).unwrap_or_default());
            for target in lines.iter().filter_map(|line| target(tree, root, file, line)) {
                let is_known = own.contains(&target) || found.contains(&target);
                if !is_known && found.len() < MAX_IMPORTED {
                    found.push(target.clone());
                    next.push(target);
                }
            }
        }
        level = next;
    }
    found
}

/// The file of the tree that a statement takes settings from: `from .base import *`.
fn target(tree: &SourceTree, root: &str, file: &str, statement: &str) -> Option<String> {
    let (module, names) = statement.trim().strip_prefix("from ")?.split_once(" import")?;
    let mut names = names.split(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '*')));
    if !names.any(|name| matches!(name, "*" | "DATABASES")) {
        return None;
    }
    let module = module.trim();
    let name = module.trim_start_matches('.');
    let mut base = root;
    for dot in 0..module.len() - name.len() {
        if dot > 0 && base.is_empty() {
            return None;
        }
        base = directory(if dot == 0 { file } else { base });
    }
    let path = join(base, &name.replace('.', "/"));
    let path = path.trim_end_matches('/');
    [format!("{path}.py"), join(path, "__init__.py")].into_iter().find(|path| tree.is_file(path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::sample::tree;

    #[test]
    fn what_is_imported_comes_first_and_once() {
        let tree = tree(&[
            ("app/shop/live.py", "from .base import *\nfrom shop.keys import *\nLIVE\n"),
            ("app/shop/base.py", "from ..common import *  # noqa\nfrom .live import *\nBASE\n"),
            ("app/shop/keys.py", "from .base import *\nKEYS\n"),
            ("app/common/__init__.py", "from os import path\nfrom .more import helper\nCOMMON\n"),
            ("app/common/more.py", "MORE\n"),
        ]);
        let text = text(&tree, "app", "shop.live");
        let words = text.lines().filter(|line| line.chars().all(char::is_uppercase));
        let words: Vec<&str> = words.filter(|line| !line.is_empty()).collect();
        assert_eq!(words, ["COMMON", "KEYS", "BASE", "LIVE"]);
    }

    #[test]
    fn imports_end_at_the_tree_and_after_a_few_levels() {
        let files: Vec<(String, String)> = (0..9)
            .map(|n| (format!("s{n}.py"), format!("from .s{} import *\nS{n} = 1\n", n + 1)))
            .collect();
        let files = files.iter().map(|(path, text)| (path.as_str(), text.as_str()));
        let deep = text(&tree(&files.collect::<Vec<_>>()), "", "s0");
        assert!(deep.contains("S4 = 1") && !deep.contains("S5 = 1"), "{deep}");
        let outside = tree(&[("s.py", "from ...x import *\nfrom . import *\nS = 1\n")]);
        assert!(text(&outside, "", "s").contains("S = 1"));
    }
}
