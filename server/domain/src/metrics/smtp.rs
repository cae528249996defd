//! SMTP sessions.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// End of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SmtpEnd {
    /// The client said `QUIT`.
    Quit,
    /// The server closed it with a refusal (421, or a 5xx that cannot go on).
    Refused,
    /// The client disconnected.
    ClientGone,
    /// The client did not send or read in time.
    TimedOut,
    /// The server stopped.
    Stopping,
    /// The server stopped, and the client did not finish in time.
    CutOff,
    /// The TLS handshake failed.
    TlsFailed,
    /// The connection failed.
    Broken,
}

impl SmtpEnd {
    /// Name in labels and in the log.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Quit => "quit",
            Self::Refused => "refused",
            Self::ClientGone => "client_gone",
            Self::TimedOut => "timed_out",
            Self::Stopping => "stopping",
            Self::CutOff => "cut_off",
            Self::TlsFailed => "tls_failed",
            Self::Broken => "broken",
        }
    }
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Ended {
    security: &'static str,
    end: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Handshake {
    version: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Refusal {
    code: u16,
}

/// Metrics of SMTP sessions.
#[derive(Debug, Default)]
pub struct SmtpMetrics {
    open: Gauge,
    turned_away: Counter,
    ended: Family<Ended, Counter>,
    handshakes: Family<Handshake, Counter>,
    refusals: Family<Refusal, Counter>,
}

/// A session that counts as open until this is dropped.
#[derive(Debug)]
pub struct OpenSession(Gauge);

impl Drop for OpenSession {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl SmtpMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register("smtp_sessions_open", "SMTP sessions that are open", self.open.clone());
        let help = "SMTP sessions that are over, by the security of their port and by how they ended";
        registry.register("smtp_sessions", help, self.ended.clone());
        let help = "SMTP connections beyond the limits";
        registry.register("smtp_connections_turned_away", help, self.turned_away.clone());
        let help = "TLS handshakes of SMTP sessions that are over";
        registry.register("smtp_tls_handshakes", help, self.handshakes.clone());
        let help = "Replies 4xx and 5xx in SMTP sessions that are over";
        registry.register("smtp_refusals", help, self.refusals.clone());
    }

    /// Counts the begin of a session; it ends when the guard is dropped.
    pub fn open(&self) -> OpenSession {
        self.open.inc();
        OpenSession(self.open.clone())
    }

    /// Counts a connection that was rejected because there are too many.
    pub fn turned_away(&self) {
        self.turned_away.inc();
    }

    /// Counts the end of a session: `security` of its port, its version of TLS, and its refusals by code.
    pub fn ended(
        &self,
        security: &'static str,
        end: SmtpEnd,
        tls: Option<&str>,
        refusals: impl IntoIterator<Item = (u16, u64)>,
    ) {
        let end = end.as_str();
        self.ended.get_or_create(&Ended { security, end }).inc();
        if let Some(version) = tls {
            let version = version.to_owned();
            self.handshakes.get_or_create(&Handshake { version }).inc();
        }
        for (code, count) in refusals {
            self.refusals.get_or_create(&Refusal { code }).inc_by(count);
        }
    }
}
