//! State that the handlers share.

use crate::body::Bodies;
use crate::sns::Sns;
use sendmux_domain::Domain;
use std::ops::Deref;
use std::sync::Arc;

/// The state of the API in one process. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Api(Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) domain: Domain,
    pub(crate) bodies: Bodies,
    pub(crate) sns: Sns,
}

impl Deref for Api {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl Api {
    pub(crate) fn new(domain: Domain) -> Self {
        Self(Arc::new(Inner {
            sns: Sns::new(&domain),
            domain,
            bodies: Bodies::default(),
        }))
    }
}
