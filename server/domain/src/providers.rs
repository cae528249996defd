//! Placeholder until the real module lands.
/// Tests connections.
pub trait ConnectionTester: std::fmt::Debug + Send + Sync {}
