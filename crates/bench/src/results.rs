//! What was measured, and under which circumstances.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::statistics::Sample;

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Figure {
    Bytes,
    LeastMemory,
    Memory,
    InstructionsToFirstAnswer,
    TimeToFirstAnswer,
    InstructionsPerRequest,
    InstructionsPerLoneRequest,
    InstructionsPerConnection,
    IdleInstructions,
    RequestsPerSecond,
    RequestsPerProcessorSecond,
    ManyConnections,
    IdleConnections,
    Download,
}

impl Figure {
    /// What it is, and in which unit.
    pub fn label(self) -> &'static str {
        match self {
            Self::Bytes => "size, bytes",
            Self::LeastMemory => "least memory that serves `wrk -c30`, KiB",
            Self::Memory => "memory of the process after `wrk -c30`, KiB",
            Self::InstructionsToFirstAnswer => "instructions from reset to the first 200, millions",
            Self::TimeToFirstAnswer => "time from start to the first 200, ms",
            Self::InstructionsPerRequest => "instructions per request, `wrk -c30`",
            Self::InstructionsPerLoneRequest => "instructions per request, one connection",
            Self::InstructionsPerConnection => "instructions per new connection and request",
            Self::IdleInstructions => "idle instructions per second",
            Self::RequestsPerSecond => "requests per second, `wrk -c30`",
            Self::RequestsPerProcessorSecond => "requests per second of processor time, `wrk -c30`",
            Self::ManyConnections => "of these with `wrk -c1000`",
            Self::IdleConnections => "of these beside 10,000 idle connections",
            Self::Download => "download of 100 MiB, MiB per second",
        }
    }

    /// Whether less of it is better.
    pub fn less_is_better(self) -> bool {
        !matches!(
            self,
            Self::RequestsPerSecond
                | Self::RequestsPerProcessorSecond
                | Self::ManyConnections
                | Self::IdleConnections
                | Self::Download
        )
    }

    /// Whether it is a part of something, told in per cent.
    pub fn is_part(self) -> bool {
        matches!(self, Self::ManyConnections | Self::IdleConnections)
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
        Self { figure: row.figure, label: row.figure.label(), image: row.image, beside: row.beside, ratio }
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
