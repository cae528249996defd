//! Schemas of values in requests.

use super::{Property, Value};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{
    AdditionalProperties, ArrayBuilder, ObjectBuilder, OneOfBuilder, Schema, SchemaFormat, SchemaType, Type,
};

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
    match schema {
        RefOr::T(Schema::Object(mut object)) => {
            object.description = Some(about);
            RefOr::T(Schema::Object(object))
        }
        RefOr::T(Schema::Array(mut array)) => {
            array.description = Some(about);
            RefOr::T(Schema::Array(array))
        }
        RefOr::T(Schema::OneOf(mut one_of)) => {
            one_of.description = Some(about);
            RefOr::T(Schema::OneOf(one_of))
        }
        RefOr::T(Schema::AnyOf(mut any_of)) => {
            any_of.description = Some(about);
            RefOr::T(Schema::AnyOf(any_of))
        }
        RefOr::Ref(mut reference) => {
            reference.description = about;
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
