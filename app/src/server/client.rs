//! Address of the client of a request.

use axum::http::Extensions;
use sendmux_domain::ClientAddress;
use std::net::IpAddr;

/// The client's address, as the server found it out.
pub fn address(extensions: &Extensions) -> Option<IpAddr> {
    extensions.get::<ClientAddress>().map(|client| client.0)
}
