//! Steps that every command begins with: the data folder, the database, the secrets.

use crate::config::Config;
use anyhow::Context;
use sendmux_domain::clock::SystemClock;
use sendmux_domain::db::Db;
use sendmux_domain::secrets::{Sealer, Secret};
use sendmux_domain::{Domain, files, nodes, providers};
use std::fs::File;
use std::io::{ErrorKind, IsTerminal};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
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
    let dir = &config.data_dir;
    let made = || {
        format!(
            "cannot make the data folder {} (data_dir, SENDMUX_DATA_DIR)",
            dir.display()
        )
    };
    if dir.is_dir() {
        return keep_private(config);
    }
    // Those that are to be made, the innermost first.
    let missing: Vec<&Path> = dir.ancestors().take_while(|folder| !folder.exists()).collect();
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir).with_context(made)?;
    for folder in missing {
        files::sync_folder(folder).with_context(made)?;
    }
    Ok(())
}

/// Takes the rights of others from the data folder and from the embedded database, where an earlier version, a copy or a restored
/// backup left any: messages stand there in clear.
#[cfg(unix)]
fn keep_private(config: &Config) -> anyhow::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let mut paths = vec![config.data_dir.clone()];
    if config.is_embedded() {
        let file = config.database_file();
        paths.extend(["", "-wal", "-shm"].map(|end| format!("{}{end}", file.display()).into()));
    }
    for path in paths {
        let Ok(found) = std::fs::metadata(&path) else { continue };
        let mode = found.permissions().mode();
        if mode & 0o077 == 0 {
            continue;
        }
        tracing::warn!(path = %path.display(), mode = format!("{:o}", mode & 0o777), "took away the rights of others");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode & 0o700)).with_context(|| {
            format!(
                "others can read {}, and that cannot be changed: run `chmod go= {0}` as its owner",
                path.display()
            )
        })?;
    }
    Ok(())
}

#[cfg(not(unix))]
fn keep_private(_: &Config) -> anyhow::Result<()> {
    Ok(())
}

/// Makes the file of the embedded database if there is none, for its owner alone: SQLite would let others read it.
fn private_database(config: &Config) -> anyhow::Result<()> {
    let file = config.database_file();
    match files::create(&file, b"") {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            Err(error).with_context(|| format!("cannot make the database {}", file.display()))
        }
        _ => Ok(()),
    }
}

/// Connects to the database and, unless `migrate` is false, brings its tables up to date.
pub async fn database(config: &Config, migrate: bool) -> anyhow::Result<Db> {
    let what = if config.is_embedded() {
        "the embedded database in data_dir"
    } else {
        "the database of DATABASE_URL"
    };
    if config.is_embedded() {
        private_database(config)?;
    }
    let db = Db::connect(&config.database_url())
        .await
        .with_context(|| format!("cannot open {what}"))?;
    if migrate {
        db.migrate()
            .await
            .with_context(|| format!("cannot bring the tables of {what} up to date"))?;
    }
    Ok(db)
}

/// Path of the key that encrypts credentials, when the configuration gives none.
pub fn key_file(config: &Config) -> PathBuf {
    config.data_dir.join("secret.key")
}

/// The keys that encrypt credentials: from the configuration, or the key file, which is made when there is none. None is
/// made for credentials that another key has encrypted: it could not read them, and would hide that the file is missing.
pub async fn sealer(config: &Config, db: &Db) -> anyhow::Result<Sealer> {
    if let Some(sealer) = known_sealer(config)? {
        return Ok(sealer);
    }
    let file = key_file(config);
    if providers::any_sealed(db).await? {
        anyhow::bail!(
            "the key file {} is missing, and the database holds credentials that were encrypted with the key in it. Put \
             the file back, from a backup or from the data folder that the database comes from, or set secret_key \
             (SENDMUX_SECRET_KEY). No new key was made: it could not read them",
            file.display()
        );
    }
    Sealer::load_or_create(&file).context("the key file in data_dir")
}

/// The keys that are there already.
pub fn known_sealer(config: &Config) -> anyhow::Result<Option<Sealer>> {
    if config.secret_keys.is_empty() {
        Sealer::load(&key_file(config)).context("the key file in data_dir")
    } else {
        let sealer = Sealer::from_base64(config.secret_keys.iter().map(Secret::expose))
            .context("secret_key (SENDMUX_SECRET_KEY)")?;
        Ok(Some(sealer))
    }
}

/// A domain for a command that runs beside the server: same database, same rules.
pub async fn domain(config: &Config) -> anyhow::Result<Domain> {
    data_dir(config)?;
    let db = database(config, true).await?;
    let sealer = sealer(config, &db).await?;
    let clock = Arc::new(SystemClock::default());
    Ok(Domain::new(db, clock, 0, sealer, config.settings.clone()))
}

/// A domain for the server, registered as a new incarnation.
pub async fn server_domain(config: &Config) -> anyhow::Result<(Domain, i64, Arc<SystemClock>)> {
    let db = database(config, true).await?;
    let sealer = sealer(config, &db).await?;
    let clock = Arc::new(SystemClock::default());
    align(&db, &clock).await?;
    let incarnation = nodes::register(&db, &config.node_name, nodes::Time::of(&*clock, db.backend()))
        .await
        .context("cannot register this node")?;
    let domain = Domain::new(db, clock.clone(), incarnation, sealer, config.settings.clone());
    Ok((domain, incarnation, clock))
}

/// Longest time that the database may take to tell the time for its answer to count.
const QUICK: Duration = Duration::from_millis(500);
/// Number of answers of which the quickest counts.
const ASKED: usize = 3;

/// Sets the clock to the database server's, where it has one and tells the time quickly; a later call tries again. The
/// answer was made at some time between asking and hearing, so that the clock is wrong by half of that at most, and is
/// left as it is where that explains the difference.
pub async fn align(db: &Db, clock: &SystemClock) -> sendmux_domain::Result<()> {
    let mut best: Option<Reading> = None;
    for _ in 0..ASKED {
        let asked = SystemClock::machine_now();
        let began = Instant::now();
        let Some(server) = db.server_time().await? else {
            return Ok(());
        };
        // By the clock that nobody sets: that of the machine may have been meanwhile.
        let took = began.elapsed();
        let offset = server.as_millis() - asked.plus(took / 2).as_millis();
        if best.is_none_or(|best| took < best.took) {
            best = Some(Reading { offset, took });
        }
    }
    match best {
        Some(reading) if reading.took <= QUICK => clock.set_offset(reading.offset_from(clock.offset())),
        Some(reading) => tracing::warn!(
            milliseconds = u64::try_from(reading.took.as_millis()).unwrap_or(u64::MAX),
            "the database took too long to tell the time; the clock is left as it is"
        ),
        None => {}
    }
    Ok(())
}

/// Lead of the database's clock over the machine's, in milliseconds, with the time that the answer took.
#[derive(Clone, Copy, Debug)]
struct Reading {
    offset: i64,
    took: Duration,
}

impl Reading {
    /// The nearest to the offset that was known until now of those that the answer admits.
    fn offset_from(self, known: i64) -> i64 {
        let either_way = i64::try_from((self.took / 2).as_millis())
            .unwrap_or(i64::MAX)
            .saturating_add(1);
        known.clamp(self.offset - either_way, self.offset + either_way)
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_is_stepped_by_no_more_than_the_answer_says() {
        let reading = |offset, millis| Reading {
            offset,
            took: Duration::from_millis(millis),
        };
        assert_eq!(reading(3, 10).offset_from(0), 0, "half of the way explains it");
        assert_eq!(reading(100, 10).offset_from(0), 94);
        assert_eq!(reading(-100, 10).offset_from(0), -94);
        assert_eq!(reading(16_000, 0).offset_from(15_999), 15_999);
        assert_eq!(reading(16_000, 2).offset_from(20_000), 16_002);
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn nobody_else_reads_the_data() {
        use sendmux_domain::testing::TestDir;
        use std::os::unix::fs::PermissionsExt;
        let dir = TestDir::new();
        let config = Config {
            data_dir: dir.path().join("data"),
            ..Config::default()
        };
        let file = config.database_file();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;

        data_dir(&config).unwrap();
        database(&config, true).await.unwrap();
        assert_eq!((mode(&config.data_dir), mode(&file)), (0o700, 0o600));

        for (path, loose) in [(&config.data_dir, 0o755), (&file, 0o644)] {
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(loose)).unwrap();
        }
        data_dir(&config).unwrap();
        assert_eq!((mode(&config.data_dir), mode(&file)), (0o700, 0o600));
        database(&config, true).await.unwrap();
    }
}
