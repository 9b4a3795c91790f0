//! What a push means: which ref deploys, what is merely stored, what is refused, and in which words.

use std::fmt;
use std::str::FromStr;

/// Most refs that one push may move.
const MAX_UPDATES: usize = 100;
/// The branches that may become an app's deploy branch by being pushed first.
const DEPLOYABLE: [&str; 2] = ["main", "master"];

/// The name of a git object: 40 or 64 lower-case hexadecimal digits, so it is safe as an argument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectId(String);

impl ObjectId {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it stands for "no object": a ref that is made or deleted.
    pub fn is_none(&self) -> bool {
        self.0.bytes().all(|byte| byte == b'0')
    }

    /// Seven digits, as people write it.
    pub fn short(&self) -> &str {
        &self.0[..7]
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for ObjectId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let hexadecimal = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if hexadecimal && matches!(text.len(), 40 | 64) {
            Ok(Self(text.to_owned()))
        } else {
            Err("git named an object in a way that is not understood".to_owned())
        }
    }
}

/// One ref that the pusher wants to move.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefUpdate {
    pub old: ObjectId,
    pub new: ObjectId,
    /// The whole name: `refs/heads/main`. Never an argument of a program.
    pub name: String,
}

impl RefUpdate {
    /// Reads what git tells a `pre-receive` hook, one `old new name` a line.
    ///
    /// # Errors
    /// A sentence for the pusher, for anything else and for too many lines.
    pub fn parse_all(text: &str) -> Result<Vec<Self>, String> {
        let updates: Vec<Self> = text.lines().map(Self::parse).collect::<Result<_, _>>()?;
        if updates.len() > MAX_UPDATES {
            return Err(format!("a push may move {MAX_UPDATES} refs, not {}", updates.len()));
        }
        Ok(updates)
    }

    fn parse(line: &str) -> Result<Self, String> {
        let mut parts = line.splitn(3, ' ');
        let mut next = || parts.next().ok_or("git told of a ref in a way that is not understood");
        Ok(Self { old: next()?.parse()?, new: next()?.parse()?, name: next()?.to_owned() })
    }

    fn branch(&self) -> Option<&str> {
        self.name.strip_prefix("refs/heads/")
    }

    fn is_tag(&self) -> bool {
        self.name.starts_with("refs/tags/")
    }
}

/// The branch that deploys, as it is before the push.
#[derive(Debug, Clone, Copy)]
pub struct DeployBranch<'a> {
    pub name: &'a str,
    /// Whether it was ever pushed.
    pub exists: bool,
}

/// What a push means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PushPlan {
    /// This commit is deployed; the refs move when it is live.
    Deploy {
        update: RefUpdate,
        /// The branch it came on, which is the deploy branch from now on.
        branch: String,
        notes: Vec<String>,
    },
    /// The refs move and nothing else happens.
    Store { notes: Vec<String> },
    /// Nothing moves.
    Refuse { lines: Vec<String> },
}

impl PushPlan {
    /// Decides. Only the deploy branch deploys. It is `main` or `master`, whichever was pushed
    /// first; other branches and tags are stored, with a note, as people know it from elsewhere.
    pub fn decide(updates: &[RefUpdate], deploys: DeployBranch<'_>) -> Self {
        if let Some(update) = updates.iter().find(|u| u.branch().is_none() && !u.is_tag()) {
            return refuse(
                "only branches and tags can be pushed",
                &format!("leave out `{}`", update.name),
            );
        }
        let branch = branch_that_deploys(updates, deploys);
        let is_deploy_branch = |update: &&RefUpdate| update.branch() == Some(branch);
        let notes = updates
            .iter()
            .filter(|update| !is_deploy_branch(update))
            .flat_map(|update| note(update, branch))
            .collect();
        match updates.iter().find(is_deploy_branch) {
            Some(update) if update.new.is_none() => refuse(
                &format!("`{branch}` is what deploys and cannot be deleted"),
                "delete the app with `slipway destroy`, or push another commit to it",
            ),
            Some(update) => {
                Self::Deploy { update: update.clone(), branch: branch.to_owned(), notes }
            }
            None => Self::Store { notes },
        }
    }
}

fn refuse(problem: &str, hint: &str) -> PushPlan {
    PushPlan::Refuse { lines: vec![warning(problem), detail(&format!("hint: {hint}"))] }
}

/// The stored deploy branch, or the other usual one when that is pushed to an app which has none.
fn branch_that_deploys<'a>(updates: &'a [RefUpdate], deploys: DeployBranch<'a>) -> &'a str {
    let pushed = |name: &str| {
        updates.iter().any(|update| update.branch() == Some(name) && !update.new.is_none())
    };
    if deploys.exists || !DEPLOYABLE.contains(&deploys.name) || pushed(deploys.name) {
        return deploys.name;
    }
    DEPLOYABLE.into_iter().find(|name| pushed(name)).unwrap_or(deploys.name)
}

fn note(update: &RefUpdate, deploy_branch: &str) -> Vec<String> {
    match update.branch() {
        _ if update.new.is_none() => vec![step(&format!("`{}` is deleted", update.name))],
        Some(branch) => vec![
            warning(&format!("`{branch}` is stored, not deployed: only `{deploy_branch}` deploys")),
            detail(&format!("hint: git push <remote> {branch}:{deploy_branch}")),
        ],
        None => vec![step(&format!("`{}` is stored: tags do not deploy", update.name))],
    }
}

/// A step, in the push grammar.
pub fn step(text: &str) -> String {
    format!("-----> {text}")
}

/// A detail, in the push grammar.
pub fn detail(text: &str) -> String {
    format!("       {text}")
}

/// A warning, in the push grammar.
pub fn warning(text: &str) -> String {
    format!(" !     {text}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: &str = "0000000000000000000000000000000000000000";
    const ONE: &str = "1111111111111111111111111111111111111111";
    const TWO: &str = "2222222222222222222222222222222222222222";
    const NEW_APP: DeployBranch<'_> = DeployBranch { name: "main", exists: false };
    const PUSHED_APP: DeployBranch<'_> = DeployBranch { name: "main", exists: true };

    fn decide(updates: &[(&str, &str, &str)], deploys: DeployBranch<'_>) -> PushPlan {
        let text: Vec<String> =
            updates.iter().map(|(old, new, name)| format!("{old} {new} {name}")).collect();
        PushPlan::decide(&RefUpdate::parse_all(&text.join("\n")).unwrap(), deploys)
    }

    fn deployed_branch(plan: &PushPlan) -> Option<&str> {
        match plan {
            PushPlan::Deploy { branch, .. } => Some(branch),
            PushPlan::Store { .. } | PushPlan::Refuse { .. } => None,
        }
    }

    #[test]
    fn main_or_master_deploys_whichever_was_first() {
        let main = decide(&[(NONE, ONE, "refs/heads/main")], NEW_APP);
        assert_eq!(deployed_branch(&main), Some("main"));
        let master = decide(&[(NONE, ONE, "refs/heads/master")], NEW_APP);
        assert_eq!(deployed_branch(&master), Some("master"));
        let both = [(NONE, ONE, "refs/heads/master"), (NONE, TWO, "refs/heads/main")];
        assert_eq!(deployed_branch(&decide(&both, NEW_APP)), Some("main"));
        let late = decide(&[(NONE, ONE, "refs/heads/master")], PUSHED_APP);
        assert!(matches!(late, PushPlan::Store { .. }));
    }

    #[test]
    fn a_branch_chosen_by_hand_is_never_replaced() {
        let live = DeployBranch { name: "production", exists: false };
        assert!(matches!(decide(&[(NONE, ONE, "refs/heads/main")], live), PushPlan::Store { .. }));
        let plan = decide(&[(NONE, ONE, "refs/heads/production")], live);
        assert_eq!(deployed_branch(&plan), Some("production"));
    }

    #[test]
    fn other_branches_and_tags_are_stored_and_say_so() {
        let updates = [(NONE, ONE, "refs/heads/feature"), (NONE, ONE, "refs/tags/v1")];
        let PushPlan::Store { notes } = decide(&updates, PUSHED_APP) else {
            panic!("something deployed");
        };
        assert_eq!(
            notes,
            [
                " !     `feature` is stored, not deployed: only `main` deploys",
                "       hint: git push <remote> feature:main",
                "-----> `refs/tags/v1` is stored: tags do not deploy",
            ]
        );
    }

    #[test]
    fn the_deploy_branch_cannot_be_deleted() {
        let plan = decide(&[(ONE, NONE, "refs/heads/main")], PUSHED_APP);
        let PushPlan::Refuse { lines } = plan else { panic!("it was deleted") };
        assert_eq!(lines[0], " !     `main` is what deploys and cannot be deleted");
        let other = decide(&[(ONE, NONE, "refs/heads/feature")], PUSHED_APP);
        assert!(matches!(other, PushPlan::Store { .. }));
    }

    #[test]
    fn a_forced_push_deploys_like_any_other() {
        let plan = decide(&[(TWO, ONE, "refs/heads/main")], PUSHED_APP);
        assert_eq!(deployed_branch(&plan), Some("main"));
    }

    #[test]
    fn refs_outside_of_branches_and_tags_are_refused() {
        for name in ["refs/notes/x", "refs/slipway/x", "HEAD", "refs/meta/config"] {
            let updates = [(NONE, ONE, "refs/heads/main"), (NONE, ONE, name)];
            assert!(matches!(decide(&updates, NEW_APP), PushPlan::Refuse { .. }), "{name}");
        }
    }

    #[test]
    fn what_is_not_an_object_name_is_refused() {
        for line in ["", "x y z", &format!("{ONE} --upload-pack=x refs/heads/main"), ONE] {
            assert!(RefUpdate::parse_all(&format!("{line}\n")).is_err(), "{line}");
        }
        let many = format!("{NONE} {ONE} refs/heads/x\n").repeat(MAX_UPDATES + 1);
        assert!(RefUpdate::parse_all(&many).is_err());
    }
}
