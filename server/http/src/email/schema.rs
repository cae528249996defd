//! The request as the OpenAPI document shows it. A test holds it to what the reader of the request takes.

use super::groups::MAX_GROUPS;
use super::recipients::MAX_LIST;
use std::collections::BTreeMap;
use utoipa::ToSchema;
use utoipa::openapi::Ref;
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, OneOfBuilder, Schema, Type};

/// An email to be sent.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "only its schema is used: requests are read field by field, to report all that is wrong"
)]
pub(crate) struct EmailRequest {
    /// Who it is from.
    from: Address,
    #[schema(schema_with = one_or_some)]
    to: Vec<Address>,
    /// Who gets a copy that the others see.
    #[schema(max_items = 100, nullable = true)]
    cc: Option<Vec<Address>>,
    /// Who gets a copy that nobody sees.
    #[schema(max_items = 100, nullable = true)]
    bcc: Option<Vec<Address>>,
    #[schema(schema_with = one_or_many, required = false)]
    reply_to: Vec<Address>,
    /// The subject, in any script, without line breaks or other control characters. It has something but blanks in it.
    #[schema(
        min_length = 1,
        max_length = 998,
        pattern = r"^[^\u0000-\u001f\u007f-\u009f]*[^\s\u0000-\u001f\u007f-\u009f][^\u0000-\u001f\u007f-\u009f]*$",
        example = "Your order"
    )]
    subject: String,
    /// The body in HTML. At least one of `html_body` and `text_body` is required.
    #[schema(min_length = 1, max_length = 26_214_400, example = "<p>It is on its way.</p>")]
    html_body: Option<String>,
    /// The body as plain text.
    #[schema(max_length = 26_214_400, example = "It is on its way.")]
    text_body: Option<String>,
    /// Further headers: `X-…` (but not `X-Sendmux-…`), `List-Unsubscribe`, `List-Unsubscribe-Post`, and `In-Reply-To` and
    /// `References` for an answer in a conversation.
    #[schema(example = json!({"X-Campaign": "spring"}))]
    custom_headers: Option<BTreeMap<String, String>>,
    /// Where reports of failed delivery go; the address in `from` when absent.
    #[schema(format = "email", max_length = 254)]
    return_path: Option<String>,
    #[schema(schema_with = one_or_some_groups, required = false)]
    delivery_group: Vec<String>,
    /// Files.
    #[schema(max_items = 10, nullable = true)]
    attachments: Option<Vec<Attachment>>,
}

/// An email address.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
pub(crate) struct Address {
    /// The address alone: any script, and quoted local parts too, but no IP address for a domain.
    #[schema(format = "email", max_length = 254, example = "ana@example.com")]
    email: String,
    /// The name to show.
    #[schema(
        max_length = 998,
        pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$",
        example = "Ana Silva"
    )]
    name: Option<String>,
}

/// A file that goes with an email.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
pub(crate) struct Attachment {
    /// The name that the receiver sees, without a path.
    #[schema(
        min_length = 1,
        max_length = 255,
        pattern = r"^[^/\\\u0000-\u001f\u007f-\u009f]*$",
        example = "invoice.pdf"
    )]
    filename: String,
    /// The file, in base64 (RFC 4648 section 4) with padding, in lines or not; an empty text is an empty file.
    #[schema(
        content_encoding = "base64",
        pattern = r"^[ \t\r\n]*(?:(?:[A-Za-z0-9+/][ \t\r\n]*){4})*(?:(?:[A-Za-z0-9+/][ \t\r\n]*){2}[AEIMQUYcgkosw048][ \t\r\n]*=[ \t\r\n]*|[A-Za-z0-9+/][ \t\r\n]*[AQgw][ \t\r\n]*=[ \t\r\n]*=[ \t\r\n]*)?$",
        example = "JVBERi0xLjcK"
    )]
    content: String,
    /// The media type; guessed from the file name when absent.
    #[schema(max_length = 255, example = "application/pdf")]
    r#type: Option<String>,
    /// The id by which the HTML body shows this file: `<img src="cid:…">`.
    #[schema(max_length = 255, example = "logo")]
    content_id: Option<String>,
    /// How `content` is encoded: always base64, so it can be left out.
    #[schema(pattern = "^base64$", example = "base64")]
    encoding: Option<String>,
}

fn one_or_some() -> Schema {
    let list = ArrayBuilder::new().min_items(Some(1));
    one_or(list)
        .description(Some(
            "Who it is to: an address, or a list. to, cc and bcc have 201 at most in all.",
        ))
        .into()
}

fn one_or_many() -> Schema {
    one_or(ArrayBuilder::new())
        .item(ObjectBuilder::new().schema_type(Type::Null))
        .description(Some("Where answers go, when not to `from`: an address, or a list."))
        .into()
}

fn one_or_some_groups() -> Schema {
    let id = || {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .pattern(Some("^d?grp_[a-z0-9]{24}$"))
    };
    let list = ArrayBuilder::new()
        .items(id())
        .min_items(Some(1))
        .max_items(Some(MAX_GROUPS));
    OneOfBuilder::new()
        .item(id())
        .item(list)
        .item(ObjectBuilder::new().schema_type(Type::Null))
        .description(Some(
            "The delivery group that the message goes through, or several: within the scope of the key, which it narrows and \
             never widens.",
        ))
        .into()
}

fn one_or(list: ArrayBuilder) -> OneOfBuilder {
    let address = || Ref::from_schema_name("Address");
    OneOfBuilder::new()
        .item(address())
        .item(list.items(address()).max_items(Some(MAX_LIST)))
}
