//! Operations: a handler with its route, its document and its permission, declared once.
//!
//! `#[utoipa::path]` above a handler says its method, its path and its answers. The types of its arguments say the rest: the
//! permission, which is the first of them ([`Permitted`]), what it reads of the request, and the errors that follow from
//! both. A list of handlers ([`operations!`]) is then all that the router and the OpenAPI document are made of.

use crate::auth::{Permitted, Required};
use crate::error::{Code, ErrorAnswer};
use crate::input::{self, Schemas};
use crate::request::RequestId;
use crate::state::Api;
use axum::extract::{Extension, State};
use axum::handler::Handler;
use axum::http::HeaderMap;
use axum::routing::MethodRouter;
use sendmux_domain::keys::Permission;
use utoipa::ToSchema;
use utoipa::openapi::extensions::ExtensionsBuilder;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::security::SecurityRequirement;
use utoipa::openapi::{ContentBuilder, Ref, ResponseBuilder};
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};

/// The list of these handlers as operations.
macro_rules! operations {
    ($($($part:ident)::+),* $(,)?) => {
        vec![$($crate::operation::Declared::new($($part)::+, utoipa_axum::routes!($($part)::+))),*]
    };
}
pub(crate) use operations;

/// The extension of an operation in the document that names its permission: `send`, `read`, `manage` or `keys:write`. Absent:
/// every key may.
pub(crate) const PERMISSION: &str = "x-permission";

/// The name of the one way to authenticate.
pub(crate) const BEARER: &str = "BearerAuth";

/// An operation: its route and its document.
pub(crate) struct Declared(UtoipaMethodRouter<Api>);

impl Declared {
    /// The operation that `handler` carries out, whose arguments complete what its attribute says.
    pub(crate) fn new<H, T>(_handler: H, mut declared: UtoipaMethodRouter<Api>) -> Self
    where
        H: Handler<T, Api>,
        T: Arguments,
    {
        let (schemas, paths, _) = &mut declared;
        for operation in paths.paths.values_mut().flat_map(operations_of) {
            let requirement = SecurityRequirement::new(BEARER, Vec::<String>::new());
            operation.security = Some(vec![requirement]);
            let mut about = About { operation, schemas };
            about.schema::<ErrorAnswer>();
            about.error(Code::AuthenticationRequired, "");
            about.error(Code::RateLimitExceeded, "");
            about.error(Code::InternalError, "");
            about.error(Code::ServiceUnavailable, "");
            T::describe(&mut about);
        }
        Self(declared)
    }
}

/// The routes of these operations, each within `layer`, and their document.
pub(crate) fn router(
    operations: Vec<Declared>,
    layer: impl Fn(MethodRouter<Api>) -> MethodRouter<Api>,
) -> OpenApiRouter<Api> {
    operations.into_iter().fold(
        OpenApiRouter::default(),
        |router, Declared((schemas, paths, methods))| router.routes((schemas, paths, layer(methods))),
    )
}

fn operations_of(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [
        &mut item.get,
        &mut item.put,
        &mut item.post,
        &mut item.delete,
        &mut item.patch,
    ]
    .into_iter()
    .flatten()
}

/// The document of one operation while its arguments complete it.
pub(crate) struct About<'o> {
    pub(crate) operation: &'o mut Operation,
    schemas: &'o mut Schemas,
}

impl About<'_> {
    /// An error that the operation can have, unless its attribute tells of this status in words of its own.
    pub(crate) fn error(&mut self, code: Code, detail: &str) {
        self.described_error(code, format!("`{}`{detail}", code.as_str()));
    }

    /// As [`About::error`], for a status that several codes have.
    pub(crate) fn described_error(&mut self, code: Code, description: String) {
        let status = code.status().as_u16().to_string();
        self.operation.responses.responses.entry(status).or_insert_with(|| {
            let schema = Ref::from_schema_name(ErrorAnswer::name());
            let content = ContentBuilder::new().schema(Some(schema)).build();
            let response = ResponseBuilder::new().description(description);
            response.content("application/json", content).build().into()
        });
    }

    /// Makes a schema, with all that it refers to, part of the document.
    pub(crate) fn schema<T: ToSchema>(&mut self) {
        input::collect::<T>(self.schemas);
    }

    fn permission(&mut self, permission: Option<Permission>) {
        if let Some(permission) = permission {
            let detail = format!(": the key lacks the permission `{permission}`");
            self.error(Code::InsufficientPermissions, &detail);
            let extension = ExtensionsBuilder::new().add(PERMISSION, permission.as_str()).build();
            self.operation.extensions.get_or_insert_default().merge(extension);
        }
    }
}

/// The arguments of a handler, as axum's [`Handler`] has them: the permission first.
pub(crate) trait Arguments {
    fn describe(about: &mut About<'_>);
}

/// An argument of a handler besides its permission.
pub(crate) trait Argument {
    /// Adds what it reads of the request, and the errors that this can have.
    fn describe(about: &mut About<'_>);
}

macro_rules! arguments {
    ($($argument:ident)*) => {
        impl<M, P: Required, $($argument: Argument),*> Arguments for (M, Permitted<P>, $($argument,)*) {
            fn describe(about: &mut About<'_>) {
                about.permission(P::PERMISSION);
                $($argument::describe(about);)*
            }
        }
    };
}
arguments!();
arguments!(A);
arguments!(A B);
arguments!(A B C);
arguments!(A B C D);

impl Argument for State<Api> {
    fn describe(_: &mut About<'_>) {}
}

impl Argument for HeaderMap {
    fn describe(_: &mut About<'_>) {}
}

impl Argument for Extension<RequestId> {
    fn describe(_: &mut About<'_>) {}
}
