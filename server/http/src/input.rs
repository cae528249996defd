//! Inputs: what a request can say. A field stands once, in the struct of its request: the type says how it is read and what
//! its schema is, the comment is its description, and what its schema says beyond the type stands behind `as`.

use crate::fields::{self, Object};
use crate::issue::{IssueCode, Issues};
use crate::json::Json;
use sendmux_domain::Timestamp;
use sendmux_domain::keys::Permission;
use sendmux_rules::{MessageStatus, Mode};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{
    AdditionalProperties, ArrayBuilder, ObjectBuilder, OneOfBuilder, Schema, SchemaFormat, SchemaType, Type,
};

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

/// An object with these properties and no others.
pub(crate) fn object(about: &str, properties: Vec<Property>) -> ObjectBuilder {
    let object = ObjectBuilder::new()
        .schema_type(Type::Object)
        .description(Some(about))
        .additional_properties(Some(AdditionalProperties::FreeForm(false)));
    properties.into_iter().fold(object, |object, property| {
        let Property {
            name,
            schema,
            optional,
            about,
        } = property;
        if optional {
            object.property(name, described(nullable(schema), about))
        } else {
            object.property(name, described(schema, about)).required(name)
        }
    })
}

/// `null` counts as absent.
fn nullable(schema: RefOr<Schema>) -> RefOr<Schema> {
    let null = || ObjectBuilder::new().schema_type(Type::Null);
    let with_null = |schema_type: SchemaType| match schema_type {
        SchemaType::Type(one) => SchemaType::from_iter([one, Type::Null]),
        other => other,
    };
    match schema {
        RefOr::T(Schema::Object(mut object)) => {
            object.schema_type = with_null(object.schema_type);
            if let Some(values) = &mut object.enum_values {
                values.push(serde_json::Value::Null);
            }
            RefOr::T(Schema::Object(object))
        }
        RefOr::T(Schema::Array(mut array)) => {
            array.schema_type = with_null(array.schema_type);
            RefOr::T(Schema::Array(array))
        }
        RefOr::T(Schema::OneOf(mut one_of)) => {
            one_of.items.push(null().into());
            RefOr::T(Schema::OneOf(one_of))
        }
        RefOr::T(Schema::AnyOf(mut any_of)) => {
            any_of.items.push(null().into());
            RefOr::T(Schema::AnyOf(any_of))
        }
        other => OneOfBuilder::new().item(other).item(null()).into(),
    }
}

fn described(schema: RefOr<Schema>, about: String) -> RefOr<Schema> {
    let about = Some(about);
    match schema {
        RefOr::T(Schema::Object(mut object)) => {
            object.description = about;
            RefOr::T(Schema::Object(object))
        }
        RefOr::T(Schema::Array(mut array)) => {
            array.description = about;
            RefOr::T(Schema::Array(array))
        }
        RefOr::T(Schema::OneOf(mut one_of)) => {
            one_of.description = about;
            RefOr::T(Schema::OneOf(one_of))
        }
        RefOr::T(Schema::AnyOf(mut any_of)) => {
            any_of.description = about;
            RefOr::T(Schema::AnyOf(any_of))
        }
        RefOr::Ref(mut reference) => {
            reference.description = about.unwrap_or_default();
            RefOr::Ref(reference)
        }
        other => other,
    }
}

/// The schema of a text.
pub(crate) fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

/// The schema of a text that matches this.
pub(crate) fn pattern(pattern: &str) -> ObjectBuilder {
    text().pattern(Some(pattern))
}

/// A pattern: no control characters.
pub(crate) const TEXT: &str = r"^[^\u0000-\u001f\u007f-\u009f]*$";

/// A pattern: no control characters, and something to be seen.
pub(crate) const VISIBLE: &str = concat!(
    r"^[^\u0000-\u001f\u007f-\u009f]*[^\s\u0000-\u001f\u007f-\u009f]",
    r"[^\u0000-\u001f\u007f-\u009f]*$"
);

/// The schema of a text that is one of these.
pub(crate) fn one_of<'w>(words: impl IntoIterator<Item = &'w str>) -> ObjectBuilder {
    text().enum_values(Some(words))
}

/// The schema of a text in this format.
pub(crate) fn format(format: &str) -> ObjectBuilder {
    text().format(Some(SchemaFormat::Custom(format.to_owned())))
}

/// The schema of a name that people give to something.
pub(crate) fn name() -> ObjectBuilder {
    pattern(VISIBLE).min_length(Some(1)).max_length(Some(100))
}

/// The schema of an id with this prefix, itself a pattern.
pub(crate) fn id(prefix: &str) -> ObjectBuilder {
    pattern(&format!("^{prefix}_[a-z0-9]{{24}}$"))
}

/// The schema of a whole number.
pub(crate) fn integer() -> ObjectBuilder {
    let format = SchemaFormat::Custom("int32".to_owned());
    ObjectBuilder::new().schema_type(Type::Integer).format(Some(format))
}

/// The schema of a whole number within these bounds.
pub(crate) fn whole(min: i32, max: i32) -> ObjectBuilder {
    integer().minimum(Some(min)).maximum(Some(max))
}

/// The schema of a list of up to `max` of these.
pub(crate) fn list_of<T: Value>(max: usize) -> ArrayBuilder {
    ArrayBuilder::new().items(T::schema()).max_items(Some(max))
}

/// The schema of what fits one of these at least. utoipa's objects have no place of their own for `anyOf` beside their
/// properties; what stands among their extensions is written as it is.
pub(crate) fn any_of(object: ObjectBuilder, alternatives: impl IntoIterator<Item = ObjectBuilder>) -> ObjectBuilder {
    let alternatives: Vec<_> = alternatives
        .into_iter()
        .filter_map(|schema| serde_json::to_value(schema.build()).ok())
        .collect();
    object.extensions(Some([("anyOf", alternatives)].into_iter().collect()))
}

impl Value for String {
    fn schema() -> RefOr<Schema> {
        text().into()
    }

    fn read(json: Json<'_>, at: &str, issues: &mut Issues) -> Option<Self> {
        fields::text(json, at, issues).map(|text| text.into_owned())
    }
}

impl Value for i64 {
    fn schema() -> RefOr<Schema> {
        integer().into()
    }

    fn read(json: Json<'_>, at: &str, issues: &mut Issues) -> Option<Self> {
        fields::integer(json, at, issues)
    }
}

/// A whole number from `MIN` to `MAX`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Whole<const MIN: i32, const MAX: i32>(pub(crate) i64);

impl<const MIN: i32, const MAX: i32> Value for Whole<MIN, MAX> {
    fn schema() -> RefOr<Schema> {
        whole(MIN, MAX).into()
    }

    fn read(json: Json<'_>, at: &str, issues: &mut Issues) -> Option<Self> {
        let number = fields::integer(json, at, issues)?;
        if (i64::from(MIN)..=i64::from(MAX)).contains(&number) {
            return Some(Self(number));
        }
        issues.add(at, IssueCode::InvalidValue, format!("must be from {MIN} to {MAX}"));
        None
    }
}

/// Entries of a list, of which no more than `MAX` are looked at. A wrong one stays as an empty one, so that the others keep
/// their numbers.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct UpTo<const MAX: usize, T>(pub(crate) Vec<T>);

impl<const MAX: usize, T: Value + Default> Value for UpTo<MAX, T> {
    fn schema() -> RefOr<Schema> {
        list_of::<T>(MAX).into()
    }

    fn schemas(schemas: &mut Schemas) {
        T::schemas(schemas);
    }

    fn read(json: Json<'_>, at: &str, issues: &mut Issues) -> Option<Self> {
        let entries = fields::list(json, at, MAX, issues).into_iter().enumerate();
        let read = |(index, json)| T::read(json, &format!("{at}[{index}]"), issues).unwrap_or_default();
        Some(Self(entries.map(read).collect()))
    }
}

/// A value that a word stands for.
pub(crate) trait Choice: Copy + 'static {
    /// The first of them stands for a wrong one.
    fn words() -> Vec<(&'static str, Self)>;

    fn of(word: &str) -> Option<Self> {
        let mut words = Self::words().into_iter();
        words.find(|(one, _)| *one == word).map(|(_, value)| value)
    }

    fn schema() -> ObjectBuilder {
        one_of(Self::words().into_iter().map(|(word, _)| word))
    }
}

macro_rules! choices {
    ($($name:ty),*) => {$(
        impl Choice for $name {
            fn words() -> Vec<(&'static str, Self)> {
                Self::ALL.iter().map(|value| (value.as_str(), *value)).collect()
            }
        }
    )*};
}
choices!(MessageStatus, Mode, Permission);

/// The advice to write one of these words.
pub(crate) fn must_be(words: &[&str]) -> String {
    match words.split_last() {
        Some((last, [])) => format!("must be {last}"),
        Some((last, others)) => format!("must be {} or {last}", others.join(", ")),
        None => String::new(),
    }
}

/// One of some words.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Word<T>(pub(crate) T);

impl<T: Choice> Default for Word<T> {
    fn default() -> Self {
        Self(T::words()[0].1)
    }
}

impl<T: Choice> Value for Word<T> {
    fn schema() -> RefOr<Schema> {
        T::schema().into()
    }

    fn read(json: Json<'_>, at: &str, issues: &mut Issues) -> Option<Self> {
        let word = fields::text(json, at, issues)?;
        let value = T::of(&word);
        if value.is_none() {
            let words: Vec<_> = T::words().into_iter().map(|(word, _)| word).collect();
            issues.add(at, IssueCode::InvalidValue, must_be(&words));
        }
        value.map(Self)
    }
}

/// The value of a parameter in a query string: a text that says something, as what it stands for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Parameter<T>(pub(crate) T);

/// The meaning of a parameter's text.
pub(crate) trait Meaning: Sized {
    fn schema() -> ObjectBuilder;

    /// The error says what the text must be.
    fn of(text: String) -> Result<Self, String>;
}

impl<T: Meaning> Value for Parameter<T> {
    fn schema() -> RefOr<Schema> {
        T::schema().into()
    }

    fn read(json: Json<'_>, at: &str, issues: &mut Issues) -> Option<Self> {
        let text = String::read(json, at, issues)?;
        let wrong = if text.is_empty() {
            // What was meant as a filter and came without its value must not show everything.
            let message = "must not be empty; leave it out instead";
            (IssueCode::Empty, message.to_owned())
        } else if text.chars().any(char::is_control) {
            (
                IssueCode::InvalidCharacters,
                "must not have control characters".to_owned(),
            )
        } else {
            match T::of(text) {
                Ok(value) => return Some(Self(value)),
                Err(message) => (IssueCode::InvalidValue, message),
            }
        };
        issues.add(at, wrong.0, wrong.1);
        None
    }
}

impl Meaning for String {
    fn schema() -> ObjectBuilder {
        pattern(TEXT).min_length(Some(1))
    }

    fn of(text: String) -> Result<Self, String> {
        Ok(text)
    }
}

impl<T: Choice> Meaning for Word<T> {
    fn schema() -> ObjectBuilder {
        T::schema()
    }

    fn of(text: String) -> Result<Self, String> {
        T::of(&text)
            .map(Self)
            .ok_or_else(|| "is none of the values that this parameter has".to_owned())
    }
}

/// A time: RFC 3339 or a date.
impl Meaning for Timestamp {
    fn schema() -> ObjectBuilder {
        format("date-time")
    }

    fn of(text: String) -> Result<Self, String> {
        crate::answer::read_time(&text)
            .ok_or_else(|| "must be a time such as 2026-01-31T12:00:00Z, or a date".to_owned())
    }
}

/// The number of entries of a page.
impl<const MIN: i32, const MAX: i32> Meaning for Whole<MIN, MAX> {
    fn schema() -> ObjectBuilder {
        whole(MIN, MAX)
    }

    fn of(text: String) -> Result<Self, String> {
        let number = text
            .parse()
            .ok()
            .filter(|number| (i64::from(MIN)..=i64::from(MAX)).contains(number));
        number
            .map(Self)
            .ok_or_else(|| format!("must be a whole number from {MIN} to {MAX}"))
    }
}
