//! The configuration file: a TOML table of keys, flat or by sections.

use anyhow::{Context, anyhow, bail};
use std::collections::BTreeMap;
use std::path::Path;

/// Reads the keys of a file. A key may stand in a table that its name begins with: `addr` in `[smtp]` is `smtp_addr`.
///
/// # Errors
/// The file cannot be read, is no TOML, or holds a value that no key has.
pub fn read(path: &Path) -> anyhow::Result<BTreeMap<String, String>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let table: toml::Table = text
        .parse()
        .with_context(|| format!("{} is not valid TOML", path.display()))?;
    flat(table).with_context(|| format!("{} is wrong", path.display()))
}

fn flat(table: toml::Table) -> anyhow::Result<BTreeMap<String, String>> {
    let mut keys = BTreeMap::new();
    for (name, value) in table {
        match value {
            toml::Value::Table(section) => {
                for (key, value) in section {
                    insert(&mut keys, format!("{name}_{key}"), value)?;
                }
            }
            value => insert(&mut keys, name, value)?,
        }
    }
    Ok(keys)
}

fn insert(keys: &mut BTreeMap<String, String>, name: String, value: toml::Value) -> anyhow::Result<()> {
    let text = text(value).ok_or_else(|| anyhow!("`{name}` must be a string, a number, true or false, or a list"))?;
    if keys.contains_key(&name) {
        bail!("`{name}` is given twice, by itself and in a section");
    }
    keys.insert(name, text);
    Ok(())
}

fn text(value: toml::Value) -> Option<String> {
    Some(match value {
        toml::Value::String(text) => text,
        toml::Value::Integer(number) => number.to_string(),
        toml::Value::Boolean(flag) => flag.to_string(),
        toml::Value::Array(items) => items.into_iter().map(text).collect::<Option<Vec<_>>>()?.join(","),
        toml::Value::Float(_) | toml::Value::Datetime(_) | toml::Value::Table(_) => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(text: &str) -> Result<Vec<(String, String)>, String> {
        let table: toml::Table = text.parse().unwrap();
        flat(table)
            .map(|keys| keys.into_iter().collect())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn keys_stand_alone_or_in_sections() {
        let flat = keys("smtp_addr = 'off'\nrate_limit = 7\nallow_private_hosts = false\nretry_delays = ['5m', '2h']");
        let sections =
            keys("allow_private_hosts = false\n[smtp]\naddr = 'off'\n[rate]\nlimit = 7\n[retry]\ndelays = '5m,2h'");
        assert_eq!(flat, sections);
        assert_eq!(flat.unwrap()[1], ("rate_limit".to_owned(), "7".to_owned()));
    }

    #[test]
    fn what_is_no_value_of_a_key_is_named() {
        for (text, part) in [
            ("rate_limit = 1.5", "`rate_limit` must be a string"),
            ("[smtp.addr]\nport = 1", "`smtp_addr` must be a string"),
            ("retry_delays = [{a = 1}]", "`retry_delays` must be a string"),
            ("smtp_addr = 'off'\n[smtp]\naddr = 'off'", "`smtp_addr` is given twice"),
        ] {
            let error = keys(text).unwrap_err();
            assert!(error.contains(part), "{error}");
        }
    }
}
