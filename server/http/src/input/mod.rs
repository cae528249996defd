//! Inputs: what a request can say. A field stands once, in the struct of its request: the type says how it is read and what
//! its schema is, the comment is its description, and what its schema says beyond the type stands behind `as`.

mod schema;
mod values;

pub(crate) use schema::{
    TEXT, VISIBLE, any_of, format, id, integer, list_of, name, object, one_of, pattern, text, whole,
};
pub(crate) use values::{Choice, Parameter, UpTo, Whole, Word, must_be};

use crate::fields::Object;
use crate::issue::{IssueCode, Issues};
use crate::json::Json;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;

/// Named schemas, collected for the document.
pub(crate) type Schemas = Vec<(String, RefOr<Schema>)>;

/// A value in a request.
pub(crate) trait Value: Sized {
    fn schema() -> RefOr<Schema>;

    /// Collects the named schemas that this one refers to.
    fn schemas(_: &mut Schemas) {}

    /// Reads the value at the path `at`. None when it is wrong, with an issue that says why.
    fn read(json: Json<'_>, at: &str, issues: &mut Issues) -> Option<Self>;
}

/// A field of an input: required when it is a [`Value`], optional when it is an `Option` of one.
pub(crate) trait Field {
    const OPTIONAL: bool;
    type Value: Value;

    /// The field with this value; None: it is absent, or wrong.
    fn of(value: Option<Self::Value>) -> Self;
}

impl<T: Value + Default> Field for T {
    const OPTIONAL: bool = false;
    type Value = T;

    fn of(value: Option<T>) -> T {
        value.unwrap_or_default()
    }
}

impl<T: Value> Field for Option<T> {
    const OPTIONAL: bool = true;
    type Value = T;

    fn of(value: Self) -> Self {
        value
    }
}

/// A field in a schema.
pub(crate) struct Property {
    pub(crate) name: &'static str,
    pub(crate) schema: RefOr<Schema>,
    pub(crate) optional: bool,
    pub(crate) about: String,
}

/// An object in a request, or the parameters of a query string.
pub(crate) trait Input: Sized {
    fn properties() -> Vec<Property>;

    /// Takes the fields out of `object`. What is wrong is in `issues`; such a field is then as if it were absent.
    fn take(object: &mut Object<'_>, issues: &mut Issues) -> Self;
}

/// Declares inputs. Each struct gets [`Input`] and [`Value`], and is a schema of the document under its own name. After its
/// fields it can say: `schema f;`, which completes its schema, and `check f;`, which looks at several fields together.
macro_rules! input {
    ($(
        $(#[doc = $about:literal])+
        $vis:vis struct $name:ident {$(
            $(#[doc = $field_about:literal])+
            $field_vis:vis $field:ident: $type:ty $(as $schema:expr)?
        ),* $(,)?}
        $(schema $complete:path;)?
        $(check $check:path;)?
    )+) => {$(
        $(#[doc = $about])+
        #[derive(Clone, Default, PartialEq)]
        $vis struct $name {
            $(
                $(#[doc = $field_about])+
                #[allow(dead_code, reason = "some fields are read only to be checked")]
                $field_vis $field: $type,
            )*
        }

        impl $crate::input::Input for $name {
            fn properties() -> Vec<$crate::input::Property> {
                vec![$($crate::input::Property {
                    name: $crate::input::written(stringify!($field)),
                    schema: $crate::input::input!(@schema $type $(, $schema)?),
                    optional: <$type as $crate::input::Field>::OPTIONAL,
                    about: $crate::input::text_of(&[$($field_about),+]),
                }),*]
            }

            fn take(object: &mut $crate::fields::Object<'_>, issues: &mut $crate::issue::Issues) -> Self {
                let input = Self {
                    $($field: $crate::input::take(object, $crate::input::written(stringify!($field)), issues),)*
                };
                $($check(&input, object, issues);)?
                input
            }
        }

        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                let properties = <Self as $crate::input::Input>::properties();
                let object = $crate::input::object(&$crate::input::text_of(&[$($about),+]), properties);
                $(let object = $complete(object);)?
                object.into()
            }
        }

        impl utoipa::ToSchema for $name {
            fn schemas(schemas: &mut $crate::input::Schemas) {
                $(<<$type as $crate::input::Field>::Value as $crate::input::Value>::schemas(schemas);)*
            }
        }

        impl $crate::input::Value for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                utoipa::openapi::Ref::from_schema_name(<Self as utoipa::ToSchema>::name()).into()
            }

            fn schemas(schemas: &mut $crate::input::Schemas) {
                $crate::input::collect::<Self>(schemas);
            }

            fn read(
                json: $crate::json::Json<'_>,
                at: &str,
                issues: &mut $crate::issue::Issues,
            ) -> Option<Self> {
                let mut object = $crate::fields::Object::read(json, at, issues)?;
                let input = <Self as $crate::input::Input>::take(&mut object, issues);
                object.finish(issues);
                Some(input)
            }
        }
    )+};
    (@schema $type:ty) => {
        <<$type as $crate::input::Field>::Value as $crate::input::Value>::schema()
    };
    (@schema $type:ty, $schema:expr) => {
        utoipa::openapi::RefOr::<utoipa::openapi::Schema>::from($schema)
    };
}
pub(crate) use input;

/// The value of a field; a required one that is absent is an issue.
pub(crate) fn take<T: Field>(object: &mut Object<'_>, name: &'static str, issues: &mut Issues) -> T {
    let json = match object.take(name) {
        None if !T::OPTIONAL => {
            issues.add(object.path(name), IssueCode::Missing, "is required");
            None
        }
        json => json,
    };
    T::of(json.and_then(|json| T::Value::read(json, &object.path(name), issues)))
}

/// The name of a field as requests write it.
pub(crate) fn written(field: &'static str) -> &'static str {
    field.trim_start_matches("r#")
}

/// The text of a comment, from its lines.
pub(crate) fn text_of(lines: &[&str]) -> String {
    lines.iter().map(|line| line.trim()).collect::<Vec<_>>().join("\n")
}

/// Adds the schema of this name with all that it refers to.
pub(crate) fn collect<T: utoipa::ToSchema>(schemas: &mut Schemas) {
    schemas.push((T::name().into_owned(), T::schema()));
    T::schemas(schemas);
}
