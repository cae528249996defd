//! Declarations of settings: the macro that makes a struct of them.
//!
//! Neither `confique` nor `figment` says everything that is wrong at once, or knows which values are secret; so a
//! declaration is a macro of our own, from which the configuration file, the environment variables, `config example`,
//! `config check` and the table in README.md follow.

/// One setting as it is declared.
#[derive(Debug)]
pub struct Key {
    /// Name in the TOML file.
    pub name: &'static str,
    /// Heading that it is shown under.
    pub section: &'static str,
    /// Value when neither the file nor the environment has one; empty for none.
    pub default: &'static str,
    /// Doc comment of the declaration.
    pub doc: &'static str,
    /// True if its value must not be printed, by its type.
    pub is_secret: bool,
    /// Environment variable, where it is not `SENDMUX_` and the name in capitals.
    pub own_variable: Option<&'static str>,
}

impl Key {
    /// Environment variable that overrides the file.
    pub fn variable(&self) -> String {
        self.own_variable
            .map_or_else(|| format!("SENDMUX_{}", self.name.to_uppercase()), str::to_owned)
    }
}

/// Declares settings as a struct:
///
/// ```
/// sendmux_domain::settings! {
///     /// Settings of the example.
///     pub struct Example {
///         in "Heading in the table" {
///             /// Doc comment of the field, help in the example file, and meaning in README.md.
///             rate_limit: u32 = "1800",
///             /// Field that is called otherwise in the file, and has a variable of its own.
///             url: Option<String> = "" as "database_url" env "DATABASE_URL",
///             /// Field whose text is not read in the way of its type.
///             word: String = "hello" by |text| Ok(text.to_uppercase()),
///         }
///         with {
///             /// Field that is worked out from others, with its default.
///             total: u32 = 0,
///         }
///     }
/// }
/// assert_eq!(Example::default().word, "HELLO");
/// ```
///
/// The type of a field is a [`Value`], which says how its text is read and whether it is secret. `Default` gives the declared
/// defaults, `declared` reads a [`Reader`].
#[macro_export]
macro_rules! settings {
    (@name $field:ident) => { stringify!($field) };
    (@name $field:ident $name:literal) => { $name };
    (@variable) => { None };
    (@variable $variable:literal) => { Some($variable) };
    (@parse $type:ty) => { <$type as $crate::settings::Value>::parse };
    (@parse $type:ty, $parse:expr) => { $parse };
    (
        $(#[$attribute:meta])*
        $visibility:vis struct $struct:ident {
            $(in $section:literal {
                $(
                    $(#[doc = $doc:literal])+
                    $field:ident: $type:ty = $default:literal $(as $name:literal)? $(env $variable:literal)? $(by $parse:expr)?,
                )+
            })+
            $(with {
                $(
                    $(#[doc = $other_doc:literal])+
                    $other:ident: $other_type:ty = $other_default:expr,
                )+
            })?
        }
    ) => {
        $(#[$attribute])*
        $visibility struct $struct {
            $($(
                $(#[doc = $doc])+
                pub $field: $type,
            )+)+
            $($(
                $(#[doc = $other_doc])+
                pub $other: $other_type,
            )+)?
        }

        impl $struct {
            /// Reads the declared settings.
            pub fn declared(reader: &mut $crate::settings::Reader<'_>) -> Self {
                Self {
                    $($($field: {
                        static KEY: $crate::settings::Key = $crate::settings::Key {
                            name: $crate::settings!(@name $field $($name)?),
                            section: $section,
                            default: $default,
                            doc: concat!($($doc),+),
                            is_secret: <$type as $crate::settings::Value>::SECRET,
                            own_variable: $crate::settings!(@variable $($variable)?),
                        };
                        reader.value::<$type>(&KEY, $crate::settings!(@parse $type $(, $parse)?))
                    },)+)+
                    $($($other: $other_default,)+)?
                }
            }
        }

        impl Default for $struct {
            fn default() -> Self {
                Self::declared(&mut $crate::settings::Reader::new(&Default::default(), &|_| None))
            }
        }
    };
}
