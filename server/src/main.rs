//! The `sendmux` binary: one program that serves everything, and the commands that an operator needs beside it.

#![cfg_attr(
    test,
    allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")
)]

mod admin;
mod boot;
mod cli;
mod clients;
mod config;
mod http;
mod maintenance;
mod metrics;
mod serve;
mod session_store;
mod site;
mod strays;
mod submission;
mod tls;

use clap::Parser;
use std::process::ExitCode;

/// Messages of 25 MB come and go on many threads. glibc's allocator keeps in each of its arenas what the largest took; this
/// one gives it back within seconds, by a thread of its own, also when nothing else happens.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

#[tokio::main]
async fn main() -> ExitCode {
    match run(cli::Cli::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sendmux: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(cli: cli::Cli) -> anyhow::Result<()> {
    // One crypto provider for every TLS connection of the process.
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        anyhow::bail!("another TLS crypto provider was installed before ours");
    }
    let load = || config::Config::load(cli.config.as_deref());
    match cli.command {
        cli::Command::Serve => serve::serve(load()?).await,
        cli::Command::Migrate => admin::migrate(&load()?).await,
        cli::Command::Backup(backup) => admin::backup(&load()?, &backup.file).await,
        cli::Command::User(cli::User::Create(user)) => admin::create_user(&load()?, user).await,
        cli::Command::Key(cli::Key::Create(key)) => admin::create_key(&load()?, key).await,
        cli::Command::Config(cli::ConfigCommand::Check) => admin::check_config(&load()?).await,
        cli::Command::Config(cli::ConfigCommand::Example) => {
            print!("{}", config::print::example()?);
            Ok(())
        }
    }
}
