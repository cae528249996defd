//! API keys (placeholder until the real module lands).
use sendmux_rules::Mode;
/// Who a request is from.
#[derive(Debug, Clone)]
pub struct KeyContext {
    /// Database id.
    pub key_id: i64,
    /// Public id.
    pub public_id: String,
    /// Team.
    pub team_id: i64,
    /// Lane.
    pub lane_id: i64,
    /// Mode.
    pub mode: Mode,
}
/// Cache.
#[derive(Debug, Default)]
pub struct KeyCache;
