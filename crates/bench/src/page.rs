//! The results as a page of the book.

use crate::results::{Circumstances, Comparison, Figure, Results, Row, Value};
use crate::statistics::Sample;

const HEAD: &str = include_str!("page.md");

/// The page in Markdown.
pub fn page(results: &Results) -> String {
    let mut text = HEAD.to_owned();
    for comparison in &results.comparisons {
        text += "\n";
        text += &section(comparison);
    }
    text
}

/// One image's table, with a heading, and behind it under which circumstances that was measured.
pub fn section(comparison: &Comparison) -> String {
    let Comparison { image, beside, circumstances, rows } = comparison;
    let mut text = format!("## {image}\n\n| figure | {image} | {beside} | ratio |\n|---|---:|---:|---:|\n");
    rows.iter().for_each(|row| text += &line(row));
    text + "\n" + &told(circumstances)
}

/// One row of a table.
pub fn line(row: &Row) -> String {
    let (label, part) = (&row.figure.label, row.figure.is_part);
    format!("| {label} | {} | {} | {} |\n", cell(&row.image, part), cell(&row.beside, part), ratio(row))
}

/// The ratio as a number without a unit, in bold where the image does better.
fn ratio(row: &Row) -> String {
    match row.ratio() {
        None => "–".into(),
        Some(ratio) if better(&row.figure, ratio) => format!("**{ratio:.2}**"),
        Some(ratio) => format!("{ratio:.2}"),
    }
}

fn better(figure: &Figure, ratio: f64) -> bool {
    if figure.less_is_better { ratio < 1.0 } else { ratio > 1.0 }
}

/// The median, and behind it the spread where there were several rounds.
fn cell(value: &Value, part: bool) -> String {
    match value {
        Value::Absent { absent } => absent.clone(),
        Value::Measured(sample) if part => format!("{:.0} %{}", sample.median() * 100.0, spread(sample)),
        Value::Measured(sample) => format!("{}{}", number(sample.median()), spread(sample)),
    }
}

fn spread(sample: &Sample) -> String {
    let percent = sample.spread() * 100.0;
    match percent {
        0.0 => String::new(),
        _ if percent < 10.0 => format!(" ± {:.1} %", percent / 2.0),
        _ => format!(" ± {:.0} %", percent / 2.0),
    }
}

/// Three digits at least, and commas between thousands.
fn number(value: f64) -> String {
    if value < 10.0 {
        return format!("{value:.2}");
    }
    if value < 100.0 {
        return format!("{value:.1}");
    }
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A paragraph on when, on what and with what.
fn told(circumstances: &Circumstances) -> String {
    let Circumstances { date, rounds, seconds, machine, versions } = circumstances;
    let versions: Vec<String> = versions.iter().map(|(name, version)| format!("{name}: {version}")).collect();
    format!(
        "Measured on {date}, {rounds} rounds a figure, {seconds} s a round of load, on {} processors ({}); load average of the \
         machine {:.1} before and {:.1} after. {}.\n",
        machine.processors,
        machine.processor,
        machine.load_before,
        machine.load_after,
        versions.join("; ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::tests::comparison;

    const BYTES: Figure = Figure::less("bytes", "size, bytes");
    const RATE: Figure = Figure::more("rate", "requests per second");
    const PART: Figure = Figure::part("part", "of these, idle");

    fn row(figure: Figure, image: &[f64], beside: &[f64]) -> Row {
        let value = |values: &[f64]| {
            Sample::new(values.to_vec()).map_or_else(|| Value::absent("not measured"), Value::Measured)
        };
        Row { figure, image: value(image), beside: value(beside) }
    }

    #[test]
    fn numbers_are_told_to_three_digits() {
        let told: Vec<String> = [0.5, 12.34, 123.4, 1234.5, 1_234_567.0].map(number).to_vec();
        assert_eq!(told, ["0.50", "12.3", "123", "1,234", "1,234,567"]);
    }

    #[test]
    fn a_ratio_is_bold_where_the_image_does_better() {
        let told = line(&row(BYTES, &[100.0], &[400.0]));
        assert_eq!(told, "| size, bytes | 100 | 400 | **0.25** |\n");
        let told = line(&row(RATE, &[200.0], &[400.0]));
        assert_eq!(told, "| requests per second | 200 | 400 | 0.50 |\n");
    }

    #[test]
    fn each_image_is_told_with_when_it_was_measured() {
        let mut results = Results::default();
        results.put(comparison("first", "2026-01-01", 0.5));
        results.put(comparison("second", "2026-02-02", 0.5));
        let page = page(&results);
        let (first, second) = page.split_once("## first").unwrap().1.split_once("## second").unwrap();
        assert!(first.contains("| a part | 50 % | does not serve | – |"), "{first}");
        for (section, date) in [(first, "2026-01-01"), (second, "2026-02-02")] {
            let told = format!(
                "Measured on {date}, 3 rounds a figure, 2 s a round of load, on 2 processors (a processor);"
            );
            assert!(section.contains(&told) && section.contains("QEMU: 10.0.2."), "{section}");
        }
    }

    #[test]
    fn the_spread_of_several_rounds_is_told() {
        let told = line(&row(BYTES, &[100.0, 99.0, 101.0], &[100.0, 100.0, 150.0]));
        assert!(told.ends_with("| 100 ± 1.0 % | 100 ± 25 % | **0.99** |\n"), "{told}");
    }

    #[test]
    fn what_was_not_measured_says_why_and_has_no_ratio() {
        let told = line(&row(PART, &[], &[0.95]));
        assert_eq!(told, "| of these, idle | not measured | 95 % | – |\n");
    }
}
