//! What was measured, and under which circumstances.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::statistics::Sample;

/// What is measured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Figure {
    /// What programs that read the results call it.
    pub name: Cow<'static, str>,
    /// What it is, and in which unit.
    pub label: Cow<'static, str>,
    /// Whether less of it is better.
    pub less_is_better: bool,
    /// Whether it is a part of something, told in per cent.
    pub is_part: bool,
}

impl Figure {
    /// One of which less is better.
    pub const fn less(name: &'static str, label: &'static str) -> Self {
        Self { name: Cow::Borrowed(name), label: Cow::Borrowed(label), less_is_better: true, is_part: false }
    }

    /// One of which more is better.
    pub const fn more(name: &'static str, label: &'static str) -> Self {
        let mut figure = Self::less(name, label);
        figure.less_is_better = false;
        figure
    }

    /// A part of something, of which more is better.
    pub const fn part(name: &'static str, label: &'static str) -> Self {
        let mut figure = Self::more(name, label);
        figure.is_part = true;
        figure
    }
}

/// Values of a figure, or why there are none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
    image: Value,
    beside: Value,
    ratio: Option<f64>,
}

impl From<Row> for ToldRow {
    fn from(row: Row) -> Self {
        let ratio = row.ratio();
        Self { figure: row.figure, image: row.image, beside: row.beside, ratio }
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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    pub image: String,
    pub beside: String,
    pub circumstances: Circumstances,
    pub rows: Vec<Row>,
}

/// When an image was measured, with what, and on what.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Circumstances {
    /// The day on which that began, as in ISO 8601 (UTC).
    pub date: String,
    /// Rounds of each figure, and seconds that each round of load took.
    pub rounds: usize,
    pub seconds: u32,
    pub machine: Machine,
    /// Of everything that took part.
    pub versions: BTreeMap<String, String>,
}

/// What it ran on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Machine {
    pub processor: String,
    pub processors: usize,
    /// The system's load average of a minute before and after: how much else went on.
    pub load_before: f64,
    pub load_after: f64,
}

/// What is known of images: at most one comparison of each, by their names.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Results {
    pub comparisons: Vec<Comparison>,
}

impl Results {
    /// Those in a file, or none where there is no such file.
    pub fn read(file: &Path) -> Result<Self, Error> {
        let text = match fs::read(file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            read => read.map_err(Error::file(file))?,
        };
        serde_json::from_slice(&text).map_err(|error| Error::file(file)(error.into()))
    }

    /// Writes them all to a file.
    pub fn write(&self, file: &Path) -> Result<(), Error> {
        let text = serde_json::to_string_pretty(self).map_err(|error| Error::file(file)(error.into()))?;
        fs::write(file, text + "\n").map_err(Error::file(file))
    }

    /// Adds a comparison, in the place of one of the same image.
    pub fn put(&mut self, comparison: Comparison) {
        let place = self.comparisons.binary_search_by(|other| other.image.cmp(&comparison.image));
        match place {
            Ok(index) => self.comparisons[index] = comparison,
            Err(index) => self.comparisons.insert(index, comparison),
        }
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// A comparison of that image with one figure, which a round measured as this.
    pub fn comparison(image: &str, date: &str, value: f64) -> Comparison {
        let machine =
            Machine { processor: "a processor".into(), processors: 2, load_before: 0.5, load_after: 1.5 };
        Comparison {
            image: image.into(),
            beside: "Linux".into(),
            circumstances: Circumstances {
                date: date.into(),
                rounds: 3,
                seconds: 2,
                machine,
                versions: BTreeMap::from([("QEMU".to_owned(), "10.0.2".to_owned())]),
            },
            rows: vec![Row {
                figure: Figure::part("part", "a part"),
                image: Sample::new(vec![value]).map_or_else(|| Value::absent("no number"), Value::Measured),
                beside: Value::absent("does not serve"),
            }],
        }
    }

    #[test]
    fn what_was_written_is_read_again() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("results.json");
        assert_eq!(Results::read(&file).unwrap(), Results::default());
        let mut results = Results::default();
        results.put(comparison("a", "2026-01-01", 0.25));
        results.write(&file).unwrap();
        assert_eq!(Results::read(&file).unwrap(), results);
    }

    #[test]
    fn a_file_of_something_else_is_told() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("results.json");
        fs::write(&file, "{}").unwrap();
        assert!(Results::read(&file).unwrap_err().to_string().contains("comparisons"));
    }

    #[test]
    fn a_comparison_replaces_that_of_its_image_and_leaves_others() {
        let mut results = Results::default();
        for (image, date) in
            [("b", "2026-01-01"), ("c", "2026-01-02"), ("a", "2026-01-03"), ("b", "2026-01-04")]
        {
            results.put(comparison(image, date, 1.0));
        }
        let known =
            results.comparisons.iter().map(|known| (known.image.as_str(), known.circumstances.date.as_str()));
        assert_eq!(
            known.collect::<Vec<_>>(),
            [("a", "2026-01-03"), ("b", "2026-01-04"), ("c", "2026-01-02")]
        );
    }
}
