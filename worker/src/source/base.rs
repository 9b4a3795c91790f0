//! Base images as a plan asks for them; who provides them is the builder's business.

use std::collections::BTreeMap;

use super::version::VersionWish;

/// A kind of base image that Slipway's own Dockerfiles build on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// A small Debian with `apt-get` and certificates.
    Debian,
    /// `python` and `pip`, installing into `/usr/local`.
    Python,
    /// `node` and `npm`.
    Node,
    /// nginx.
    Static,
}

impl Family {
    /// The short name, as in image names.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Debian => "debian",
            Self::Python => "python",
            Self::Node => "node",
            Self::Static => "static",
        }
    }

    /// The name people know the program by.
    pub fn title(self) -> &'static str {
        match self {
            Self::Debian => "Debian",
            Self::Python => "Python",
            Self::Node => "Node.js",
            Self::Static => "nginx",
        }
    }
}

/// A base image that a plan needs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BaseNeed {
    /// One of a family, in a version the app accepts; `None` takes the default.
    Family { family: Family, wish: Option<VersionWish> },
    /// The one a `FROM` line names. `is_replaceable`: a base of Slipway's own may stand in for it.
    Reference { name: String, is_replaceable: bool },
}

/// A base image that was found, pulled or made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseImage {
    /// What a `FROM` line says to build on it.
    pub reference: String,
    /// The version of the family's program, where it is known: `3.11`.
    pub version: Option<String>,
}

/// What was found for each need of a plan.
pub type Bases = BTreeMap<BaseNeed, BaseImage>;
