//! `sendmux serve`: everything in one process.

use crate::clients::Clients;
use crate::config::Config;
use crate::session_store::DatabaseSessions;
use crate::submission::{self, Submission};
use crate::{boot, http, maintenance, metrics, site, strays};
use anyhow::Context;
use app::server as dashboard;
use axum::http::HeaderValue;
use axum::http::header::STRICT_TRANSPORT_SECURITY;
use axum::{Extension, Router, middleware};
use leptos::config::LeptosOptions;
use leptos_axum::{LeptosRoutes, generate_route_list};
use sendmux_domain::{Domain, accounts, clock_correction, keys, providers, system_mail};
use sendmux_engine::{Engine, EngineConfig, ProviderChannels, Services, Tester};
use sendmux_smtp::Security;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;
use tower::util::option_layer;
use tower_http::set_header::SetResponseHeaderLayer;
use tower_sessions::cookie::SameSite;
use tower_sessions::{Expiry, SessionManagerLayer};

/// Time that requests under way may take to finish once the server is told to stop.
const HTTP_GRACE: Duration = Duration::from_secs(10);

/// Time that a stop waits for a database that may be away, for work that nothing depends on.
const LAST_WRITES: Duration = Duration::from_secs(5);

/// Days that a browser stays signed in without being used.
const SESSION_DAYS: i64 = 14;

/// Serves until a signal says to stop.
pub async fn serve(config: Config) -> anyhow::Result<()> {
    boot::start_log(&config)?;
    boot::data_dir(&config)?;
    // Held until the process ends.
    let _lock = if config.is_embedded() {
        Some(boot::lock(&config.data_dir)?)
    } else {
        None
    };
    // Bound first: a server that cannot be reached must not take messages over.
    let listener = TcpListener::bind(config.http_addr)
        .await
        .with_context(|| format!("cannot listen on {} (http_addr, SENDMUX_HTTP_ADDR)", config.http_addr))?;
    let submission = submission::bind(&config).await?;
    let metrics_listener = metrics::bind(&config).await?;
    let (domain, incarnation, clock) = boot::server_domain(&config).await?;
    clock_correction::apply(&domain)
        .await
        .context("cannot mend what a clock that was ahead has left")?;
    let resealed = providers::reseal(&domain)
        .await
        .context("cannot encrypt credentials with the current key")?;
    if resealed > 0 {
        tracing::info!(resealed, "encrypted stored credentials with the current secret key");
    }
    // Before the engine, which sends it.
    system_mail::prepare(&domain)
        .await
        .context("cannot set up the mail of the system")?;
    let services = Services::new(&domain.settings).map_err(|wrong| anyhow::anyhow!("the configuration: {wrong}"))?;
    domain.set_tester(Arc::new(Tester::new(domain.clone(), services.clone())));
    domain.set_mailbox_services(Arc::new(services.clone()));
    let channels = Arc::new(ProviderChannels::new(domain.clone(), services));
    let engine = Engine::start(domain.clone(), incarnation, channels, EngineConfig::default())
        .await
        .context("cannot start to deliver")?;
    let maintenance = maintenance::start(&domain, clock);

    let submission = submission::start(submission, &config, &domain)?;
    greet(&config, listener.local_addr()?, submission.as_ref());
    if accounts::sign_up_state(&domain).await?.needs_setup_token
        && let Some(token) = domain.sealer.setup_token()
    {
        println!("Setup token for the first account: {}\n", token.expose());
    }
    let stopping = CancellationToken::new();
    tokio::spawn({
        let stopping = stopping.clone();
        async move {
            stop_signal().await;
            tracing::info!("stopping: finishing what is under way");
            stopping.cancel();
        }
    });
    let submission = tokio::spawn({
        let stopping = stopping.clone();
        async move {
            stopping.cancelled().await;
            if let Some(submission) = submission {
                submission.shutdown().await;
            }
        }
    });
    if let Some(listener) = metrics_listener {
        let router = metrics::router(domain.clone());
        tokio::spawn(http::serve(listener, router, Arc::default(), stopping.clone()));
    }
    warn_of_proxies(&config);
    let clients = Arc::new(Clients::new(config.trusted_proxies.clone()));
    let serving = http::serve(listener, router(&config, &domain), clients, stopping.clone());
    let grace_over = async {
        stopping.cancelled().await;
        tokio::time::sleep(HTTP_GRACE).await;
    };
    tokio::select! {
        () = serving => {}
        () = grace_over => tracing::warn!("requests were still under way after the grace period; they were not accepted"),
        // Everything from here on would be answered and decided by what may not be on the disk: no grace for anybody.
        why = domain.db.until_broken() => {
            engine.crash();
            anyhow::bail!(
            "the disk did not keep what was written ({why}). Nothing that was answered `queued` before depends on it. \
             Look at the disk and the system's log, then start again: what is on the disk is delivered"
            )
        }
    }
    stop(submission, maintenance, engine, domain).await
}

/// Ends everything in order. Each step is taken whatever became of the one before: the database may be away just now.
async fn stop(
    submission: JoinHandle<()>,
    maintenance: JoinSet<()>,
    engine: Engine,
    domain: Domain,
) -> anyhow::Result<()> {
    let submission = submission.await.context("SMTP");
    drop(maintenance);
    let used = tokio::time::timeout(LAST_WRITES, keys::flush_last_used(&domain)).await;
    if !matches!(used, Ok(Ok(()))) {
        tracing::warn!("when keys were last used could not be written");
    }
    let engine = engine.shutdown().await.context("the delivery engine");
    // In SQLite this folds the write-ahead log into the file.
    let closed = tokio::time::timeout(LAST_WRITES, domain.db.clone().close()).await;
    if !matches!(closed, Ok(Ok(()))) {
        tracing::warn!("the database could not be closed");
    }
    submission.and(engine)
}

fn router(config: &Config, domain: &Domain) -> Router {
    let options = LeptosOptions::builder()
        .output_name("sendmux")
        .site_root(config.site_root.to_string_lossy().into_owned())
        .site_pkg_dir("pkg")
        .site_addr(config.http_addr)
        .build();
    let routes = generate_route_list(app::App);
    let secure = domain.settings.is_https();
    let sessions = SessionManagerLayer::new(DatabaseSessions(domain.clone()))
        .with_name(format!(
            "{}sendmux_session",
            dashboard::cookies::prefix(&domain.settings)
        ))
        .with_secure(secure)
        .with_http_only(true)
        .with_same_site(SameSite::Lax)
        .with_expiry(Expiry::OnInactivity(time::Duration::days(SESSION_DAYS)));
    let guard = dashboard::csrf::Guard::new(&domain.settings.public_url);
    let shell_options = options.clone();
    let pages = Router::new()
        .leptos_routes(&options, routes, move || app::shell(shell_options.clone()))
        .fallback(leptos_axum::file_and_error_handler(app::shell))
        .merge(dashboard::files::router())
        .merge(dashboard::oauth::router())
        .with_state(options)
        .layer(middleware::from_fn(http::small_body))
        .layer(middleware::from_fn(http::no_body_where_none_belongs))
        .layer(middleware::from_fn_with_state(guard, dashboard::csrf::guard))
        .layer(sessions)
        .layer(Extension(domain.clone()))
        .layer(middleware::from_fn(dashboard::request::with_id))
        .layer(middleware::from_fn_with_state(
            sendmux_http::nothing(domain.clone()),
            strays::turn_away,
        ));
    Router::new()
        .merge(sendmux_http::router(domain.clone()))
        .merge(site::files(&config.site_root))
        .merge(pages)
        .layer(option_layer(secure.then(|| {
            SetResponseHeaderLayer::overriding(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"))
        })))
        .layer(middleware::from_fn_with_state(domain.clone(), metrics::count))
}

/// Warns where none is trusted though there must be a reverse proxy, since none of our listeners speaks `https://`.
fn warn_of_proxies(config: &Config) {
    if config.trusted_proxies.is_empty() && config.settings.is_https() {
        tracing::warn!(
            "public_url is https, but no proxy is trusted: all clients behind the reverse proxy count as one, so that one of \
             them can lock out the others. Put its address into trusted_proxies (SENDMUX_TRUSTED_PROXIES)"
        );
    }
}

/// Says, to people, what to do next.
fn greet(config: &Config, address: SocketAddr, submission: Option<&Submission>) {
    let url = &config.settings.public_url;
    let database = if config.is_embedded() {
        format!("SQLite in {}", config.data_dir.display())
    } else {
        "PostgreSQL".to_owned()
    };
    let smtp: String = submission
        .map_or(&[][..], |submission| &submission.addresses)
        .iter()
        .map(|(address, security)| {
            let security = match security {
                Security::StartTls => "STARTTLS",
                Security::Implicit => "implicit TLS",
            };
            format!("\x20 SMTP        {address}, {security}, an API key as password\n")
        })
        .collect();
    println!(
        "\nSendmux is running (listening on {address}, {database}).\n\n\
         \x20 Dashboard   {url}\n\
         \x20 Send API    POST {url}/api/v1/emails/send\n{smtp}\n\
         Next: open the dashboard, sign up (the first account operates the installation), create an API key, and\n\
         copy the snippet it shows. With no provider added, messages land in the sandbox of the dashboard.\n"
    );
}

async fn stop_signal() {
    let interrupt = async { drop(tokio::signal::ctrl_c().await) };
    #[cfg(unix)]
    let terminate = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => drop(signal.recv().await),
            Err(error) => {
                tracing::error!(%error, "cannot listen for SIGTERM");
                std::future::pending::<()>().await;
            }
        }
    };
    #[cfg(not(unix))]
    let terminate = std::future::pending::<()>();
    tokio::select! {
        () = interrupt => {}
        () = terminate => {}
    }
}

#[cfg(test)]
mod tests;
