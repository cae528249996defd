//! A copy of the embedded database, made while a server uses it.

use crate::error::{Error, Result};
use crate::files;
use sea_orm::sqlx::sqlite::SqliteConnectOptions;
use sea_orm::sqlx::{self, ConnectOptions};
use std::fs::{File, OpenOptions};
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

/// Time to wait for another process that locks the whole database, as when it closes it.
const BUSY_TIMEOUT: Duration = Duration::from_secs(30);

/// Copies the SQLite database of a `sqlite:` URL, in its current state, into a new file that only its owner may read.
/// Returns the length in bytes. The server goes on meanwhile; its later writes are not in the copy. The database is
/// read once, so that the time does not depend on the writes (`VACUUM INTO`; SQLite's online backup starts again after
/// each change by another process).
///
/// # Errors
/// [`Error::Invalid`] on `file` when it exists or has no name that SQLite takes; [`Error::Internal`] when it cannot be
/// written or the database cannot be read. Nothing is left of the copy then.
pub async fn copy_sqlite(url: &str, into: &Path) -> Result<u64> {
    let taken = || {
        Error::field(
            "file",
            "exists",
            format!(
                "{} exists already and is not overwritten; name a new file",
                into.display()
            ),
        )
    };
    if into.symlink_metadata().is_ok() {
        return Err(taken());
    }
    let written = files::beside(into);
    let done = match vacuum_into(url, &written).await {
        Ok(()) => name(&written, into).map_err(|error| match error.kind() {
            std::io::ErrorKind::AlreadyExists => taken(),
            _ => unwritable(into, &error),
        }),
        Err(error) => Err(error),
    };
    if done.is_err() {
        drop(std::fs::remove_file(&written));
    }
    done
}

async fn vacuum_into(url: &str, written: &Path) -> Result<()> {
    let Some(name) = written.to_str() else {
        return Err(Error::field("file", "invalid", "the file's name must be UTF-8"));
    };
    let failed = |error: sqlx::Error| Error::Internal(format!("the database cannot be copied: {error}"));
    let mut connection = SqliteConnectOptions::from_str(url)
        .map_err(failed)?
        .create_if_missing(false)
        .busy_timeout(BUSY_TIMEOUT)
        .pragma("cache_size", "-32768")
        .disable_statement_logging()
        .connect()
        .await
        .map_err(failed)?;
    // SQLite accepts an existing empty file; it would create one that everybody may read.
    drop(std::fs::remove_file(written));
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(written).map_err(|error| unwritable(written, &error))?;
    sqlx::query("VACUUM INTO ?")
        .bind(name)
        .execute(&mut connection)
        .await
        .map_err(failed)?;
    sqlx::Connection::close(connection).await.map_err(failed)
}

/// Syncs the copy and renames it.
fn name(written: &Path, into: &Path) -> std::io::Result<u64> {
    let file = File::open(written)?;
    file.sync_all()?;
    let bytes = file.metadata()?.len();
    files::publish(written, into)?;
    Ok(bytes)
}

fn unwritable(path: &Path, error: &std::io::Error) -> Error {
    Error::Internal(format!("cannot write {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Settings;
    use crate::db::Db;
    use crate::testing::{TestDir, sqlite};

    #[tokio::test]
    async fn a_copy_holds_what_was_committed_and_goes_on_by_itself() {
        let test = sqlite(Settings::default()).await;
        let session = test.owner("Acme").await;
        let dir = TestDir::new();
        let copy = dir.path().join("copy.sqlite3");
        // An open transaction is no obstacle, and is not in the copy.
        let tx = test.db.begin().await.unwrap();
        let bytes = copy_sqlite(&test.url, &copy).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(bytes, std::fs::metadata(&copy).unwrap().len());
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(std::fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o600);
        }

        let restored = Db::connect(&format!("sqlite:{}", copy.display())).await.unwrap();
        assert_eq!(restored.pending_migrations().await.unwrap(), 0);
        let sealer = crate::secrets::Sealer::random().unwrap();
        let domain = crate::Domain::new(restored, test.clock.clone(), 1, sealer, Settings::default());
        let team = crate::accounts::find_team(&domain, &session.team.public_id)
            .await
            .unwrap();
        assert_eq!(team.unwrap().name, "Acme");
    }

    #[tokio::test]
    async fn nothing_is_overwritten_and_nothing_is_left_of_a_failure() {
        let test = sqlite(Settings::default()).await;
        let dir = TestDir::new();
        let copy = dir.path().join("copy.sqlite3");
        std::fs::write(&copy, "mine").unwrap();
        let error = copy_sqlite(&test.url, &copy).await.unwrap_err().to_string();
        assert!(error.contains("copy.sqlite3 exists already"), "{error}");
        assert_eq!(std::fs::read_to_string(&copy).unwrap(), "mine");
        assert!(copy_sqlite(&test.url, &dir.path().join("missing/copy")).await.is_err());
        let nowhere = format!("sqlite:{}", dir.path().join("none.sqlite3").display());
        assert!(copy_sqlite(&nowhere, &dir.path().join("other")).await.is_err());
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
