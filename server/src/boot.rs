//! What every command does first: the data folder, the database, the secrets.

use crate::config::Config;
use anyhow::Context;
use sendmux_domain::clock::{Clock, SystemClock};
use sendmux_domain::db::Db;
use sendmux_domain::secrets::Sealer;
use sendmux_domain::{Domain, nodes};
use std::fs::File;
use std::io::IsTerminal;
use std::path::Path;
use std::sync::Arc;
use tracing_subscriber::EnvFilter;

/// Starts logging.
pub fn start_log(config: &Config) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(&config.log)
        .with_context(|| format!("log (SENDMUX_LOG): `{}` is not a log filter", config.log))?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    if config.log_json {
        builder.json().init()
    } else {
        builder.init()
    }
    Ok(())
}

/// Makes the data folder, readable only by its owner.
pub fn data_dir(config: &Config) -> anyhow::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(&config.data_dir).with_context(|| {
        format!(
            "cannot make the data folder {} (data_dir, SENDMUX_DATA_DIR)",
            config.data_dir.display()
        )
    })
}

/// Connects to the database and, unless `migrate` is false, brings its tables up to date.
pub async fn database(config: &Config, migrate: bool) -> anyhow::Result<Db> {
    let what = if config.embedded {
        "the embedded database in data_dir"
    } else {
        "the database of DATABASE_URL"
    };
    let db = Db::connect(&config.database_url)
        .await
        .with_context(|| format!("cannot open {what}"))?;
    if migrate {
        db.migrate()
            .await
            .with_context(|| format!("cannot bring the tables of {what} up to date"))?;
    }
    Ok(db)
}

/// The keys that encrypt credentials: from the configuration, or the key file.
pub fn sealer(config: &Config) -> anyhow::Result<Sealer> {
    if config.secret_keys.is_empty() {
        Sealer::load_or_create(&config.data_dir.join("secret.key")).context("the key file in data_dir")
    } else {
        Sealer::from_base64(&config.secret_keys).context("secret_key (SENDMUX_SECRET_KEY)")
    }
}

/// A domain for a command that runs beside the server: same database, same rules.
pub async fn domain(config: &Config) -> anyhow::Result<Domain> {
    data_dir(config)?;
    let db = database(config, true).await?;
    Ok(Domain::new(
        db,
        Arc::new(SystemClock::default()),
        0,
        sealer(config)?,
        config.settings.clone(),
    ))
}

/// A domain for the server, registered as a new incarnation.
pub async fn server_domain(config: &Config) -> anyhow::Result<(Domain, i64, Arc<SystemClock>)> {
    let db = database(config, true).await?;
    let clock = Arc::new(SystemClock::default());
    align(&db, &clock).await?;
    let incarnation = nodes::register(&db, &config.node_name, clock.now())
        .await
        .context("cannot register this node")?;
    let domain = Domain::new(db, clock.clone(), incarnation, sealer(config)?, config.settings.clone());
    Ok((domain, incarnation, clock))
}

/// Sets the clock to the database server's, where it has one.
pub async fn align(db: &Db, clock: &SystemClock) -> sendmux_domain::Result<()> {
    let before = SystemClock::machine_now().as_millis();
    if let Some(server) = db.server_time().await? {
        // The answer was made about half-way between asking and hearing.
        let after = SystemClock::machine_now().as_millis();
        clock.set_offset(server.as_millis() - (before + after) / 2);
    }
    Ok(())
}

/// Makes sure that one process only serves an embedded database: it takes the leases of all others for dead ones. The
/// lock goes with the process, however it ends.
pub fn lock(data_dir: &Path) -> anyhow::Result<File> {
    let path = data_dir.join("serve.lock");
    let file = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
    file.try_lock().map_err(|_| {
        anyhow::anyhow!(
            "another sendmux serves the data folder {}; stop it, or choose another folder with SENDMUX_DATA_DIR",
            data_dir.display()
        )
    })?;
    Ok(file)
}
