//! Reading the query string and small bodies, with the same care as messages: everything wrong is told at once.

use crate::accepting::parse;
use crate::error::{ApiError, Code};
use crate::fields::Object;
use crate::input::{Input, Property};
use crate::issue::{IssueCode, Issues};
use crate::json::Json;
use crate::operation::{About, Argument};
use crate::state::Api;
use axum::extract::{self, FromRequest, FromRequestParts, Path, Request};
use axum::http::Uri;
use axum::http::request::Parts;
use std::borrow::Cow;
use std::collections::HashSet;
use std::convert::Infallible;
use std::marker::PhantomData;
use utoipa::ToSchema;
use utoipa::openapi::path::{ParameterBuilder, ParameterIn};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Required};

/// The id in a path. What cannot be an id names nothing.
pub(crate) struct Id(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match Path::<String>::from_request_parts(parts, state).await {
            Ok(Path(id)) if is_id(&id) => Ok(Self(id)),
            _ => Err(ApiError::new(Code::NotFound, "there is nothing with this id")),
        }
    }
}

impl Argument for Id {
    fn describe(about: &mut About<'_>) {
        about.error(Code::NotFound, NO_SUCH_THING);
    }
}

const NO_SUCH_THING: &str = ": it does not exist, or is another team's";

/// Extractor: the query string, with nothing in it that `T` has not.
pub(crate) struct Query<T>(pub(crate) T);

impl<T: Input, S: Sync> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        query(&parts.uri).map(Self)
    }
}

impl<T: Input> Argument for Query<T> {
    fn describe(about: &mut About<'_>) {
        let parameter = |property: Property| {
            ParameterBuilder::new()
                .name(property.name)
                .parameter_in(ParameterIn::Query)
                .required(if property.optional {
                    Required::False
                } else {
                    Required::True
                })
                .description(Some(property.about))
                .schema(Some(property.schema))
                .build()
        };
        let parameters = T::properties()
            .into_iter()
            .map(|property| RefOr::T(parameter(property)));
        about.operation.parameters.get_or_insert_default().extend(parameters);
        input_errors(about);
    }
}

/// Extractor: the address, whose query string is read tolerantly.
impl Argument for Uri {
    fn describe(_: &mut About<'_>) {}
}

/// Extractor: the body, which is a JSON object with nothing in it that `T` has not.
pub(crate) struct Body<T>(pub(crate) T);

impl<T: Input> FromRequest<Api> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, api: &Api) -> Result<Self, ApiError> {
        body(api, request, T::take).await.map(Self)
    }
}

impl<T: Input + ToSchema> Argument for Body<T> {
    fn describe(about: &mut About<'_>) {
        Unread::<T>::describe(about);
    }
}

/// Extractor: a request whose body, a `T`, is yet to be read.
pub(crate) struct Unread<T> {
    pub(crate) request: Request,
    body: PhantomData<fn() -> T>,
}

impl<T, S: Sync> FromRequest<S> for Unread<T> {
    type Rejection = Infallible;

    async fn from_request(request: Request, _: &S) -> Result<Self, Infallible> {
        Ok(Self {
            request,
            body: PhantomData,
        })
    }
}

impl<T: ToSchema> Argument for Unread<T> {
    fn describe(about: &mut About<'_>) {
        about.schema::<T>();
        let content = ContentBuilder::new().schema(Some(Ref::from_schema_name(T::name())));
        let body = RequestBodyBuilder::new().content("application/json", content.build());
        about.operation.request_body = Some(RefOr::T(body.required(Some(Required::True)).build()));
        input_errors(about);
        about.error(Code::PayloadTooLarge, "");
        about.error(Code::UnsupportedMediaType, "");
        about.error(Code::Conflict, ": it clashes with what is there");
    }
}

fn input_errors(about: &mut About<'_>) {
    about.described_error(
        Code::InvalidParameter,
        "`invalid_parameter` or `missing_parameter`".to_owned(),
    );
    about.error(Code::ValidationError, "");
    about.error(Code::NotFound, NO_SUCH_THING);
}

/// True for what could be an id at all.
pub(crate) fn is_id(text: &str) -> bool {
    const LONGEST: usize = 40;
    text.len() <= LONGEST
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

/// Reads the JSON object that is the body, with nothing in it that `read` does not take.
pub(crate) async fn body<T>(
    api: &Api,
    request: Request,
    read: impl FnOnce(&mut Object<'_>, &mut Issues) -> T,
) -> Result<T, ApiError> {
    let payload = api.bodies.read(request).await?;
    let mut issues = Issues::default();
    let Some(mut object) = Object::read(parse(&payload.bytes)?, "", &mut issues) else {
        return Err(issues.into());
    };
    let value = read(&mut object, &mut issues);
    object.finish(&mut issues);
    if issues.is_empty() {
        Ok(value)
    } else {
        Err(issues.into())
    }
}

/// Reads the query string, likewise.
fn query<T: Input>(uri: &Uri) -> Result<T, ApiError> {
    let malformed = |message: &str| {
        ApiError::about(
            Code::InvalidParameter,
            "query",
            IssueCode::InvalidValue,
            message.to_owned(),
        )
    };
    let (mut object, twice) = pairs_of(uri, |_| true).ok_or_else(|| malformed("the query string cannot be read"))?;
    if twice {
        return Err(malformed("a parameter stands twice in the query string"));
    }
    let mut issues = Issues::default();
    let value = T::take(&mut object, &mut issues);
    object.finish(&mut issues);
    if issues.is_empty() {
        Ok(value)
    } else {
        Err(issues.into())
    }
}

/// Reads the query string where there is no answer for one that is wrong: what is empty or nobody knows is left out, and
/// the first of a parameter that stands twice counts. None when some value cannot be, so that nothing can match it.
pub(crate) fn tolerant_query<T: Input>(uri: &Uri) -> Option<T> {
    let (mut object, _) = pairs_of(uri, |value| !value.is_empty())?;
    let mut issues = Issues::default();
    let value = T::take(&mut object, &mut issues);
    issues.is_empty().then_some(value)
}

/// The parameters of a query string whose value counts, and that one of them stands twice. None when it cannot be read.
fn pairs_of(uri: &Uri, counts: impl Fn(&str) -> bool) -> Option<(Object<'static>, bool)> {
    let extract::Query(mut pairs) = extract::Query::<Vec<(String, String)>>::try_from_uri(uri).ok()?;
    pairs.retain(|(_, value)| counts(value));
    let mut members: Vec<(Cow<'static, str>, Json<'static>)> = Vec::with_capacity(pairs.len());
    let mut names = HashSet::with_capacity(pairs.len());
    let mut twice = false;
    for (name, value) in pairs {
        if names.insert(name.clone()) {
            members.push((Cow::Owned(name), Json::String(Cow::Owned(value))));
        } else {
            twice = true;
        }
    }
    Some((Object::of(members), twice))
}
