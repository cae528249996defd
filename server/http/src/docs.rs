//! `/docs` and `/llms.txt`: the OpenAPI document, written out for people and for programs that read text. Both are made
//! from the document itself, once, and need nothing from elsewhere: no script, no font, no picture.

use crate::error::Code;
use crate::openapi;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::IntoResponse;
use sendmux_mime::html::escaped;
use serde_json::Value;
use std::fmt::Write as _;
use std::sync::LazyLock;

const STYLE: &str = include_str!("docs/style.css");
const GUIDE: &str = include_str!("docs/guide.md");
const POLICY: &str =
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

static PAGE: LazyLock<String> = LazyLock::new(|| html(&openapi::complete()));
static TEXT: LazyLock<String> = LazyLock::new(|| text(&openapi::complete()));

/// `GET /docs`.
pub(crate) async fn page() -> impl IntoResponse {
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CONTENT_SECURITY_POLICY, POLICY),
    ];
    (headers, PAGE.as_str())
}

/// `GET /docs/style.css`.
pub(crate) async fn style() -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/css; charset=utf-8")], STYLE)
}

/// `GET /llms.txt`.
pub(crate) async fn llms() -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/plain; charset=utf-8")], TEXT.as_str())
}

/// The meaning of a code, and what to do about it.
fn advice(code: Code) -> &'static str {
    match code {
        Code::AuthenticationRequired => "Send a valid API key as `Authorization: Bearer smx_…`.",
        Code::InsufficientPermissions => "Use a key that has the permission that the message names.",
        Code::InvalidParameter => "The request does not have the right shape; `errors` names each field.",
        Code::MissingParameter => "Something that is required is not there; `errors` names it.",
        Code::ValidationError => "A value cannot be; `errors` names each field and what is wrong with it.",
        Code::PayloadTooLarge => "A request has 26,214,400 bytes at most, attachments in base64 included.",
        Code::IdempotencyConflict => {
            "The Idempotency-Key was used for another request: use a new one. When `retryable`, the same request is still \
             being carried out: ask again after a second."
        }
        Code::Conflict => "The request clashes with what is there; the message says with what.",
        Code::RateLimitExceeded => "Wait as long as `Retry-After` says.",
        Code::UnsupportedMediaType => "Send JSON in UTF-8, uncompressed, as `application/json`.",
        Code::MethodNotAllowed => "The path exists, the method does not; `Allow` names those that do.",
        Code::NoActiveProviders => "Switch a provider in the scope of the key on, or widen its scope.",
        Code::ServiceUnavailable => "Try again a little later.",
        Code::NotFound => "There is no such thing in this team.",
        Code::InternalError => "A fault of the server; it was logged under the id of the request.",
    }
}

/// One operation of the document.
struct Operation<'d> {
    method: String,
    path: &'d str,
    about: &'d Value,
}

impl<'d> Operation<'d> {
    fn text(&self, name: &str) -> &'d str {
        self.about[name].as_str().unwrap_or_default()
    }

    fn parameters(&self) -> impl Iterator<Item = &'d Value> {
        self.about["parameters"].as_array().into_iter().flatten()
    }

    fn request(&self) -> Option<&'d Value> {
        self.about
            .get("requestBody")?
            .get("content")?
            .get("application/json")?
            .get("schema")
    }

    fn responses(&self) -> impl Iterator<Item = (&'d str, &'d Value)> {
        let responses = self.about["responses"].as_object();
        let mut responses: Vec<_> = responses
            .into_iter()
            .flatten()
            .map(|(status, one)| (status.as_str(), one))
            .collect();
        responses.sort_unstable_by_key(|(status, _)| *status);
        responses.into_iter()
    }
}

/// The operations with this tag, in the order of the paths.
fn operations<'d>(document: &'d Value, tag: &str) -> Vec<Operation<'d>> {
    let mut found = Vec::new();
    for (path, methods) in document["paths"].as_object().into_iter().flatten() {
        for method in ["get", "post", "put", "patch", "delete"] {
            if let Some(about) = methods.get(method)
                && about["tags"][0] == tag
            {
                found.push(Operation {
                    method: method.to_uppercase(),
                    path,
                    about,
                });
            }
        }
    }
    found
}

fn tags(document: &Value) -> impl Iterator<Item = (&str, &str)> {
    document["tags"].as_array().into_iter().flatten().map(|tag| {
        (
            tag["name"].as_str().unwrap_or_default(),
            tag["description"].as_str().unwrap_or_default(),
        )
    })
}

/// The name of a schema that is referred to.
fn referred(schema: &Value) -> Option<&str> {
    schema["$ref"].as_str()?.rsplit('/').next()
}

/// The type of a value, in a few words.
fn type_of(schema: &Value) -> String {
    if let Some(name) = referred(schema) {
        return name.to_owned();
    }
    for alternatives in ["oneOf", "anyOf"] {
        if let Some(list) = schema[alternatives].as_array() {
            let mut types: Vec<_> = list.iter().map(type_of).collect();
            types.dedup();
            return types.join(" or ");
        }
    }
    let name = match &schema["type"] {
        Value::Array(list) => list.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" or "),
        Value::String(name) => name.clone(),
        _ => "any".to_owned(),
    };
    match schema.get("items") {
        Some(items) => name.replacen("array", &format!("list of {}", type_of(items)), 1),
        None => name,
    }
}

/// The fields of a schema: name, type, whether it must be there, what it is.
fn fields_of(schema: &Value) -> Vec<(String, String, bool, String)> {
    let parts = schema["allOf"]
        .as_array()
        .map_or_else(|| vec![schema], |all| all.iter().collect());
    let mut fields = Vec::new();
    for part in parts {
        let required = |name: &str| {
            let list = part["required"].as_array();
            list.is_some_and(|list| list.iter().any(|one| one == name))
        };
        for (name, field) in part["properties"].as_object().into_iter().flatten() {
            let about = field["description"].as_str().unwrap_or_default().to_owned();
            fields.push((name.clone(), type_of(field), required(name), about));
        }
    }
    fields
}

fn schemas(document: &Value) -> impl Iterator<Item = (&String, &Value)> {
    document["components"]["schemas"].as_object().into_iter().flatten()
}

fn text(document: &Value) -> String {
    let mut out = GUIDE.to_owned();
    for (tag, about) in tags(document) {
        let _ = write!(out, "\n## {tag}\n\n{about}.\n");
        for operation in operations(document, tag) {
            let _ = write!(
                out,
                "\n### {} {}\n\n{}\n",
                operation.method,
                operation.path,
                operation.text("summary")
            );
            if !operation.text("description").is_empty() {
                let _ = write!(out, "\n{}\n", operation.text("description"));
            }
            out.push('\n');
            for one in operation.parameters() {
                let (name, place) = (
                    one["name"].as_str().unwrap_or_default(),
                    one["in"].as_str().unwrap_or_default(),
                );
                let _ = writeln!(
                    out,
                    "- {place} `{name}`: {}",
                    one["description"].as_str().unwrap_or_default()
                );
            }
            if let Some(schema) = operation.request() {
                let _ = writeln!(out, "- body: {}", type_of(schema));
            }
            for (status, response) in operation.responses() {
                let description = response["description"].as_str().unwrap_or_default();
                let body = &response["content"]["application/json"]["schema"];
                let body = if body.is_null() {
                    String::new()
                } else {
                    format!(" ({})", type_of(body))
                };
                let _ = writeln!(out, "- {status}: {description}{body}");
            }
        }
    }
    out.push_str("\n## Types\n");
    for (name, schema) in schemas(document) {
        let _ = write!(
            out,
            "\n### {name}\n\n{}\n\n",
            schema["description"].as_str().unwrap_or_default()
        );
        for (field, kind, required, about) in fields_of(schema) {
            let must = if required { ", required" } else { "" };
            let _ = writeln!(out, "- `{field}` ({kind}{must}): {about}");
        }
        if let Some(words) = schema["enum"].as_array() {
            let words: Vec<_> = words.iter().filter_map(Value::as_str).collect();
            let _ = writeln!(out, "One of: {}", words.join(", "));
        }
    }
    out.push_str("\n## Errors\n\n");
    for code in Code::ALL {
        let _ = writeln!(
            out,
            "- {} `{}`: {}",
            code.status().as_u16(),
            code.as_str(),
            advice(code)
        );
    }
    out
}

fn html(document: &Value) -> String {
    let mut out = String::from(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Sendmux API</title>\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <link rel=\"stylesheet\" href=\"/docs/style.css\"></head><body><nav aria-label=\"Contents\"><ul>",
    );
    for (tag, _) in tags(document) {
        let _ = write!(out, "<li><a href=\"#{0}\">{1}</a></li>", anchor(tag), escaped(tag));
    }
    out.push_str(
        "<li><a href=\"#types\">Types</a></li><li><a href=\"#errors\">Errors</a></li></ul></nav><main><h1>Sendmux API</h1>\
         <p>As a document for programs: <a href=\"/api/v1/openapi.json\">openapi.json</a>; in one page of text: \
         <a href=\"/llms.txt\">llms.txt</a>.</p>",
    );
    for paragraph in GUIDE.split("\n\n").skip(1) {
        let _ = write!(out, "<p>{}</p>", marked(paragraph));
    }
    for (tag, about) in tags(document) {
        let _ = write!(
            out,
            "<section id=\"{}\"><h2>{}</h2><p>{}.</p>",
            anchor(tag),
            escaped(tag),
            marked(about)
        );
        for operation in operations(document, tag) {
            operation_html(&mut out, &operation);
        }
        out.push_str("</section>");
    }
    out.push_str("<section id=\"types\"><h2>Types</h2>");
    for (name, schema) in schemas(document) {
        let about = schema["description"].as_str().unwrap_or_default();
        let _ = write!(
            out,
            "<h3 id=\"type-{0}\">{0}</h3><p>{1}</p>",
            escaped(name),
            marked(about)
        );
        let fields = fields_of(schema);
        if !fields.is_empty() {
            out.push_str("<div class=\"wide\"><table><thead><tr><th>Field<th>Type<th>Meaning</tr></thead><tbody>");
            for (field, kind, required, about) in fields {
                let must = if required { " <em>required</em>" } else { "" };
                let _ = write!(
                    out,
                    "<tr><td><code>{}</code>{must}<td>{}<td>{}</tr>",
                    escaped(&field),
                    escaped(&kind),
                    marked(&about)
                );
            }
            out.push_str("</tbody></table></div>");
        }
        if let Some(words) = schema["enum"].as_array() {
            let words: Vec<_> = words.iter().filter_map(Value::as_str).collect();
            let _ = write!(out, "<p>One of: {}</p>", escaped(&words.join(", ")));
        }
    }
    out.push_str("</section><section id=\"errors\"><h2>Errors</h2><dl>");
    for code in Code::ALL {
        let _ = write!(
            out,
            "<dt id=\"error-{0}\"><code>{0}</code> ({1})</dt><dd>{2}</dd>",
            code.as_str(),
            code.status().as_u16(),
            marked(advice(code))
        );
    }
    out.push_str("</dl></section></main></body></html>");
    out
}

fn operation_html(out: &mut String, operation: &Operation<'_>) {
    let _ = write!(
        out,
        "<article id=\"{}\"><h3><span class=\"method\">{}</span> <code>{}</code></h3><p>{}</p>",
        escaped(operation.text("operationId")),
        operation.method,
        escaped(operation.path),
        marked(operation.text("summary"))
    );
    if !operation.text("description").is_empty() {
        let _ = write!(out, "<p>{}</p>", marked(operation.text("description")));
    }
    out.push_str("<div class=\"wide\"><table><tbody>");
    for one in operation.parameters() {
        let _ = write!(
            out,
            "<tr><td>{}<td><code>{}</code><td>{}</tr>",
            escaped(one["in"].as_str().unwrap_or_default()),
            escaped(one["name"].as_str().unwrap_or_default()),
            marked(one["description"].as_str().unwrap_or_default())
        );
    }
    if let Some(schema) = operation.request() {
        let _ = write!(out, "<tr><td>body<td colspan=\"2\">{}</tr>", linked(&type_of(schema)));
    }
    for (status, response) in operation.responses() {
        let body = &response["content"]["application/json"]["schema"];
        let body = if body.is_null() {
            String::new()
        } else {
            linked(&type_of(body))
        };
        let description = response["description"].as_str().unwrap_or_default();
        let _ = write!(out, "<tr><td>{status}<td>{body}<td>{}</tr>", marked(description));
    }
    out.push_str("</tbody></table></div></article>");
}

/// The name of a type, as a link to it.
fn linked(name: &str) -> String {
    let name = escaped(name);
    format!("<a href=\"#type-{name}\">{name}</a>")
}

fn anchor(tag: &str) -> String {
    tag.to_lowercase().replace(' ', "-")
}

/// Text in which backticks mark code.
fn marked(text: &str) -> String {
    let mut out = String::new();
    for (at, part) in text.split('`').enumerate() {
        let part = escaped(part);
        if at % 2 == 1 {
            let _ = write!(out, "<code>{part}</code>");
        } else {
            out.push_str(&part);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_and_every_code_is_there() {
        let document = openapi::complete();
        let (page, text) = (html(&document), text(&document));
        let mut operations = 0;
        for (path, methods) in document["paths"].as_object().unwrap() {
            for (method, about) in methods.as_object().unwrap() {
                let id = about["operationId"].as_str().unwrap();
                assert!(page.contains(&format!("<article id=\"{id}\">")), "{id}");
                assert!(
                    text.contains(&format!("### {} {path}\n", method.to_uppercase())),
                    "{id}"
                );
                operations += 1;
            }
        }
        assert!(operations > 20);
        for code in Code::ALL {
            assert!(page.contains(&format!("id=\"error-{}\"", code.as_str())));
        }
        assert!(!page.contains("<script") && !page.contains("http://") && !page.contains("style=\""));
    }
}
