//! The installation's applications at Google and Microsoft.

use super::{Reader, service_url};
use crate::secrets::Secret;
use crate::settings;

/// The installation as an application of an identity provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OAuthApp {
    /// The id that the application was given.
    pub client_id: String,
    /// Its secret.
    pub client_secret: Secret,
}

settings! {
    /// The application at Google.
    struct GoogleApp {
        in "Gmail" {
            /// Id of this installation's OAuth client at Google, for Gmail mailboxes. docs/PROVIDERS.md says how to get one.
            google_client_id: Option<String> = "",
            /// Secret that belongs to `google_client_id`.
            google_client_secret: Option<Secret> = "",
        }
    }
}

settings! {
    /// Google, for Gmail mailboxes.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct GoogleSettings {
        in "Gmail" {
            /// Address that is used instead of all of Google's hosts, for tests and proxies.
            url: Option<String> = "" as "google_url" by service_url,
        }
        with {
            /// The installation's application; without one no Gmail mailbox can be connected.
            app: Option<OAuthApp> = None,
        }
    }
}

impl GoogleSettings {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let app = GoogleApp::declared(reader);
        Self {
            app: whole_app(reader, "google", app.google_client_id, app.google_client_secret),
            ..Self::declared(reader)
        }
    }
}

settings! {
    /// The application at Microsoft.
    struct MicrosoftApp {
        in "Microsoft 365" {
            /// Id of this installation's app registration at Microsoft, for Microsoft 365 mailboxes. docs/PROVIDERS.md says
            /// how to get one.
            microsoft_client_id: Option<String> = "",
            /// Secret that belongs to `microsoft_client_id`. It expires: note the date.
            microsoft_client_secret: Option<Secret> = "",
        }
    }
}

settings! {
    /// Microsoft, for Microsoft 365 mailboxes.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct MicrosoftSettings {
        in "Microsoft 365" {
            /// Mailboxes that may be connected: `common`, `organizations`, or one tenant's id or domain.
            tenant: String = "common" as "microsoft_tenant" by tenant,
            /// Address that is used instead of <https://login.microsoftonline.com>, for national clouds and tests.
            login_url: Option<String> = "" as "microsoft_login_url" by service_url,
            /// Address that is used instead of <https://graph.microsoft.com>, for national clouds and tests.
            graph_url: Option<String> = "" as "microsoft_graph_url" by service_url,
        }
        with {
            /// The installation's application; without one no Microsoft 365 mailbox can be connected.
            app: Option<OAuthApp> = None,
        }
    }
}

impl MicrosoftSettings {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let app = MicrosoftApp::declared(reader);
        Self {
            app: whole_app(
                reader,
                "microsoft",
                app.microsoft_client_id,
                app.microsoft_client_secret,
            ),
            ..Self::declared(reader)
        }
    }
}

fn whole_app(reader: &mut Reader<'_>, service: &str, id: Option<String>, secret: Option<Secret>) -> Option<OAuthApp> {
    match (id, secret) {
        (None, None) => None,
        (Some(client_id), Some(client_secret)) => Some(OAuthApp {
            client_id,
            client_secret,
        }),
        _ => {
            reader.wrong(format!(
                "{service}_client_id and {service}_client_secret: give both or none"
            ));
            None
        }
    }
}

/// A tenant stands in the path of addresses: a word, an id or a domain.
fn tenant(text: &str) -> Result<String, String> {
    let is_sound = !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte));
    match is_sound {
        true => Ok(text.to_owned()),
        false => Err(format!(
            "`{text}` must be common, organizations, or a tenant's id or domain"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::load;
    use super::*;

    #[test]
    fn applications_are_off_until_they_are_configured() {
        let settings = load(&[]).unwrap();
        assert_eq!(settings.google, GoogleSettings::default());
        assert_eq!(settings.microsoft, MicrosoftSettings::default());
        assert_eq!((settings.google.app, settings.google.url), (None, None));
    }

    #[test]
    fn an_application_has_an_id_and_a_secret() {
        let file = [
            ("google_client_id", "id"),
            ("google_client_secret", "planted"),
            ("microsoft_tenant", "example.com"),
            ("microsoft_graph_url", "http://127.0.0.1:4579/"),
        ];
        let settings = load(&file).unwrap();
        assert_eq!(settings.google.app.unwrap().client_secret.expose(), "planted");
        assert_eq!(settings.microsoft.tenant, "example.com");
        assert_eq!(settings.microsoft.graph_url.as_deref(), Some("http://127.0.0.1:4579"));
    }

    #[test]
    fn half_an_application_is_wrong() {
        let error = load(&[
            ("google_client_id", "id"),
            ("google_url", "localhost:80"),
            ("microsoft_client_secret", "planted"),
            ("microsoft_tenant", "a/b"),
        ])
        .unwrap_err();
        for part in [
            "google_client_id and google_client_secret: give both or none",
            "google_url (SENDMUX_GOOGLE_URL, from file): `localhost:80` is not an address",
            "microsoft_client_id and microsoft_client_secret: give both or none",
            "microsoft_tenant (SENDMUX_MICROSOFT_TENANT, from file): `a/b`",
        ] {
            assert!(error.contains(part), "{part}: {error}");
        }
        assert!(!error.contains("planted"), "{error}");
    }
}
