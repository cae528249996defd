//! Enums with one written name, the same in the database, in the API and on pages.

use std::fmt;

/// A name that the enum does not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownName {
    /// Name of the enum, for example `ProviderKind`.
    pub of: &'static str,
    /// The unknown name.
    pub name: String,
}

impl fmt::Display for UnknownName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is not a {}", self.name, self.of)
    }
}

impl std::error::Error for UnknownName {}

/// Defines an enum whose variants are written in snake case. `ALL`, `as_str`, `Display`, `FromStr` and serde agree.
#[macro_export]
macro_rules! named_enum {
    ($(#[$meta:meta])* $visibility:vis enum $name:ident { $($(#[$vmeta:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        $visibility enum $name {
            $($(#[$vmeta])* #[serde(rename = $text)] $variant,)+
        }

        impl $name {
            /// All values, in the order of their definition.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The written name.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::UnknownName;

            fn from_str(name: &str) -> Result<Self, Self::Err> {
                match name {
                    $($text => Ok(Self::$variant),)+
                    _ => Err($crate::UnknownName { of: stringify!($name), name: name.to_owned() }),
                }
            }
        }

        $crate::text_column!($name);
    };
}

pub(crate) use named_enum;
