//! Settings as Rust expressions.

use serde_json::Value;

use crate::composition::Node;
use crate::error::Error;
use crate::names::{pascal, screaming, snake};

/// A file that a setting carries into the image.
pub struct File {
    /// Name of the `static` that holds its bytes.
    pub name: String,
    /// Where it lies when the workspace is woven.
    pub path: String,
}

impl File {
    /// Name of its copy in the woven workspace, which the glue can name wherever that lies.
    pub fn copy(&self) -> String {
        self.name.to_lowercase()
    }
}

/// Writes the settings of one room, and gathers the files they name.
pub struct Literals<'a> {
    node: &'a Node,
    /// Files named so far, in the order of their settings.
    pub files: Vec<File>,
}

impl<'a> Literals<'a> {
    /// Of one node.
    pub fn of(node: &'a Node) -> Self {
        Self { node, files: Vec::new() }
    }

    /// `name: value` for each option that is a field of `Config`.
    pub fn fields(&mut self) -> Result<Vec<String>, Error> {
        let node = self.node;
        let options = node.settings.keys().filter(|option| !node.constants.contains(option));
        options.map(|option| Ok(format!("{}: {}", snake(option), self.setting(option)?))).collect()
    }

    /// `<value, …>` of the options that are const generic parameters, or nothing.
    pub fn constants(&mut self) -> Result<String, Error> {
        let node = self.node;
        let values =
            node.constants.iter().map(|option| self.setting(option)).collect::<Result<Vec<_>, _>>()?;
        Ok(if values.is_empty() { String::new() } else { format!("<{}>", values.join(", ")) })
    }

    fn setting(&mut self, option: &str) -> Result<String, Error> {
        let unknown = || Error::UnknownConstant { room: self.node.room.clone(), option: option.to_owned() };
        let setting = self.node.settings.get(option).ok_or_else(unknown)?;
        self.value(option, &setting.kind, &setting.value).ok_or_else(|| Error::Setting {
            room: self.node.room.clone(),
            option: option.to_owned(),
            kind: setting.kind.clone(),
            value: setting.value.to_string(),
        })
    }

    /// The expression, or `None` where the value is not of the type.
    fn value(&mut self, option: &str, kind: &str, value: &Value) -> Option<String> {
        if let Some(inner) = kind.strip_prefix("nullable ") {
            return match value {
                Value::Null => Some("None".to_owned()),
                value => Some(format!("Some({})", self.value(option, inner, value)?)),
            };
        }
        if let Some(inner) = kind.strip_prefix("list of ") {
            let elements: Option<Vec<_>> =
                value.as_array()?.iter().map(|element| self.value(option, inner, element)).collect();
            return Some(format!("&[{}]", elements?.join(", ")));
        }
        match kind {
            "int" => integer(value),
            "bool" => value.as_bool().map(|value| value.to_string()),
            "str" => value.as_str().map(|value| format!("{value:?}")),
            "enum" => value.as_str().map(|value| self.variant(option, value)),
            "file" => value.as_str().map(|path| self.file(option, path)),
            _ => None,
        }
    }

    fn variant(&self, option: &str, value: &str) -> String {
        format!("{}::{}::{}", snake(&self.node.room), pascal(option), pascal(value))
    }

    fn file(&mut self, option: &str, path: &str) -> String {
        let mut name = format!("{}_{}", screaming(&self.node.room), screaming(option));
        if self.files.iter().any(|file| file.name == name) {
            name = format!("{name}_{}", self.files.len());
        }
        let expression = format!("&{name}.0");
        self.files.push(File { name, path: path.to_owned() });
        expression
    }
}

fn integer(value: &Value) -> Option<String> {
    (value.is_i64() || value.is_u64()).then(|| value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn node(kind: &str, value: Value) -> Node {
        serde_json::from_value(json!({
            "room": "log", "kind": "library", "why": "test",
            "settings": { "someLevel": { "value": value, "type": kind } }
        }))
        .unwrap()
    }

    fn literal(kind: &str, value: Value) -> Result<String, String> {
        let node = node(kind, value);
        let mut literals = Literals::of(&node);
        literals.setting("someLevel").map_err(|error| error.to_string())
    }

    #[test]
    fn each_type() {
        assert_eq!(literal("int", json!(-7)).unwrap(), "-7");
        assert_eq!(literal("bool", json!(true)).unwrap(), "true");
        assert_eq!(literal("str", json!("a \"b\"\n\\")).unwrap(), r#""a \"b\"\n\\""#);
        assert_eq!(literal("enum", json!("very-loud")).unwrap(), "log::SomeLevel::VeryLoud");
        assert_eq!(literal("list of int", json!([1, 2])).unwrap(), "&[1, 2]");
        assert_eq!(literal("list of list of str", json!([["a"], []])).unwrap(), r#"&[&["a"], &[]]"#);
        assert_eq!(literal("nullable int", json!(null)).unwrap(), "None");
        assert_eq!(literal("nullable str", json!("x")).unwrap(), "Some(\"x\")");
    }

    #[test]
    fn files_have_a_static_each() {
        let node = node("list of file", json!(["/a", "/b"]));
        let mut literals = Literals::of(&node);
        assert_eq!(literals.setting("someLevel").unwrap(), "&[&LOG_SOME_LEVEL.0, &LOG_SOME_LEVEL_1.0]");
        let paths: Vec<_> = literals.files.iter().map(|file| file.path.as_str()).collect();
        assert_eq!(paths, ["/a", "/b"]);
    }

    #[test]
    fn a_value_of_another_type_is_refused() {
        let told = literal("int", json!("7")).unwrap_err();
        assert_eq!(told, "`libs.log.someLevel` is \"7\", which is no `int`");
        assert!(literal("int", json!(7.5)).is_err());
        assert!(literal("float", json!(7.5)).is_err());
        assert!(literal("list of int", json!([1, null])).is_err());
        assert!(literal("nullable int", json!("x")).is_err());
    }
}
