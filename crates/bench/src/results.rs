//! What was measured, and under which circumstances.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

use crate::statistics::Sample;

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Figure {
    /// What it is called in JSON.
    pub name: &'static str,
    /// What it is, and in which unit.
    pub label: &'static str,
    /// Whether less of it is better.
    pub less_is_better: bool,
    /// Whether it is a part of something, told in per cent.
    pub is_part: bool,
}

impl Figure {
    /// One of which less is better.
    pub const fn less(name: &'static str, label: &'static str) -> Self {
        Self { name, label, less_is_better: true, is_part: false }
    }

    /// One of which more is better.
    pub const fn more(name: &'static str, label: &'static str) -> Self {
        Self { less_is_better: false, ..Self::less(name, label) }
    }

    /// A part of something, of which more is better.
    pub const fn part(name: &'static str, label: &'static str) -> Self {
        Self { is_part: true, ..Self::more(name, label) }
    }
}

impl Serialize for Figure {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name)
    }
}

/// Values of a figure, or why there are none.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Value {
    Measured(Sample),
    Absent { absent: String },
}

impl Value {
    pub fn absent(why: impl Into<String>) -> Self {
        Self::Absent { absent: why.into() }
    }
}

/// One figure of both.
#[derive(Clone, Debug, Serialize)]
#[serde(into = "ToldRow")]
pub struct Row {
    pub figure: Figure,
    /// Of the image.
    pub image: Value,
    /// Of what is beside it.
    pub beside: Value,
}

/// A row with what is derived from it, for who reads the results.
#[derive(Serialize)]
struct ToldRow {
    figure: Figure,
    label: &'static str,
    image: Value,
    beside: Value,
    ratio: Option<f64>,
}

impl From<Row> for ToldRow {
    fn from(row: Row) -> Self {
        let ratio = row.ratio();
        Self { figure: row.figure, label: row.figure.label, image: row.image, beside: row.beside, ratio }
    }
}

impl Row {
    /// The image's value divided by the other's.
    pub fn ratio(&self) -> Option<f64> {
        match (&self.image, &self.beside) {
            (Value::Measured(image), Value::Measured(beside)) => Some(image.over(beside)),
            _ => None,
        }
    }
}
/// An image and what was beside it.
#[derive(Debug, Serialize)]
pub struct Comparison {
    pub image: String,
    pub beside: String,
    pub rows: Vec<Row>,
}

/// All of a run.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Results {
    /// Of everything that took part.
    pub versions: BTreeMap<String, String>,
    pub machine: Machine,
    /// Rounds of each figure, and seconds that each round of `wrk` took.
    pub rounds: usize,
    pub seconds: u32,
    pub comparisons: Vec<Comparison>,
}

/// What it ran on.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Machine {
    pub processor: String,
    pub processors: usize,
    /// The system's load average of a minute before and after: how much else went on.
    pub load_before: f64,
    pub load_after: f64,
}
