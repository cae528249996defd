//! Placeholder until the real module lands.
/// Encrypts.
#[derive(Debug, Clone)]
pub struct Sealer;
