//! Faults below the dialogue: name resolution, TCP, TLS, timeouts.

use super::Classified;
use crate::outcome::{Class, IoFault, Stage};

/// Class of a fault while a message is sent.
///
/// Once the provider may hold the whole message ([`Stage::may_have_taken_message`]), the outcome of a lost connection
/// is unknown. NXDOMAIN does not block a provider until it is cleared by hand, since resolvers answer so in outages
/// too. A resolver that cannot answer now, and a machine without free ports or descriptors, say nothing about the
/// provider.
pub fn classify_io(stage: Stage, fault: IoFault) -> Classified {
    let (class, rule, source) = match fault {
        IoFault::CertificateMismatch => (Class::Config, "io_certificate", "RFC 9525 section 6"),
        _ if stage.may_have_taken_message() => (Class::Unknown, "io_after_message", "RFC 1047"),
        IoFault::Dns => (Class::Deferred, "io_resolver", "RFC 5321 section 5.1"),
        IoFault::Local => (
            Class::Deferred,
            "io_local",
            "POSIX socket(): EMFILE, ENFILE, ENOBUFS, ENOMEM",
        ),
        _ => (Class::Connection, "io_before_message", "RFC 5321 section 4.5.4.1"),
    };
    classified(class, rule, source)
}

/// Class of a fault in a connection test, of a provider that is being saved or tried out. Here NXDOMAIN is a mistake in
/// the settings.
pub fn classify_io_in_test(stage: Stage, fault: IoFault) -> Classified {
    match fault {
        IoFault::NoSuchName => classified(Class::Config, "io_no_such_name", "RFC 2308 section 2.1"),
        _ => classify_io(stage, fault),
    }
}

fn classified(class: Class, rule: &'static str, source: &'static str) -> Classified {
    Classified {
        class,
        retry_after: None,
        permanent: false,
        hint: None,
        rule,
        source,
    }
}
