//! Name resolution, TCP, and whom TLS trusts.
//!
//! Hosts are named by users, so their addresses are looked at before anything is sent there, and exactly the addresses
//! that were looked at are connected to: a name that answers differently the second time (DNS rebinding) gains nothing.

mod connect;
mod tls;

pub use connect::{NetError, connect, fault_of, resolve};
pub use sendmux_mime::host::{Host, HostError};
pub use sendmux_mime::reach::is_public;
pub(crate) use tls::{certificate_advice, certificate_fault, certificate_text, certificates, verifier};
