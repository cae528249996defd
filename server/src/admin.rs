//! The operator's commands beside the server. They go through the same functions as the dashboard.

use crate::boot;
use crate::cli::{CreateKey, CreateUser, KeyMode, KeyPermission};
use crate::config::{Config, print};
use anyhow::{Context, bail};
use sendmux_domain::accounts::{self, NewUser};
use sendmux_domain::keys::{self, NewKey, Permission, Scope};
use sendmux_domain::{Actor, Error, backup};
use sendmux_rules::Mode;
use std::io::{BufRead, IsTerminal};
use std::path::Path;

/// `sendmux migrate`
pub async fn migrate(config: &Config) -> anyhow::Result<()> {
    boot::data_dir(config)?;
    let db = boot::database(config, false).await?;
    let pending = db.pending_migrations().await?;
    db.migrate().await.context("cannot bring the tables up to date")?;
    println!(
        "{}",
        if pending == 0 {
            "The tables are up to date.".to_owned()
        } else {
            format!("Applied {pending} migrations.")
        }
    );
    Ok(())
}

/// `sendmux backup`
pub async fn backup(config: &Config, file: &Path) -> anyhow::Result<()> {
    let database_url = config.database_url();
    if !database_url.starts_with("sqlite:") {
        bail!(
            "this database is PostgreSQL: back it up with its own tools, `pg_dump --format=custom --file={}` with the \
             address of DATABASE_URL, and keep a copy of the secret key as well",
            file.display()
        );
    }
    let bytes = backup::copy_sqlite(&database_url, file)
        .await
        .context("cannot back up")?;
    println!("Backed up the database to {} ({bytes} bytes).", file.display());
    if !config.secret_keys.is_empty() {
        println!("The credentials in it open only with the secret_key (SENDMUX_SECRET_KEY) of this configuration.");
        return Ok(());
    }
    let key = boot::key_file(config);
    if boot::known_sealer(config)?.is_none() {
        bail!(
            "the key file {} is missing: the copy is complete, but the credentials in it cannot be read without that key",
            key.display()
        );
    }
    println!(
        "The credentials in it open only with the key in {}: copy that file too, once, and keep it apart.",
        key.display()
    );
    Ok(())
}

/// `sendmux user create`
pub async fn create_user(config: &Config, user: CreateUser) -> anyhow::Result<()> {
    let password = read_password()?;
    let domain = boot::domain(config).await?;
    let name = user
        .name
        .unwrap_or_else(|| user.email.split('@').next().unwrap_or_default().to_owned());
    let team_name = user.team.unwrap_or_else(|| name.clone());
    let new = NewUser {
        email: user.email,
        name,
        password,
        operator: user.operator,
        team_name,
    };
    let made = accounts::create_user(&domain, new).await.map_err(explain)?;
    let role = if made.is_operator { "operator" } else { "account" };
    println!("Made the {role} {} ({}).", made.email, made.public_id);
    Ok(())
}

/// `sendmux key create`
pub async fn create_key(config: &Config, key: CreateKey) -> anyhow::Result<()> {
    let domain = boot::domain(config).await?;
    let Some(team) = accounts::find_team(&domain, &key.team).await? else {
        bail!(
            "there is no team `{}`; name it by its id (team_…) or its short name",
            key.team
        );
    };
    let new = NewKey {
        name: key.name,
        mode: match key.mode {
            KeyMode::Live => Mode::Live,
            KeyMode::Test => Mode::Test,
        },
        permissions: key
            .permissions
            .iter()
            .map(|permission| match permission {
                KeyPermission::Send => Permission::Send,
                KeyPermission::Read => Permission::Read,
                KeyPermission::Manage => Permission::Manage,
                KeyPermission::KeysWrite => Permission::KeysWrite,
            })
            .collect(),
        scope: Scope::All,
    };
    let made = keys::create(&domain, &Actor::cli(team.id), new)
        .await
        .map_err(explain)?;
    eprintln!(
        "Made a {} key for the team {}. It is shown this once:",
        made.key.mode, team.name
    );
    println!("{}", made.secret);
    Ok(())
}

/// `sendmux config check`
pub async fn check_config(config: &Config) -> anyhow::Result<()> {
    print!("{}", print::in_force(config));
    boot::data_dir(config)?;
    boot::known_sealer(config)?;
    let db = boot::database(config, false).await?;
    let pending = db.pending_migrations().await?;
    if pending == 0 {
        boot::sealer(config, &db).await?;
    }
    println!("\nThe database answers; {pending} migrations are to be applied at the next start.");
    if !config.site_root.join("pkg").is_dir() {
        println!(
            "The dashboard's files are not in {} (site_root): build them with `make build`.",
            config.site_root.display()
        );
    }
    Ok(())
}

/// From the environment, or asked for; never an argument, which other users of the machine could see.
fn read_password() -> anyhow::Result<String> {
    if let Ok(password) = std::env::var("SENDMUX_PASSWORD") {
        return Ok(password);
    }
    if std::io::stdin().is_terminal() {
        eprint!("Password (shown as you type; or set SENDMUX_PASSWORD): ");
    }
    let mut line = String::new();
    std::io::stdin()
        .lock()
        .read_line(&mut line)
        .context("cannot read the password")?;
    let password = line.trim_end_matches(['\r', '\n']).to_owned();
    if password.is_empty() {
        bail!("no password: set SENDMUX_PASSWORD or give it on standard input");
    }
    Ok(password)
}

/// The errors of forms, one a line.
fn explain(error: Error) -> anyhow::Error {
    match error {
        Error::Invalid(errors) => {
            let lines: Vec<String> = errors
                .iter()
                .map(|error| format!("{}: {}", error.field, error.message))
                .collect();
            anyhow::anyhow!("{}", lines.join("\n  "))
        }
        other => other.into(),
    }
}
