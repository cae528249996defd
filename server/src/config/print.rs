//! The declared settings as text: the example file, the table in README.md, and the values in force.

use super::Config;
use sendmux_domain::settings::{InForce, Key};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// A configuration file with every key, its default and its meaning.
pub fn example() -> anyhow::Result<String> {
    let mut text = String::from("# Sendmux configuration. Every key is optional; this shows the defaults.\n");
    for (section, keys) in sections()? {
        let _ = write!(text, "\n## {section}\n");
        for key in keys {
            let _ = write!(
                text,
                "\n# {}\n# Environment variable: {}\n#{} = \"{}\"\n",
                key.doc.trim(),
                key.variable(),
                key.name,
                key.default
            );
        }
    }
    Ok(text)
}

/// The settings and their values, one a line.
pub fn in_force(config: &Config) -> String {
    let mut text = String::new();
    for InForce { key, shown, source } in &config.in_force {
        let _ = writeln!(text, "{:<20} {shown:<28} {source}", key.name);
    }
    text
}

/// The settings by their headings, both in the order of their declarations.
fn sections() -> anyhow::Result<Vec<(&'static str, Vec<&'static Key>)>> {
    let mut sections: Vec<(&str, Vec<&Key>)> = Vec::new();
    for value in Config::from_sources(&BTreeMap::new(), &|_| None)?.in_force {
        match sections.iter_mut().find(|(section, _)| *section == value.key.section) {
            Some((_, keys)) => keys.push(value.key),
            None => sections.push((value.key.section, vec![value.key])),
        }
    }
    Ok(sections)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    /// Lines before and after the table in README.md.
    const BEGIN: &str = "<!-- The settings, printed by `UPDATE=1 cargo test -p sendmux readme` -->\n";
    const END: &str = "<!-- End of the settings -->\n";

    /// Table of all settings in Markdown.
    fn table() -> String {
        let mut text = String::new();
        for (section, keys) in sections().unwrap() {
            let _ = write!(
                text,
                "\n### {section}\n\n| key | variable | default | meaning |\n| --- | --- | --- | --- |\n"
            );
            for key in keys {
                let default = match key.default {
                    "" => String::new(),
                    default => format!("`{default}` "),
                };
                let _ = writeln!(
                    text,
                    "| `{}` | `{}` | {default}| {} |",
                    key.name,
                    key.variable(),
                    key.doc.trim()
                );
            }
        }
        text.push('\n');
        text
    }

    #[test]
    fn the_readme_has_the_table() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
        let readme = std::fs::read_to_string(&path).unwrap();
        let (before, rest) = readme.split_once(BEGIN).unwrap();
        let (shown, after) = rest.split_once(END).unwrap();
        let table = table();
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&path, format!("{before}{BEGIN}{table}{END}{after}")).unwrap();
            return;
        }
        assert_eq!(shown, table, "run `UPDATE=1 cargo test -p sendmux readme`");
    }

    #[test]
    fn the_example_is_valid_and_names_every_key() {
        let example = example().unwrap();
        let uncommented: String = example
            .lines()
            .filter_map(|line| line.strip_prefix('#').filter(|line| line.contains(" = \"")))
            .map(|line| format!("{line}\n"))
            .collect();
        let table: toml::Table = uncommented.parse().unwrap();
        let keys: Vec<_> = sections().unwrap().into_iter().flat_map(|(_, keys)| keys).collect();
        assert_eq!(table.len(), keys.len());
        for key in keys {
            assert_eq!(table[key.name].as_str(), Some(key.default));
            assert!(example.contains(&key.variable()));
        }
    }

    #[test]
    fn secrets_are_never_printed() {
        const PLANTED: &str = "smtp://me:planted@example.com";
        let declared = sections().unwrap().into_iter().flat_map(|(_, keys)| keys);
        let secrets: Vec<&Key> = declared.filter(|key| key.is_secret).collect();
        let names: Vec<_> = secrets.iter().map(|key| key.name).collect();
        assert_eq!(
            names,
            [
                "database_url",
                "secret_key",
                "ses_secret_access_key",
                "google_client_secret",
                "microsoft_client_secret",
                "mail_smtp_url"
            ]
        );
        let others = [
            ("ses_region", "eu-central-1"),
            ("ses_access_key_id", "AKIA"),
            ("google_client_id", "id"),
            ("microsoft_client_id", "id"),
            ("mail_from", "me@example.com"),
        ];
        let given = names.into_iter().map(|name| (name, PLANTED)).chain(others);
        let file: BTreeMap<String, String> = given.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let shown = in_force(&Config::from_sources(&file, &|_| None).unwrap());
        assert!(!shown.contains("planted"), "{shown}");
        assert_eq!(shown.matches("(set, not shown)").count(), secrets.len(), "{shown}");
    }
}
