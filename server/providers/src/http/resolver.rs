//! Name resolution for the HTTP client, with the guard against internal addresses.

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::net::{Host, resolve};

/// Resolves as the SMTP kind does. The client connects to exactly the addresses that come back.
pub(super) struct Resolver {
    pub allow_private_hosts: bool,
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let host = Host::Name(name.as_str().to_owned());
        let allow = self.allow_private_hosts;
        Box::pin(async move {
            // Port 0 stands for the port of the address that is asked for.
            let found = resolve(&host, 0, allow).await?;
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}
