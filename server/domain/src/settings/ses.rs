//! The operator's Amazon SES account, which the managed route sends through.

use super::{Reader, service_url};
use crate::secrets::Secret;
use crate::settings;

/// Access to an Amazon SES account: a team's own, or the operator's for the managed route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SesAccess {
    /// The AWS region: `eu-central-1`.
    pub region: String,
    /// The id of the access key.
    pub access_key_id: String,
    /// The secret that belongs to it.
    pub secret_access_key: Secret,
    /// A role that is assumed with the key.
    pub role_arn: Option<String>,
    /// The external id that the role asks for.
    pub external_id: Option<String>,
    /// The configuration set that messages are sent with.
    pub configuration_set: Option<String>,
    /// The address of the API instead of Amazon's, without a trailing slash.
    pub endpoint: Option<String>,
}

settings! {
    /// The settings of the account as they are given.
    #[derive(PartialEq, Eq)]
    struct ManagedSes {
        in "Managed route" {
            /// AWS region of the Amazon SES account that the managed route sends through. Empty: it delivers into the sandbox.
            ses_region: Option<String> = "",
            /// Access key of that account.
            ses_access_key_id: Option<String> = "",
            /// Secret that belongs to `ses_access_key_id`.
            ses_secret_access_key: Option<Secret> = "",
            /// Role that is assumed with the access key. Empty: the key itself is used.
            ses_role_arn: Option<String> = "",
            /// External id that `ses_role_arn` asks for, when it does.
            ses_external_id: Option<String> = "",
            /// Address of the Amazon SES API instead of the region's own.
            ses_endpoint: Option<String> = "" by service_url,
            /// Configuration set whose event destination reports bounces and complaints.
            ses_configuration_set: Option<String> = "",
        }
    }
}

impl SesAccess {
    /// The account of the managed route; none where nothing of it is given.
    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let given = ManagedSes::declared(reader);
        if given == ManagedSes::default() {
            return None;
        }
        for (name, is_given) in [
            ("ses_region", given.ses_region.is_some()),
            ("ses_access_key_id", given.ses_access_key_id.is_some()),
            ("ses_secret_access_key", given.ses_secret_access_key.is_some()),
        ] {
            if !is_given {
                reader.wrong(format!(
                    "{name}: the managed route needs ses_region, ses_access_key_id, ses_secret_access_key together"
                ));
            }
        }
        Some(Self {
            region: given.ses_region?,
            access_key_id: given.ses_access_key_id?,
            secret_access_key: given.ses_secret_access_key?,
            role_arn: given.ses_role_arn,
            external_id: given.ses_external_id,
            configuration_set: given.ses_configuration_set,
            endpoint: given.ses_endpoint,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::load;

    #[test]
    fn the_managed_route_reads_its_account() {
        let file = [
            ("ses_region", "eu-central-1"),
            ("ses_access_key_id", "AKIA"),
            ("ses_secret_access_key", "planted"),
            ("ses_endpoint", "http://127.0.0.1:4579/"),
        ];
        let access = load(&file).unwrap().managed_ses.unwrap();
        assert_eq!(access.endpoint.as_deref(), Some("http://127.0.0.1:4579"));
        assert_eq!(access.secret_access_key.expose(), "planted");
        assert!(!format!("{access:?}").contains("planted"));
        assert_eq!(load(&[]).unwrap().managed_ses, None);
    }

    #[test]
    fn an_account_is_given_whole() {
        for given in ["ses_region", "ses_role_arn"] {
            let error = load(&[(given, "a")]).unwrap_err();
            for name in ["ses_region", "ses_access_key_id", "ses_secret_access_key"] {
                let said = format!("{name}: the managed route needs");
                assert_eq!(error.contains(&said), name != given, "{error}");
            }
        }
    }
}
