//! The command line.

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Sendmux: one API key for all your mail providers.
///
/// Teams bring their own providers (SMTP, Gmail, Microsoft 365, Amazon SES), weight and group them, and send through
/// one HTTP API and one SMTP submission service. Sendmux keeps every accepted message on disk until it is delivered,
/// and reroutes around failing providers by itself.
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = "First steps:\n  \
    sendmux serve                       start with the embedded database, then open http://localhost:3000\n  \
    sendmux config example              print every setting with its default\n  \
    sendmux user create --email you@example.com --operator\n  \
    sendmux key create --team your-team --name backend\n\n\
    Settings come from sendmux.toml (or --config FILE) and from environment variables, which win."
)]
pub struct Cli {
    /// Configuration file; `sendmux.toml` in the current folder when there is one.
    #[arg(long, global = true, value_name = "FILE", env = "SENDMUX_CONFIG")]
    pub config: Option<PathBuf>,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve the dashboard and the API, and deliver.
    ///
    /// Makes the data folder, the secret key and the tables at the first start.
    Serve,
    /// Bring the database's tables up to date, and do nothing else.
    ///
    /// `serve` does this by itself; run it before a rolling update of several nodes.
    Migrate,
    /// Copy the embedded database into a new file, beside a server that runs or without one.
    ///
    /// The secret key is not in the copy; the command says where it is. PostgreSQL is backed up with pg_dump.
    Backup(Backup),
    /// Accounts.
    #[command(subcommand)]
    User(User),
    /// API keys.
    #[command(subcommand)]
    Key(Key),
    /// The configuration.
    #[command(subcommand)]
    Config(ConfigCommand),
}

#[derive(Debug, Args)]
pub struct Backup {
    /// The file to make; one that exists is never overwritten.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
}

#[derive(Debug, Subcommand)]
pub enum User {
    /// Make an account with a team of its own.
    Create(CreateUser),
}

#[derive(Debug, Args)]
pub struct CreateUser {
    /// The address to sign in with.
    #[arg(long)]
    pub email: String,
    /// The person's name; by default what stands before the @.
    #[arg(long)]
    pub name: Option<String>,
    /// Let the account operate the installation: review quota requests, see every team.
    #[arg(long)]
    pub operator: bool,
    /// Name of the team; by default the person's name.
    #[arg(long)]
    pub team: Option<String>,
}

#[derive(Debug, Subcommand)]
pub enum Key {
    /// Make an API key and print it, once.
    Create(CreateKey),
}

#[derive(Debug, Args)]
pub struct CreateKey {
    /// The team: its id (`team_…`) or its short name.
    #[arg(long)]
    pub team: String,
    /// Purpose of the key, as shown in the dashboard.
    #[arg(long, default_value = "command line")]
    pub name: String,
    /// Delivery of what the key sends, or its capture.
    #[arg(long, value_enum, default_value_t = KeyMode::Live)]
    pub mode: KeyMode,
    /// Permissions of the key over HTTP, several separated by commas. Over SMTP it needs `send`.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [KeyPermission::Send])]
    pub permissions: Vec<KeyPermission>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum KeyPermission {
    /// Hand messages in, cancel and resend them.
    Send,
    /// Look at messages, configuration and statistics.
    Read,
    /// Change providers and delivery groups.
    Manage,
    /// Make, change, replace and revoke keys that are no wider.
    #[value(name = "keys:write")]
    KeysWrite,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum KeyMode {
    /// Send through the team's providers.
    Live,
    /// Capture in the sandbox.
    Test,
}

#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Read the configuration, connect to the database, and say what is wrong.
    Check,
    /// Print a configuration file with every key and its default.
    Example,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
