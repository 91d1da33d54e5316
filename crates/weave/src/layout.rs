//! Lines as rustfmt lays them out under the pool's `rustfmt.toml`.

/// Columns of a line, `max_width` of `rustfmt.toml`.
const WIDTH: usize = 110;
/// Elements up to this width are packed into lines, `short_array_element_width_threshold` of rustfmt.
const SHORT_ELEMENT: usize = 10;

/// How lists open and close.
const LISTS: [(&str, &str); 2] = [(": &[", "]"), (": every([", "])")];

/// `head { fields }tail`, on one line where it fits and else with one field a line.
pub fn braced(indent: usize, head: &str, fields: &[String], tail: &str) -> String {
    let margin = " ".repeat(indent);
    let line = match fields {
        [] => format!("{margin}{head} {{}}{tail}\n"),
        fields => format!("{margin}{head} {{ {} }}{tail}\n", fields.join(", ")),
    };
    if fits(&line) || fields.is_empty() {
        return line;
    }
    let fields: String = fields.iter().map(|field| broken_field(indent + 4, field)).collect();
    format!("{margin}{head} {{\n{fields}{margin}}}{tail}\n")
}

/// `left = right;`, with the right side on a line of its own where one line is too long.
pub fn assignment(indent: usize, left: &str, right: &str) -> String {
    let margin = " ".repeat(indent);
    let line = format!("{margin}{left} = {right};\n");
    if fits(&line) { line } else { format!("{margin}{left} =\n{margin}    {right};\n") }
}

/// A field on a line of its own; a flat list that is too long for that is broken in its turn.
fn broken_field(indent: usize, field: &str) -> String {
    let margin = " ".repeat(indent);
    let line = format!("{margin}{field},\n");
    match LISTS.iter().find_map(|(open, close)| list(field, open, close)) {
        Some((head, elements, close)) if !fits(&line) => {
            format!("{margin}{head}\n{}{margin}{close},\n", broken_elements(indent + 4, &elements))
        }
        _ => line,
    }
}

/// The head of a list, its elements and its end; `None` where commas may be parts of elements.
fn list<'a>(field: &'a str, open: &str, close: &'a str) -> Option<(&'a str, Vec<&'a str>, &'a str)> {
    let start = field.find(open)? + open.len();
    let elements = field.get(start..)?.strip_suffix(close)?;
    (!elements.contains(['"', '['])).then(|| (&field[..start], elements.split(", ").collect(), close))
}

fn broken_elements(indent: usize, elements: &[&str]) -> String {
    let margin = " ".repeat(indent);
    if elements.iter().any(|element| element.len() > SHORT_ELEMENT) {
        return elements.iter().map(|element| format!("{margin}{element},\n")).collect();
    }
    let mut lines = vec![margin.clone()];
    for element in elements {
        let last = lines.last_mut().expect("begins with one line");
        let separator = if last.trim().is_empty() { "" } else { " " };
        // With its comma, and rustfmt keeps one column more.
        if last.len() + separator.len() + element.len() + 1 < WIDTH {
            last.push_str(&format!("{separator}{element},"));
        } else {
            lines.push(format!("{margin}{element},"));
        }
    }
    lines.join("\n") + "\n"
}

fn fits(line: &str) -> bool {
    line.trim_end_matches('\n').chars().count() <= WIDTH
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_ones_stay_on_one_line() {
        assert_eq!(braced(0, "static A: T = T", &[], ";"), "static A: T = T {};\n");
        assert_eq!(
            braced(4, "let n = N", &["a: 1".into(), "b: 2".into()], ";"),
            "    let n = N { a: 1, b: 2 };\n"
        );
        assert_eq!(assignment(4, "let a", "b()"), "    let a = b();\n");
    }

    #[test]
    fn long_ones_break() {
        let fields = [format!("a: {}", "1".repeat(60)), format!("b: {}", "2".repeat(60))];
        let lines = braced(0, "let n = N", &fields, ";");
        assert_eq!(lines, format!("let n = N {{\n    {},\n    {},\n}};\n", fields[0], fields[1]));
        let right = "b".repeat(110);
        assert_eq!(assignment(0, "let a", &right), format!("let a =\n    {right};\n"));
    }
}
